/* SPDX-License-Identifier: MIT */
/* Asks the system for the CPU number and count where the fast way has none. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getcpu */
#endif
#include "base/cpu.h"

#include <sched.h>
#include <unistd.h>

/* Where the kernel keeps no note of the CPU, cpu_hint reads this: the thread was
 * there when it asked last. */
static _Thread_local uint32_t last_answer;

uint32_t
cpu_from_system(void)
{
    const int cpu = sched_getcpu();

    last_answer = cpu < 0 ? 0 : (uint32_t)cpu;
    return last_answer;
}

uint32_t
cpu_count(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online < 1 ? 1 : (uint32_t)online;
}

void
cpu_ask_again(void)
{
#ifdef CPU_HAS_RSEQ
    if (__rseq_size == 0) {
        (void)cpu_from_system();
    }
#endif
}

ptrdiff_t
cpu_where(void)
{
#ifdef CPU_HAS_RSEQ
    return __rseq_size != 0
               ? __rseq_offset + (ptrdiff_t)offsetof(struct rseq, cpu_id)
               : (const char *)&last_answer -
                     (const char *)__builtin_thread_pointer();
#else
    return 0;
#endif
}
