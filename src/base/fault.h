/* SPDX-License-Identifier: MIT */
/* Fault points and seeded yields: real in the testing twin, nothing else. */
/*
 * FAULT POINTS. `if (fault(FAULT_ALLOC)) ...` lets a test fail the n-th pass
 * of a point, once or for good, and count how often it was passed.
 * RACE POINTS. `race_point("meet.join")` stands where an unlucky pause makes a
 * race likely; the testing twin yields there, driven by a seed.
 * Both compile to nothing without DEWPOND_TESTING.
 */
#ifndef DEWPOND_BASE_FAULT_H
#define DEWPOND_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_point {
    FAULT_ALLOC,   /* malloc, calloc, strdup of ours */
    FAULT_CONNECT, /* opening a session */
    FAULT_RESET,   /* sending or reading a reset */
    FAULT_PING,    /* a probe */
    FAULT_THREAD,  /* pthread_create */
    FAULT_CLOCK,   /* unused so far: reading a clock cannot fail on Linux */
    FAULT_FUTEX,   /* a park that returns at once (a spurious wake) */
    FAULT_POINTS
};

#ifdef DEWPOND_TESTING
/* True when this pass shall fail. */
bool fault(enum fault_point point);
/* Fail the n-th pass from now (1 is the next; 0 disarms); if `for_good`, all
 * later passes fail too. Resets the point's count. */
void fault_arm(enum fault_point point, uint32_t nth, bool for_good);
/* Passes since the last arming. */
uint32_t fault_passes(enum fault_point point);

void race_point(const char *name);
/* Yield at race points with probability one in `one_in` (0: never), from a
 * seed; a hook, if set, is called at every race point instead. */
void race_seed(uint64_t seed, uint32_t one_in);
void race_hook(void (*hook)(const char *name, void *arg), void *arg);
/* Gives the calling thread the stream of this number, so that it yields at the
 * same passes in every run with the same seed. Threads that do not call it
 * are numbered as they first come to a race point. */
void race_thread(uint32_t number);
/* The next decision of the calling thread's stream: would it yield? */
bool race_draw(void);
#else
static inline bool
fault(enum fault_point point)
{
    (void)point;
    return false;
}
static inline void
race_point(const char *name)
{
    (void)name;
}
#endif

#endif
