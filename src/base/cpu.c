/* SPDX-License-Identifier: MIT */
/* Asks the system for the CPU number and count where the fast way has none. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getcpu */
#endif
#include "base/cpu.h"

#include <sched.h>
#include <unistd.h>

uint32_t
cpu_from_system(void)
{
    const int cpu = sched_getcpu();

    return cpu < 0 ? 0 : (uint32_t)cpu;
}

uint32_t
cpu_count(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online < 1 ? 1 : (uint32_t)online;
}
