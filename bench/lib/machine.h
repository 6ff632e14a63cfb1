/* SPDX-License-Identifier: MIT */
/* What the machine says while we measure: ticks, processor time, who else ran. */
#ifndef DEWPOND_BENCH_MACHINE_H
#define DEWPOND_BENCH_MACHINE_H

#include <cstdint>
#include <ctime>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace bench {

/* The cheapest clock that never steps back on one CPU. */
inline uint64_t
ticks()
{
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    uint64_t value;
    asm volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u +
           static_cast<uint64_t>(now.tv_nsec);
#endif
}

inline void
relax()
{
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

int64_t now_ns();
/* Calibrated against CLOCK_MONOTONIC at the first call. */
double ticks_per_ns();
void sleep_ns(int64_t ns);

/* Keeps this CPU busy until so many ticks are over. */
inline void
spin_ticks(uint64_t length)
{
    const uint64_t from = ticks();
    while (ticks() - from < length) {
        relax();
    }
}

/* CPUs this process may use, and staying on one of them: the n-th, modulo
 * their number; a negative n lifts that again. */
unsigned cpu_count();
void pin(int n);

/* One look at all CPUs and at this process. */
struct Usage {
    int64_t ns;            /* when */
    double own_s, all_s;   /* busy: this process and its server; everybody */
    int64_t switches;      /* this process, voluntary or not */
    static Usage now();
    /* The share of all CPUs that others used since `before`. */
    double others(const Usage &before) const;
};

/* How long one measurement lasts: DEWPOND_BENCH_WINDOW_MS, or 300. */
int64_t window_ns();
/* As many open files as the system allows; returns how many. */
uint64_t raise_file_limit();

} // namespace bench

#endif
