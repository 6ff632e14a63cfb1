/* SPDX-License-Identifier: MIT */
/* What the scheduler's coroutines and the choosing among them share. */
#ifndef TESTS_SCHEDULES_SCHED_INSIDE_H
#define TESTS_SCHEDULES_SCHED_INSIDE_H

#include <setjmp.h>
#include <stddef.h>
#include <ucontext.h>

#include "sched.h"

#define STACK_BYTES 65536
#define NOBODY SCHED_THREADS

struct sched_coroutine {
    void (*body)(void *arg);
    void *arg;
    const void *blocked_on; /* NULL: it can run */
    int64_t deadline_ns;
    bool daemon, started, done;
    jmp_buf where;
    ucontext_t first;
    _Alignas(16) char stack[STACK_BYTES];
};

/* The run that is under way. */
extern struct sched_state {
    struct sched_coroutine threads[SCHED_THREADS + 1]; /* the last: NOBODY */
    uint32_t count, self;
    struct sched_search *search;
    uint64_t random;
    uint32_t switch_one_in;
    uint32_t preemptions, points;
    int64_t now_ns;
    bool running;
    const char *failure;
    jmp_buf home;
} sched;

/* Before the first choice of a run: makes what SCHED_RANDOM draws from. */
void sched_seed(struct sched_search *search);
/* Who goes on, by the clock if need be. NOBODY: nobody can go on. */
uint32_t sched_pick(void);

#endif
