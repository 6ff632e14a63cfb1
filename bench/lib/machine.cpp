/* SPDX-License-Identifier: MIT */
/* What the machine says while we measure: ticks, processor time, who else ran. */
#include "lib/machine.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace bench {

int64_t
now_ns()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

void
sleep_ns(int64_t ns)
{
    struct timespec length = {static_cast<time_t>(ns / 1000000000),
                              static_cast<long>(ns % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &length, &length) == EINTR) {
    }
}

double
ticks_per_ns()
{
    static const double ratio = [] {
        const int64_t from_ns = now_ns();
        const uint64_t from = ticks();
        while (now_ns() - from_ns < 20000000) {
        }
        return static_cast<double>(ticks() - from) /
               static_cast<double>(now_ns() - from_ns);
    }();
    return ratio;
}

static const cpu_set_t &
allowed()
{
    static const cpu_set_t set = [] {
        cpu_set_t mine;
        CPU_ZERO(&mine);
        (void)sched_getaffinity(0, sizeof mine, &mine);
        return mine;
    }();
    return set;
}

unsigned
cpu_count()
{
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&allowed())));
}

void
pin(int n)
{
    cpu_set_t chosen = allowed();
    if (n >= 0) {
        unsigned left = static_cast<unsigned>(n) % cpu_count();
        CPU_ZERO(&chosen);
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (CPU_ISSET(cpu, &allowed()) && left-- == 0) {
                CPU_SET(cpu, &chosen);
                break;
            }
        }
    }
    (void)pthread_setaffinity_np(pthread_self(), sizeof chosen, &chosen);
}

static double
hertz()
{
    return static_cast<double>(sysconf(_SC_CLK_TCK));
}

/* user, nice, system, irq, softirq and steal of all CPUs, in seconds. */
static double
busy_of_all()
{
    unsigned long long v[8] = {};
    FILE *const file = fopen("/proc/stat", "re");
    if (file != nullptr) {
        (void)!fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu",
                      v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7);
        fclose(file);
    }
    return static_cast<double>(v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) /
           hertz();
}

/* The server that is asked, where it runs on this machine: it works for us. */
static double
busy_of_server()
{
    const char *const ours = getenv("DEWPOND_BENCH_SERVER_PID");
    const char *const pid =
        ours != nullptr ? ours : getenv("DEWPOND_BENCH_LOCAL_PID");
    unsigned long long user = 0, system = 0;
    if (pid == nullptr || *pid == '\0') {
        return 0;
    }
    FILE *const file =
        fopen((std::string("/proc/") + pid + "/stat").c_str(), "re");
    if (file == nullptr) {
        return 0;
    }
    /* Fields 14 and 15; the name in field 2 has no blank in it. */
    (void)!fscanf(file,
                  "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                  "%llu %llu", &user, &system);
    fclose(file);
    return static_cast<double>(user + system) / hertz();
}

static double
seconds(const struct timeval &time)
{
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) * 1e-6;
}

Usage
Usage::now()
{
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    return Usage{now_ns(),
                 seconds(own.ru_utime) + seconds(own.ru_stime) +
                     busy_of_server(),
                 busy_of_all(), own.ru_nvcsw + own.ru_nivcsw};
}

double
Usage::others(const Usage &before) const
{
    const double wall = static_cast<double>(ns - before.ns) * 1e-9;
    const double theirs =
        (all_s - before.all_s) - (own_s - before.own_s);
    const double cpus = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
    return wall <= 0 ? 0 : std::max(0.0, theirs / (wall * cpus));
}

int64_t
window_ns()
{
    const char *const text = getenv("DEWPOND_BENCH_WINDOW_MS");
    const int64_t ms = text == nullptr ? 0 : atoll(text);
    return (ms > 0 ? ms : 300) * 1000000;
}

uint64_t
raise_file_limit()
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit more = limit;
    more.rlim_cur = more.rlim_max =
        std::max<rlim_t>(limit.rlim_max, 65536);
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
        return more.rlim_cur;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

} // namespace bench
