/* SPDX-License-Identifier: MIT */
/* All pools that are here, under their names; the rest is said to be missing. */
#include "rivals/rivals.h"

#include <benchmark/benchmark.h>
#include <dewpond.h>
#include <gnu/libc-version.h>
#include <string>
#include <sys/utsname.h>

/* "here" or "missing"; versions come from CMake. */
#define TELL(name, here, version)                                            \
    benchmark::AddCustomContext("rival_" name, (here) ? version : "missing")

void
bench::describe_rivals()
{
    struct utsname kernel;
    uname(&kernel);
    benchmark::AddCustomContext("kernel", std::string(kernel.sysname) + " " +
                                              kernel.release);
    benchmark::AddCustomContext("glibc", gnu_get_libc_version());
    benchmark::AddCustomContext("dewpond", dew_version());
    benchmark::AddCustomContext("compiler", DEWPOND_BENCH_COMPILER);
    benchmark::AddCustomContext("build_type", DEWPOND_BENCH_BUILD);
    benchmark::AddCustomContext("client", DEWPOND_BENCH_CLIENT);
    TELL("soci", DEWPOND_BENCH_SOCI, DEWPOND_BENCH_SOCI_VERSION);
    TELL("soci_mysql", DEWPOND_BENCH_SOCI_MYSQL,
         DEWPOND_BENCH_SOCI_MYSQL_VERSION);
    TELL("libzdb", DEWPOND_BENCH_LIBZDB, DEWPOND_BENCH_LIBZDB_VERSION);
    TELL("mysqlpp", DEWPOND_BENCH_MYSQLPP, DEWPOND_BENCH_MYSQLPP_VERSION);
    TELL("poco", DEWPOND_BENCH_POCO, DEWPOND_BENCH_POCO_VERSION);
    TELL("apr_reslist", DEWPOND_BENCH_APR, DEWPOND_BENCH_APR_VERSION);
}
