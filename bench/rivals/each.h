/* SPDX-License-Identifier: MIT */
/* Calls a visitor with every rival's class and name. */
#ifndef DEWPOND_BENCH_RIVALS_EACH_H
#define DEWPOND_BENCH_RIVALS_EACH_H

#include "rivals/mutex_lifo.h"
#if DEWPOND_BENCH_SOCI
#include "rivals/soci.h"
#endif
#if DEWPOND_BENCH_LIBZDB
#include "rivals/libzdb.h"
#endif
#if DEWPOND_BENCH_MYSQLPP
#include "rivals/mysqlpp.h"
#endif
#if DEWPOND_BENCH_POCO
#include "rivals/poco.h"
#endif
#if DEWPOND_BENCH_APR
#include "rivals/apr.h"
#endif

namespace bench {

/* visit.template row<Pool>(name), for those that keep to a maximum. */
template <class Visitor>
void
each_bounded_rival(Visitor &&visit)
{
    visit.template row<MutexLifo>("mutex_lifo");
#if DEWPOND_BENCH_SOCI
    visit.template row<Soci>("soci");
#endif
#if DEWPOND_BENCH_APR
    visit.template row<AprReslist>("apr_reslist");
#endif
#if DEWPOND_BENCH_POCO
    visit.template row<PocoObjectPool>("poco_objectpool");
    visit.template row<PocoSessionPool>("poco_sessionpool");
#endif
#if DEWPOND_BENCH_LIBZDB
    visit.template row<Libzdb<false>>("libzdb_no_ping");
    visit.template row<Libzdb<true>>("libzdb");
#endif
}

/* And those that open another one instead of waiting. */
template <class Visitor>
void
each_rival(Visitor &&visit)
{
    each_bounded_rival(visit);
#if DEWPOND_BENCH_MYSQLPP
    visit.template row<Mysqlpp>("mysqlpp");
#endif
}

} // namespace bench

#endif
