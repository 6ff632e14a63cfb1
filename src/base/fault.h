/* SPDX-License-Identifier: MIT */
/* Fault points and seeded yields: real in the testing twin, nothing else. */
/*
 * FAULT POINTS. `if (fault(FAULT_ALLOC)) ...` lets a test fail the n-th pass
 * of a point, once or for good, and count how often it was passed. Each kind
 * of call that can fail has one door in this library, and its point there; a
 * house test (symbols.sh) keeps other files from the calls themselves.
 *
 *     what is called                  door              point
 *     malloc and its kin, mysql_init  base/memory,      FAULT_ALLOC
 *                                     session/connect
 *     once in a process, for good:    base/thread,      FAULT_ONCE
 *       pthread_atfork, the page of   base/forked,
 *       forked.c, the client library  session/library
 *     pthread_create                  base/thread       FAULT_THREAD
 *     dup, eventfd, open, and a new   base/socket,      FAULT_DESCRIPTOR
 *       connection's F_SETFD, fstat   bell, thread, forked, session/connect
 *     poll: ENOMEM                    base/poll         FAULT_POLL
 *     poll: EINTR                     base/poll         FAULT_SIGNAL
 *     futex wait, condition wait      base/park, cond   FAULT_FUTEX
 *     clock_gettime                   base/clock        FAULT_CLOCK_*
 *     getrandom                       base/random       FAULT_RANDOM
 *     a connect, a reset, a probe     session/          FAULT_CONNECT, ...
 *
 * What cannot fail, by its contract, and so has no point:
 *   - futex wake: only a bad address is refused, and ours is in our memory.
 *     A wait's EAGAIN, EINTR and ETIMEDOUT all mean "look again" (park.c).
 *   - clock_gettime(CLOCK_MONOTONIC): only an unknown clock is refused. But it
 *     may stand still (coarse steps) and jump ahead (the process or its whole
 *     machine was stopped): that is what the points do. It never goes back.
 *   - mutexes: PTHREAD_MUTEX_INITIALIZER, which makes no call. Conditions and
 *     their attributes, pthread_once: glibc and musl fill in a structure.
 *   - pthread_mutex_lock, _join, _sigmask, sigaction: fail on misuse only.
 *   - dup3 onto a number that is open.
 *   - shutdown, close, F_GETFL and F_SETFL on a socket that is open: refused
 *     only when the other side is gone or the number is wrong; either way
 *     nothing is left to do.
 *   - an eventfd's write (full means readable already) and read (empty means
 *     cleared already).
 *   - sched_getcpu, sysconf: a hint with a default.
 *   - liburcu registers a thread at its first section with memory of its own
 *     (mmap) and aborts where it gets none; no caller can be told. It is one
 *     page for the first dozens of threads.
 *
 * RACE POINTS. `race_point("meet.join")` stands where an unlucky pause makes a
 * race likely; the testing twin yields there, driven by a seed.
 * Both compile to nothing without DEWPOND_TESTING.
 */
#ifndef DEWPOND_BASE_FAULT_H
#define DEWPOND_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_point {
    FAULT_ALLOC,       /* no memory */
    FAULT_ONCE,        /* no memory for what is done once in a process */
    FAULT_CONNECT,     /* opening a session */
    FAULT_RESET,       /* sending or reading a reset */
    FAULT_PING,        /* a probe */
    FAULT_THREAD,      /* no thread: EAGAIN */
    FAULT_DESCRIPTOR,  /* no descriptor: EMFILE */
    FAULT_POLL,        /* a poll that cannot be made: ENOMEM */
    FAULT_SIGNAL,      /* a poll that a signal interrupts: EINTR */
    FAULT_FUTEX,       /* a park that returns at once (a spurious wake) */
    FAULT_RANDOM,      /* no random numbers from the system yet */
    FAULT_CLOCK_JUMP,  /* an hour has passed since the clock was last read;
                        * for good: and a second with each later reading */
    FAULT_CLOCK_STILL, /* the clock says what it said last */
    FAULT_POINTS
};

#ifdef DEWPOND_TESTING
/* True when this pass shall fail. */
bool fault(enum fault_point point);
/* Fail the n-th pass from now (1 is the next; 0 disarms); if `for_good`, all
 * later passes fail too. Resets the point's count. */
void fault_arm(enum fault_point point, uint32_t nth, bool for_good);
/* Passes since the last arming. The clock's are counted while armed only. */
uint32_t fault_passes(enum fault_point point);
/* "alloc", "connect" ... */
const char *fault_name(enum fault_point point);

/* What the clock says (the exact one or the coarse one) while the kernel's
 * says `kernel_ns`; and when the kernel's says what ours does at `ns`. */
int64_t fault_clock(int64_t kernel_ns, bool coarse);
int64_t fault_clock_kernel(int64_t ns);

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
static inline int64_t
fault_clock(int64_t kernel_ns, bool coarse)
{
    (void)coarse;
    return kernel_ns;
}
static inline int64_t
fault_clock_kernel(int64_t ns)
{
    return ns;
}
static inline void
race_point(const char *name)
{
    (void)name;
}
#endif

#endif
