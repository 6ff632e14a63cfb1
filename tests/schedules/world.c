/* SPDX-License-Identifier: MIT */
/* A pond, its helpers and its witnesses: what the scenarios are made of. */
#include "world.h"

#include <string.h>

#include "core/waiters_words.h"
#include "stand_ins.h"

struct world world;

/* --- bells ------------------------------------------------------------------ */

static void
ring(void *bell)
{
    ((struct world_bell *)bell)->rung++;
    sched_wake(bell, SCHED_THREADS);
}

static void
ring_ordered(void *arg)
{
    (void)arg;
    ring(&world.ordered);
}

static void
ring_retired(void *arg)
{
    (void)arg;
    ring(&world.retired);
}

static void
ring_shutting(void *arg)
{
    (void)arg;
    ring(&world.shutting);
}

uint32_t
world_look(const struct world_bell *bell)
{
    return bell->rung;
}

void
world_wait(struct world_bell *bell, uint32_t seen)
{
    if (bell->rung == seen) {
        sched_block(bell, INT64_MAX);
    }
}

/* --- setup ------------------------------------------------------------------ */

struct pond_plan
world_plan(uint32_t size, uint32_t maxsize)
{
    return (struct pond_plan){
        .sizes = {size, maxsize, UINT32_MAX},
        .handoff_ns = INT64_MAX,
        .burst_ns = INT64_MAX,
        .window = 1,
        .parker = &virtual_parker,
        .bells = {ring_ordered, ring_retired, ring_shutting, NULL},
    };
}

void
world_begin(const struct pond_plan *plan)
{
    memset(&world, 0, sizeof(world));
    world.plan = *plan;
    world.cpus = 1;
    world.most = plan->sizes.maxsize;
    (void)pond_init(&world.pond, plan);
}

struct slot *
world_lease_one(void)
{
    struct slot *slot = pond_order_own(&world.pond, UINT32_MAX);

    world.live++;
    pond_opened_own(&world.pond, slot);
    slot_begin_uses(slot);
    slot->loans_before--; /* one loan more */
    return slot;
}

void
world_rest_one(uint32_t cpu)
{
    struct slot *slot = world_lease_one();
    struct idle_shard *shard = &world.pond.idle.shards[cpu];

    slot_rest(slot);
    if (order_load_relaxed_ptr(&shard->warm) == NULL) {
        order_store_relaxed_ptr(&shard->warm, slot);
    } else {
        slot_push(&shard->rest, slot);
    }
}

/* --- daemons ---------------------------------------------------------------- */

bool
world_connect(struct slot *slot)
{
    WORLD_CHECK(slot_state_of(slot_peek(slot)) == SLOT_OPENING,
                "a slot is opened that is not OPENING");
    slot->opened_ns = sched_now_ns();
    pond_stamp(&world.pond, slot);
    sched_point();
    if (world.opens_to_fail > 0) {
        world.opens_to_fail--;
        return false;
    }
    world.live++;
    WORLD_CHECK(world.live <= world.most, "I1: above maxsize");
    slot_begin_uses(slot);
    return true;
}

static void
open_all(void)
{
    struct slot *slot;

    while ((slot = pond_next_order(&world.pond)) != NULL) {
        if (world_connect(slot)) {
            world.stale[slot->index] = pond_is_outdated(&world.pond, slot);
            pond_opened(&world.pond, slot);
        } else {
            pond_open_failed(&world.pond, slot);
        }
    }
}

static void
opener(void *arg)
{
    (void)arg;
    while (!world.drained) {
        const uint32_t seen = world_look(&world.ordered);

        reclaim_read_begin();
        open_all();
        reclaim_read_end();
        world_wait(&world.ordered, seen);
    }
}

static void
hang_up_all(void)
{
    struct slot *slot;

    while ((slot = pond_next_retiree(&world.pond)) != NULL) {
        world.live--;
        pond_vacate(&world.pond, slot);
    }
}

/* One round over what rests. */
static void
sweep(void)
{
    struct slot *slot;

    world.rounds++;
    for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
        slot = pond_sweep_take(&world.pond, world.rounds);
        if (slot == NULL) {
            return;
        }
        world_own(slot);
        sched_point();
        world_disown(slot);
        (void)pond_sweep_put(&world.pond, slot, world.rounds);
    }
}

static void
keeper(void *arg)
{
    (void)arg;
    while (!world.drained) {
        const uint32_t seen = world_look(&world.retired);

        reclaim_read_begin();
        if (world.hurry) {
            world.hurry = false;
            sweep();
        }
        hang_up_all();
        reclaim_read_end();
        world_wait(&world.retired, seen);
    }
}

void
world_opener_daemon(void)
{
    sched_thread(opener, NULL, true);
}

void
world_keeper_daemon(void)
{
    sched_thread(keeper, NULL, true);
}

/* --- flags ------------------------------------------------------------------ */

void
world_raise(uint64_t flag)
{
    reclaim_read_begin();
    pond_raise(&world.pond, flag);
    world.shut |= (flag & POND_CLOSING) != 0;
    world.suspended |= (flag & POND_SUSPENDED) != 0;
    reclaim_read_end();
}

void
world_suspend(void)
{
    world_raise(POND_SUSPENDED);
    reclaim_wait_readers();
    world.still = true;
}

void
world_lower(uint64_t flag)
{
    reclaim_read_begin();
    world.still &= (flag & POND_SUSPENDED) == 0;
    world.suspended &= (flag & POND_SUSPENDED) == 0;
    pond_lower(&world.pond, flag);
    reclaim_read_end();
}

/* --- sizes ------------------------------------------------------------------ */

void
world_resize(uint32_t size, uint32_t maxsize)
{
    const struct pond_sizes sizes = {size, maxsize, UINT32_MAX};

    if (maxsize > world.most) {
        world.most = maxsize;
    }
    WORLD_CHECK(pond_resize(&world.pond, &sizes), "no memory in the world");
    world.plan.sizes = sizes;
    world.hurry = true;
    ring(&world.retired);
}

static void
drain(void)
{
    struct slot *slot;

    while ((slot = pond_drain(&world.pond)) != NULL) {
        world_own(slot);
        world_retire(slot);
    }
}

/* A call that found the pond before may come as a guest until its section
 * ends. */
static bool
is_drained_for_good(void)
{
    if (!pond_is_drained(&world.pond)) {
        return false;
    }
    reclaim_wait_readers();
    return pond_is_drained(&world.pond);
}

void
world_close(void)
{
    world_raise(POND_CLOSING);
    for (;;) {
        const uint32_t seen = world_look(&world.shutting);

        drain();
        if (is_drained_for_good()) {
            break;
        }
        world_wait(&world.shutting, seen);
    }
    /* From here on the contract is the callers': those who are in a section
     * are waited for, and none begins. */
    world.drained = true;
    reclaim_wait_readers();
    world.ended = true;
    WORLD_CHECK(world.live == 0, "a session outlived the pond");
    pond_destroy(&world.pond);
}
