/* SPDX-License-Identifier: MIT */
/* Which CPU this thread runs on, and how many there are: a hint for shards. */
/*
 * glibc (2.35 and later) registers a restartable-sequences area for every
 * thread, and the kernel keeps the CPU number in it: reading it is one load.
 * Where it is not registered (an older glibc, valgrind, a tunable), the
 * answer comes from sched_getcpu, which costs about ten times as much.
 *
 * The number is stale as soon as it is read: nothing may depend on it but
 * where to look first. It can be larger than cpu_count() (CPUs go offline, and
 * their numbers have holes): callers take it modulo what they have.
 */
#ifndef DEWPOND_BASE_CPU_H
#define DEWPOND_BASE_CPU_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GLIBC__) && defined(__GLIBC_PREREQ) && defined(__has_builtin)
#if __GLIBC_PREREQ(2, 35) && __has_builtin(__builtin_thread_pointer)
#define CPU_HAS_RSEQ 1
#include <sys/rseq.h>
#endif
#endif

/* sched_getcpu, or 0 where that fails; kept for cpu_hint. */
uint32_t cpu_from_system(void);

/* CPUs that are online now, at least 1. */
uint32_t cpu_count(void);

#ifdef CPU_HAS_RSEQ
/* The kernel's note for this thread; UINT32_MAX and its neighbour say that
 * the thread has none. Only where __rseq_size is not 0. */
static inline uint32_t
cpu_from_rseq(void)
{
    const char *const area =
        (const char *)__builtin_thread_pointer() + __rseq_offset;
    const void *const cpu = area + offsetof(struct rseq, cpu_id);

    /* volatile, not atomic: the only writer is the kernel, on this thread's
     * own CPU; the load just must not be hoisted out of a loop. */
    return *(const volatile uint32_t *)cpu;
}
#endif

/* Asks the system, where the kernel keeps no note: for cpu_hint. */
void cpu_ask_again(void);

/* Where the number stands, from the thread pointer on: for cpu_hint. */
ptrdiff_t cpu_where(void);

static inline uint32_t
cpu_current(void)
{
#ifdef CPU_HAS_RSEQ
    if (__rseq_size != 0) {
        const uint32_t cpu = cpu_from_rseq();

        if (cpu <= (uint32_t)INT32_MAX) {
            return cpu;
        }
    }
#endif
    return cpu_from_system();
}

/* The same without a call, for the hottest paths; `where` is cpu_where. Where the
 * kernel keeps no note it is the last answer of the system to this thread, which
 * may be an old one: cpu_ask_again, now and then. Any number may come. */
static inline uint32_t
cpu_hint(ptrdiff_t where)
{
#ifdef CPU_HAS_RSEQ
    const void *const cpu = (const char *)__builtin_thread_pointer() + where;

    /* As in cpu_from_rseq. */
    return *(const volatile uint32_t *)cpu;
#else
    (void)where;
    return cpu_from_system();
#endif
}

#endif
