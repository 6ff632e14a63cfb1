/* SPDX-License-Identifier: MIT */
/* Room for new sessions: the window, orders, and what openers bring back. */
#include <assert.h>

#include "base/fault.h"
#include "base/mutant.h"
#include "core/pond_inside.h"

/* --- the window ---------------------------------------------------------------- */

/* One of the places in the window; each is given back by opened or failed. */
static bool
window_reserve(struct pond *pond)
{
    /* ORDER pond.10 relaxed <-> pond.11: a first guess, the CAS decides. */
    uint32_t openings = order_load_relaxed_u32(&pond->openings);

    for (;;) {
        /* ORDER pond.12 seq_cst <-> pond.13: a window that grew is seen by the
         * look that follows its growth. */
        if (openings >= order_load_seq_u32(&pond->window)) {
            return false;
        }
        /* ORDER pond.11 seq_cst <-> pond.14 pond.11 pond.10: one place, one
         * opening. A failure: another opening began or ended. */
        if (order_cas_seq_u32(&pond->openings, &openings, openings + 1)) {
            return true;
        }
    }
}

void
pond_window_return(struct pond *pond)
{
    /* ORDER pond.14 seq_cst <-> pond.11 pond.15: the place is free before the
     * look that follows. */
    (void)order_sub_seq_u32(&pond->openings, 1);
}

uint32_t
pond_openings(const struct pond *pond)
{
    /* ORDER pond.15 seq_cst <-> pond.14: a waiter's second look. */
    return order_load_seq_u32(&pond->openings);
}

/* A window and a quota place, or neither. *held tells of a window place that
 * was ours for a moment and may have hidden itself from a waiter's pass. */
static struct slot *
reserve(struct pond *pond, uint32_t ceiling, bool *held)
{
    *held = window_reserve(pond);
    if (!*held) {
        return NULL;
    }
    race_point("pond.window");
    if (!quota_reserve(&pond->quota, ceiling)) {
        if (MUTANT(13)) { return NULL; }
        pond_window_return(pond);
        return NULL;
    }
    /* ORDER pond.24 seq_cst <-> pond.6 pond.20: the place is taken before we
     * look: we see the close, or the closer sees the place. */
    if (pond_has(pond, POND_CLOSING)) {
        if (MUTANT(12)) { pond_window_return(pond); return NULL; }
        quota_return(&pond->quota);
        pond_window_return(pond);
        return NULL;
    }
    struct slot *slot = slot_pop(&pond->vacant);
    /* A place below the limit has a vacant slot: it is pushed first. */
    assert(slot != NULL);
    slot_order(slot);
    return slot;
}

void
pond_publish_order(struct pond *pond, struct slot *slot)
{
    slot_push(&pond->orders, slot);
    pond->plan.bells.ordered(pond->plan.bells.arg);
}

static bool
publish_if_any(struct pond *pond, struct slot *slot)
{
    if (slot != NULL) {
        pond_publish_order(pond, slot);
    }
    return slot != NULL;
}

struct slot *
pond_order_own(struct pond *pond, uint32_t ceiling)
{
    bool held;
    struct slot *slot = reserve(pond, ceiling, &held);

    if (slot == NULL && held) {
        pond_look(pond);
    }
    return slot;
}

bool
pond_order(struct pond *pond, uint32_t ceiling)
{
    return publish_if_any(pond, pond_order_own(pond, ceiling));
}

struct slot *
pond_own_in_pass(struct pond *pond, uint32_t ceiling)
{
    bool held;

    return reserve(pond, ceiling, &held);
}

bool
pond_order_in_pass(struct pond *pond, uint32_t ceiling)
{
    return publish_if_any(pond, pond_own_in_pass(pond, ceiling));
}

/* --- what openers and the keeper bring ------------------------------------------------- */

struct slot *
pond_next_order(struct pond *pond)
{
    struct slot *slot;

    while ((slot = slot_pop(&pond->orders)) != NULL &&
           pond_cancel_excess(pond, slot)) {
    }
    return slot;
}

bool
pond_opened_own(struct pond *pond, struct slot *slot)
{
    slot_opened(slot);
    pond_window_return(pond);
    if (pond_retire_excess(pond, slot)) {
        return false;
    }
    pond_look(pond);
    return true;
}

/* The window's place comes last. In the other order a pass between the two sees
 * a waiter, nothing at rest and nothing being opened, and orders another session
 * for the one who is about to get this one. */
void
pond_opened(struct pond *pond, struct slot *slot)
{
    slot_opened(slot);
    if (pond_is_outdated(pond, slot)) {
        /* The epoch moved while it connected. Nobody has to meet it. */
        tally_add(&pond->tallies.retired_refresh);
        pond_retire(pond, slot);
    } else {
        pond_put_new(pond, slot);
    }
    race_point("pond.arrived");
    pond_window_return(pond);
    pond_look(pond);
}

void
pond_open_failed(struct pond *pond, struct slot *slot)
{
    slot_abandon(slot);
    slot_push(&pond->vacant, slot);
    pond_window_return(pond);
    if (MUTANT(11)) { pond_look(pond); return; }
    quota_return(&pond->quota);
    pond_look(pond);
}

struct slot *
pond_next_retiree(struct pond *pond)
{
    return slot_pop(&pond->retirees);
}

void
pond_vacate(struct pond *pond, struct slot *slot)
{
    slot_vacate(slot);
    slot_push(&pond->vacant, slot);
    if (MUTANT(15)) { pond_look(pond); return; }
    quota_left(&pond->quota);
    pond_look(pond);
}
