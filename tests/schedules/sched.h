/* SPDX-License-Identifier: MIT */
/* Runs coroutines one at a time and tries the orders in which they can run. */
/*
 * A thread of the program under test is a coroutine here. It can be switched
 * away from only at a point (hooks.h puts one before every shared access), so
 * a list of choices at the points is the whole schedule: it can be searched,
 * printed and replayed. Memory is sequentially consistent; what a weaker
 * machine may do besides is not shown here.
 *
 * THE CLOCK is virtual. It moves only when it is chosen to: the sleeper with
 * the earliest deadline may be woken by it at any point, as if everybody else
 * had been slow.
 */
#ifndef TESTS_SCHEDULES_SCHED_H
#define TESTS_SCHEDULES_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#define SCHED_THREADS 8
#define SCHED_DEPTH 8192                   /* choices in one schedule */
#define SCHED_START_NS INT64_C(1000000000) /* the clock's first reading */
#define SCHED_POINTS 40000 /* points in one schedule: more is a livelock */

enum sched_kind {
    SCHED_DFS,    /* every schedule with at most `bound` preemptions */
    SCHED_RANDOM, /* from a seed */
    SCHED_REPLAY, /* the choices that are there already */
};

/* At a point with several ways to go on: which one, of how many. 0 is to go
 * on with the same thread. */
struct sched_choice {
    uint8_t taken, options;
};

struct sched_search {
    enum sched_kind kind;
    uint32_t bound;
    uint64_t seed;
    bool minor; /* also switch where only hand-overs protect (slot.c) */

    struct sched_choice choices[SCHED_DEPTH];
    uint32_t depth;  /* choices of the last run */
    uint32_t prefix; /* of these, how many the next run repeats */
};

/* One run: `setup` makes the world and its threads, `inspect` looks at it when
 * nobody can go on. NULL, or the violation. */
const char *sched_run(struct sched_search *search, void (*setup)(void),
                      void (*inspect)(void));
/* DFS: prepares the next schedule. False: all within the bound were run. */
bool sched_next(struct sched_search *search);

/* --- in setup ------------------------------------------------------------- */

/* A daemon need not come to its end. */
void sched_thread(void (*body)(void *arg), void *arg, bool daemon);

/* --- in a thread ---------------------------------------------------------- */

void sched_point(void);
void sched_point_minor(void);
/* Sleeps until sched_wake of the same address or the deadline. */
void sched_block(const void *on, int64_t deadline_ns);
/* Ends the run. Outside a thread: noted, and returns. */
void sched_fail(const char *what);

/* --- anywhere ------------------------------------------------------------- */

void sched_wake(const void *on, uint32_t count);
int64_t sched_now_ns(void);
uint32_t sched_self(void);

#endif
