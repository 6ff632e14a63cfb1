/* SPDX-License-Identifier: MIT */
/* The machine's own primitives, each in a loop of C without anything around it. */
#define _GNU_SOURCE 1
#include "lib/primitives.h"

#include <ck_pr.h>
#include <ck_stack.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/reclaim.h"

#define LINE alignas(128)
#define NODES 16

struct node {
    LINE struct ck_stack_entry entry;
};

static struct {
    LINE _Atomic uint64_t word;
    LINE uint64_t pair[2];
    LINE ck_stack_t stack;
    LINE pthread_mutex_t mutex;
    LINE _Atomic uint32_t futex;
    LINE struct node nodes[NODES];
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local LINE _Atomic uint64_t own;

void
primitives_reset(void)
{
    atomic_store(&shared.word, 0);
    shared.pair[0] = shared.pair[1] = 0;
    ck_stack_init(&shared.stack);
    for (int i = 0; i < NODES; i++) {
        ck_stack_push_mpmc(&shared.stack, &shared.nodes[i].entry);
    }
}

/* The value is used, as far as the compiler knows. */
static inline void
use(uint64_t value)
{
    __asm__ volatile("" ::"r"(value) : "memory");
}

static inline void
cas(_Atomic uint64_t *word)
{
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(word, &seen, seen + 1)) {
    }
}

static inline void
cas_16_bytes(void)
{
    uint64_t seen[2] = {shared.pair[0], shared.pair[1]}, next[2];
    do {
        next[0] = seen[0] + 1;
        next[1] = seen[1] + 1;
    } while (!ck_pr_cas_64_2_value(shared.pair, seen, next, seen));
}

static inline void
stack_pair(void)
{
    struct ck_stack_entry *const entry = ck_stack_pop_mpmc(&shared.stack);
    if (entry != NULL) {
        ck_stack_push_mpmc(&shared.stack, entry);
    }
}

static inline void
clock_read(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    use((uint64_t)now.tv_nsec);
}

/* Nobody sleeps on it: what the caller pays to find that out. */
static inline void
futex_wake_nobody(void)
{
    (void)syscall(SYS_futex, &shared.futex, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
                  0);
}

static inline void
mutex_pair(void)
{
    (void)pthread_mutex_lock(&shared.mutex);
    __asm__ volatile("" ::: "memory");
    (void)pthread_mutex_unlock(&shared.mutex);
}

static inline void
own_line_pair(void)
{
    cas(&own);
    use(atomic_exchange(&own, 0));
}

static inline void
section(void)
{
    reclaim_read_begin();
    __asm__ volatile("" ::: "memory");
    reclaim_read_end();
}

#define LOOP(name, ...)                                                      \
    static void loop_##name(long count)                                      \
    {                                                                        \
        for (long i = 0; i < count; i++) {                                   \
            __VA_ARGS__;                                                     \
        }                                                                    \
    }

LOOP(empty, __asm__ volatile("" ::: "memory"))
LOOP(cas, cas(&shared.word))
LOOP(cas_pair, cas(&shared.word); cas(&shared.word))
LOOP(exchange, use(atomic_exchange(&shared.word, (uint64_t)i)))
LOOP(cas16, cas_16_bytes())
LOOP(cas16_pair, cas_16_bytes(); cas_16_bytes())
LOOP(stack_pair, stack_pair())
LOOP(own_line_pair, own_line_pair())
LOOP(mutex_pair, mutex_pair())
LOOP(futex_wake, futex_wake_nobody())
LOOP(rcu_section, section())
LOOP(cpu_number, use(cpu_current()))
LOOP(clock, clock_read(CLOCK_MONOTONIC))
LOOP(clock_coarse, clock_read(CLOCK_MONOTONIC_COARSE))
LOOP(yield, (void)sched_yield())

const struct primitive primitives[] = {
    {"empty_loop", loop_empty, 0},
    {"cas", loop_cas, 1},
    {"cas_pair", loop_cas_pair, 1},
    {"exchange", loop_exchange, 1},
    {"cas16", loop_cas16, 1},
    {"cas16_pair", loop_cas16_pair, 1},
    {"ck_stack_pair", loop_stack_pair, 1},
    {"own_line_cas_exchange", loop_own_line_pair, 1},
    {"mutex_pair", loop_mutex_pair, 1},
    {"futex_wake_nobody", loop_futex_wake, 0},
    {"rcu_section", loop_rcu_section, 0},
    {"cpu_number", loop_cpu_number, 0},
    {"clock_monotonic", loop_clock, 0},
    {"clock_coarse", loop_clock_coarse, 0},
    {"sched_yield", loop_yield, 0},
    {NULL, NULL, 0},
};
