/* SPDX-License-Identifier: MIT */
/* What the threads of the scenarios do. */
#include "scenarios.h"

void
part_returner(void *arg)
{
    world_return(arg);
}

void
part_retirer(void *arg)
{
    world_retire(arg);
}

/* Leave to open: succeeds in the end, because the world fails so many only. */
static bool
open_here(struct slot *slot)
{
    const bool opened = world_connect(slot);

    reclaim_read_begin();
    bool stays = opened;
    if (opened) {
        stays = pond_opened_own(&world.pond, slot);
    } else {
        pond_open_failed(&world.pond, slot);
    }
    reclaim_read_end();
    if (!stays || !world_lends(slot)) {
        return false;
    }
    world_own(slot);
    return true;
}

static bool
get_one(const struct part *part, struct slot **slot)
{
    struct world_wish wish = part->wish;

    for (;;) {
        const enum pond_end end = world_borrow(&wish, slot);

        if (end == POND_SLOT || (end == POND_LEAVE && open_here(*slot))) {
            return true;
        }
        if (end != POND_LEAVE) {
            WORLD_CHECK(part->may_miss, "a wait ended for no reason");
            return false;
        }
        wish.comes_back = true;
    }
}

void
part_borrower(void *arg)
{
    const struct part *part = arg;
    struct slot *slot;

    for (uint32_t i = 0; i < part->rounds; i++) {
        if (!get_one(part, &slot)) {
            continue;
        }
        sched_point();
        if (part->retires) {
            world_retire(slot);
        } else {
            world_return(slot);
        }
    }
}

static void
cast_one(void (*body)(void *arg), void *arg)
{
    world.cpu[world.cast] = world.cast % world.cpus;
    world.cast++;
    sched_thread(body, arg, false);
}

void
part_cast(const struct part *part, uint32_t threads)
{
    for (uint32_t i = 0; i < threads; i++) {
        cast_one(part_borrower, (void *)(uintptr_t)part);
    }
}

void
part_cast_holder(void (*body)(void *arg), struct slot *slot)
{
    world.owner[slot->index] = world.cast + 1;
    cast_one(body, slot);
}
