/* SPDX-License-Identifier: MIT */
/* What the core calls in base, made of the virtual clock and threads. */
#include "stand_ins.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "world.h"

/* --- base/park.h ------------------------------------------------------------ */

static int64_t
virtual_now_ns(void *arg)
{
    (void)arg;
    return sched_now_ns();
}

static void
virtual_wait(void *arg, order_u32 *word, uint32_t seen, int64_t deadline_ns)
{
    (void)arg;
    sched_point();
    /* From here to the block nobody else runs, as in the kernel. */
    if (atomic_load_explicit(&word->raw, memory_order_relaxed) == seen) {
        sched_block(word, deadline_ns);
    }
}

static void
virtual_wake(void *arg, order_u32 *word, int count)
{
    (void)arg;
    sched_point();
    sched_wake(word, (uint32_t)count);
}

const struct parker virtual_parker = {virtual_now_ns, virtual_wait,
                                      virtual_wake, NULL};

/* --- base/cpu.h, base/random.h ----------------------------------------------- */

uint32_t
cpu_count(void)
{
    return world.cpus;
}

uint32_t
cpu_current(void)
{
    return world.cpu[sched_self()];
}

uint32_t
cpu_hint(long where)
{
    (void)where;
    return cpu_current();
}

long
cpu_where(void)
{
    return 0;
}

uint64_t
random_u64(void)
{
    return UINT64_C(0x5ca1ab1e0ddba11);
}

uint64_t
random_below(uint64_t bound)
{
    return random_u64() % bound;
}

/* --- base/memory.h ------------------------------------------------------------ */

void *
memory_zeroed_lines(size_t size)
{
    const size_t whole =
        (size + 2 * MEMORY_LINE - 1) / (2 * MEMORY_LINE) * (2 * MEMORY_LINE);
    void *memory = aligned_alloc(2 * MEMORY_LINE, whole);

    if (memory == NULL) {
        abort();
    }
    return memset(memory, 0, whole);
}

void *
memory_zeroed(size_t size)
{
    return memory_zeroed_lines(size);
}

/* Who still looks at it sees that. (A compiler would drop a memset that comes
 * right before a free.) */
void
memory_free(void *memory)
{
    void *(*volatile fill)(void *, int, size_t) = memset;

    if (memory != NULL) {
        (void)fill(memory, 0x7f, malloc_usable_size(memory));
    }
    free(memory);
}

/* --- base/reclaim.h ------------------------------------------------------------ */

void
reclaim_read_begin(void)
{
    WORLD_CHECK(!world.ended, "a section began after the pond's end");
    if (world.depth[sched_self()]++ == 0) {
        world.section[sched_self()]++;
        world.reads[sched_self()] = true;
    }
}

void
reclaim_read_end(void)
{
    WORLD_CHECK(!world.ended, "a section outlived the pond");
    if (--world.depth[sched_self()] == 0) {
        world.reads[sched_self()] = false;
        sched_wake(&world.section, SCHED_THREADS);
    }
}

/* Waits for the sections that are open now, and for no later one. */
void
reclaim_wait_readers(void)
{
    uint32_t open[SCHED_THREADS] = {0};

    sched_point();
    for (uint32_t i = 0; i < SCHED_THREADS; i++) {
        open[i] = world.reads[i] ? world.section[i] : 0;
    }
    for (uint32_t i = 0; i < SCHED_THREADS; i++) {
        while (open[i] != 0 && world.reads[i] && world.section[i] == open[i]) {
            sched_block(&world.section, INT64_MAX);
        }
    }
}
