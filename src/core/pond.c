/* SPDX-License-Identifier: MIT */
/* Taking and putting: what rests goes out, what comes back meets who waits. */
#include "base/fault.h"
#include "base/mutant.h"
#include "core/pond_inside.h"

/* --- the look ------------------------------------------------------------------ */

void
pond_look_at(struct pond *pond, uint64_t front)
{
    if ((front & WAITERS_COUNT_MASK) != 0) {
        pond_serve(pond);
    }
    if ((front & POND_CLOSING) != 0) {
        pond->plan.bells.shutting(pond->plan.bells.arg);
    }
}

/* --- take ------------------------------------------------------------------------ */

bool
pond_may_lend(const struct pond *pond)
{
    if (MUTANT(23)) { return true; }
    /* Who paused the pond waits for the sections that missed its flag. */
    return !pond_has(pond, POND_CLOSING | POND_PAUSED);
}

/* --- put -------------------------------------------------------------------------- */

/* Only asked while somebody waits: reads the exact clock. */
static bool
is_overdue(struct pond *pond, const struct slot *slot)
{
    const int64_t handoff_ns = pond->plan.handoff_ns;

    if (handoff_ns == 0) {
        return true;
    }
    /* ORDER pond.4 relaxed <-> waiters.31: a hint; the pass decides. */
    const int64_t oldest =
        (int64_t)order_load_relaxed_u64(&pond->waiters.oldest_ns);
    if (oldest == INT64_MAX || pace_may_skip(&pond->pace, slot_uses(slot))) {
        return false;
    }
    const int64_t now_ns = park_now_ns(pond->plan.parker);
    pace_look(&pond->pace, now_ns);
    return pace_is_due(&pond->pace, now_ns - oldest, handoff_ns);
}

static void
offer(struct pond *pond, struct slot *slot)
{
    slot_hand(slot);
    slot_push(&pond->offers, slot);
    race_point("pond.offered");
    /* The holder of the list sees it: the lock word's read-modify-write is
     * the barrier between the push and its pass. */
    pond_serve(pond);
    pond_look(pond);
}

/* To idle, while somebody waits. If one was woken, he looks here himself; a nap
 * of his ends when something rests here that nobody took since. */
static void
rest_beside_waiters(struct pond *pond, struct slot *slot)
{
    const bool is_spare =
        waiters_one_naps(&pond->waiters) && idle_any(&pond->idle);

    if (MUTANT(63) && waiters_one_comes(&pond->waiters)) { slot_rest(slot); idle_put(&pond->idle, slot); return; }
    slot_rest(slot);
    idle_put(&pond->idle, slot);
    race_point("pond.rests");
    if (is_spare || !waiters_one_comes(&pond->waiters)) {
        pond_look(pond);
    }
}

void
pond_put_past(struct pond *pond, struct slot *slot, bool is_new)
{
    if (is_new || is_overdue(pond, slot)) {
        offer(pond, slot);
    } else {
        rest_beside_waiters(pond, slot);
    }
}

void
pond_put_on(struct pond *pond, struct slot *slot, enum pond_put how)
{
    if (how == POND_PUT_NOT) {
        pond_put_staying(pond, slot);
        return;
    }
    if (how == POND_PUT_FULL) {
        idle_put_beside(&pond->idle, slot);
    }
    pond_look(pond);
}

struct slot *
pond_sweep_take(struct pond *pond, uint32_t round)
{
    /* A waiter is served before the keeper looks at anything, but in a paused
     * pond he waits beside what rests. */
    const uint64_t front = pond_flags(pond);
    if ((front & POND_CLOSING) != 0 ||
        ((front & WAITERS_COUNT_MASK) != 0 && (front & POND_PAUSED) == 0)) {
        return NULL;
    }
    struct slot *slot = idle_sweep_take(&pond->idle, round);
    if (slot != NULL) {
        slot_take(slot);
    }
    return slot;
}

bool
pond_sweep_put(struct pond *pond, struct slot *slot, uint32_t round)
{
    if (pond_retire_excess(pond, slot)) {
        return false;
    }
    slot_rest(slot);
    idle_sweep_put(&pond->idle, slot, round);
    pond_look(pond);
    return true;
}

void
pond_put_new(struct pond *pond, struct slot *slot)
{
    if (pond_retire_excess(pond, slot)) {
        return;
    }
    if (waiters_count(&pond->waiters) != 0) {
        pond_put_past(pond, slot, true);
    } else {
        pond_put_staying(pond, slot);
    }
}

void
pond_retire(struct pond *pond, struct slot *slot)
{
    quota_leave(&pond->quota);
    pond_retire_left(pond, slot);
}

void
pond_retire_left(struct pond *pond, struct slot *slot)
{
    slot_retire(slot);
    slot_push(&pond->retirees, slot);
    pond->plan.bells.retired(pond->plan.bells.arg);
    /* One session less that could come back to a waiter. */
    pond_look(pond);
}

void
pond_forsake(struct pond *pond, struct slot *slot)
{
    quota_leave(&pond->quota);
    slot_retire(slot);
    if (MUTANT(16)) { return; }
    pond_vacate(pond, slot);
}
