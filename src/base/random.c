/* SPDX-License-Identifier: MIT */
/* Random numbers for seeds, jitter and nonces: not for secrets. */
#define _GNU_SOURCE 1
#include "base/random.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/random.h>
#include <unistd.h>

/* One generator (splitmix64) per thread: nothing is shared. */
struct generator {
    uint64_t state;
    bool seeded;
};

static _Thread_local struct generator mine;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static uint64_t
mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* Runs in the one thread that a child has: without it the child would draw
 * the numbers that its parent draws next. */
static void
forget_in_child(void)
{
    mine.seeded = false;
}

static void
watch_forks(void)
{
    (void)thread_at_fork(NULL, NULL, forget_in_child);
}

static void
seed(struct generator *generator)
{
    uint64_t bits = 0;

    (void)pthread_once(&fork_once, watch_forks);
    /* GRND_NONBLOCK: early at boot a guessable seed is better than a wait. */
    if (fault(FAULT_RANDOM) ||
        getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits) {
        bits = mix((uint64_t)clock_now_ns()) ^
               mix((uint64_t)(uintptr_t)generator) ^ (uint64_t)getpid();
    }
    generator->state = bits;
    generator->seeded = true;
}

uint64_t
random_u64(void)
{
    if (!mine.seeded) {
        seed(&mine);
    }
    mine.state += UINT64_C(0x9E3779B97F4A7C15);
    return mix(mine.state);
}

uint64_t
random_below(uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    /* The lowest 2^64 mod bound values would favour small remainders. Each
     * draw passes with probability above one half, so this ends soon. */
    const uint64_t unfair = (0 - bound) % bound;
    uint64_t drawn = random_u64();
    while (drawn < unfair) {
        drawn = random_u64();
    }
    return drawn % bound;
}
