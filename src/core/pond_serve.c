/* SPDX-License-Identifier: MIT */
/* The pass: who is first in line gets what is there, or what can be opened. */
#include <assert.h>

#include "base/fault.h"
#include "core/pond_inside.h"

/* --- giving ---------------------------------------------------------------------- */

static void
rest(struct pond *pond, struct slot *slot)
{
    slot_accept(slot);
    slot_rest(slot);
    idle_put(&pond->idle, slot);
}

/* A HANDED slot goes to the first who may take it, else to idle. */
static void
grant_or_rest(struct pond *pond, struct slot *slot)
{
    struct waiters *waiters = &pond->waiters;
    const bool is_new = slot->uses == 0;
    struct waiter *node;

    while ((node = waiters_first(waiters, is_new)) != NULL) {
        if (waiters_grant(waiters, node, slot)) {
            tally_add(&pond->tallies.handovers);
            return;
        }
    }
    rest(pond, slot);
}

static void
settle_offers(struct pond *pond, void (*settle)(struct pond *, struct slot *))
{
    struct slot *slot;

    while ((slot = slot_pop(&pond->offers)) != NULL) {
        settle(pond, slot);
    }
}

static bool
first_is_overdue(struct pond *pond, int64_t now_ns)
{
    const struct waiter *first = waiters_first(&pond->waiters, false);

    return first != NULL && pond->plan.handoff_ns != INT64_MAX &&
           now_ns - first->wish.since_ns >= pond->plan.handoff_ns;
}

/* Who has waited long enough does not have to win a race. */
static void
give_to_overdue(struct pond *pond, int64_t now_ns)
{
    struct slot *slot;

    while (first_is_overdue(pond, now_ns) &&
           (slot = idle_take(&pond->idle)) != NULL) {
        slot_take(slot);
        slot_hand(slot);
        grant_or_rest(pond, slot);
    }
}

static void
wake_one(struct pond *pond)
{
    if (waiters_first(&pond->waiters, false) != NULL && idle_any(&pond->idle) &&
        waiters_wake_first(&pond->waiters)) {
        tally_add(&pond->tallies.wakes);
    }
}

/* --- ordering ---------------------------------------------------------------------- */

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
        /* ORDER pond.11 seq_cst <-> pond.14 pond.11 pond.10: one place, one opening.
         * A failure: another opening began or ended. */
        if (order_cas_seq_u32(&pond->openings, &openings, openings + 1)) {
            return true;
        }
    }
}

static void
window_return(struct pond *pond)
{
    /* ORDER pond.14 seq_cst <-> pond.11 pond.15: the place is free before the look
     * that follows. */
    (void)order_sub_seq_u32(&pond->openings, 1);
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
    if (!quota_reserve(&pond->quota, ceiling)) {
        window_return(pond);
        return NULL;
    }
    /* ORDER pond.24 seq_cst <-> pond.6 pond.20: the place is taken before we
     * look: we see the close, or the closer sees the place. */
    if (pond_has(pond, POND_CLOSING)) {
        quota_return(&pond->quota);
        window_return(pond);
        return NULL;
    }
    struct slot *slot = slot_pop(&pond->vacant);
    /* A place below the limit has a vacant slot: it is pushed first. */
    assert(slot != NULL);
    slot_order(slot);
    return slot;
}

static bool
publish_order(struct pond *pond, struct slot *slot)
{
    if (slot == NULL) {
        return false;
    }
    slot_push(&pond->orders, slot);
    pond->plan.bells.ordered(pond->plan.bells.arg);
    return true;
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
    return publish_order(pond, pond_order_own(pond, ceiling));
}

/* The holder's: its failure hides nothing from its own pass, and a look would
 * make it go round for ever. */
static struct slot *
reserve_in_pass(struct pond *pond, uint32_t ceiling)
{
    bool held;

    return reserve(pond, ceiling, &held);
}

static uint32_t
openings_now(const struct pond *pond)
{
    /* ORDER pond.15 seq_cst <-> pond.14: a waiter's second look. */
    return order_load_seq_u32(&pond->openings);
}

/* An opening for each who waits: below size at once, up to maxsize for those
 * who have waited burst_after. */
static void
order_for_waiters(struct pond *pond)
{
    const uint32_t size = pond->plan.size;

    while (openings_now(pond) < pond->waiters.listed &&
           publish_order(pond, reserve_in_pass(pond, size))) {
    }
    while (openings_now(pond) < pond->waiters.hurried &&
           publish_order(pond, reserve_in_pass(pond, UINT32_MAX))) {
    }
}

/* Without opener threads, whoever is first in line may open it himself. */
static void
grant_leave(struct pond *pond)
{
    struct waiters *waiters = &pond->waiters;
    struct waiter *node;

    while ((node = waiters_first(waiters, true)) != NULL) {
        const uint32_t ceiling =
            waiters->hurried > 0 ? UINT32_MAX : pond->plan.size;
        struct slot *slot = reserve_in_pass(pond, ceiling);

        if (slot == NULL) {
            return;
        }
        while (node != NULL && !waiters_grant(waiters, node, slot)) {
            node = waiters_first(waiters, true);
        }
        if (node == NULL) {
            pond_open_failed(pond, slot);
            return;
        }
    }
}

/* --- the pass ------------------------------------------------------------------------ */

/* Refuses everyone, or only those who wait for a new session. */
static void
refuse(struct pond *pond, enum pond_end why, bool everyone)
{
    struct waiter *next;

    for (struct waiter *node = pond->waiters.head; node != NULL; node = next) {
        next = node->next;
        if (everyone || node->wish.only_new) {
            (void)waiters_refuse(&pond->waiters, node, (int)why);
        }
    }
}

static void
serve_first(struct pond *pond)
{
    give_to_overdue(pond, park_now_ns(pond->plan.parker));
    wake_one(pond);
    if (waiters_first(&pond->waiters, true) == NULL) {
        return;
    }
    if (waiters_first(&pond->waiters, false) != NULL && idle_any(&pond->idle)) {
        return; /* who is woken now looks again when he has taken it */
    }
    if (pond->plan.self_service) {
        grant_leave(pond);
    } else {
        order_for_waiters(pond);
    }
}

static void
pass_open(struct pond *pond, uint64_t front)
{
    settle_offers(pond, grant_or_rest);
    if (waiters_first(&pond->waiters, true) == NULL) {
        return;
    }
    serve_first(pond);
    if ((front & POND_BROKEN) != 0) {
        refuse(pond, POND_BROKE, pond_living(pond) == 0);
    }
}

static void
pass(struct pond *pond)
{
    (void)waiters_collect(&pond->waiters);
    /* ORDER pond.3 seq_cst <-> pond.6 pond.19: the flags are part of the second look
     * of everyone whose mail was just read. */
    const uint64_t front = order_load_seq_u64(&pond->waiters.front);

    if ((front & POND_CLOSING) != 0) {
        refuse(pond, POND_SHUT, true);
        settle_offers(pond, rest);
        pond->plan.bells.shutting(pond->plan.bells.arg);
    } else if ((front & POND_SUSPENDED) != 0) {
        settle_offers(pond, rest);
    } else {
        pass_open(pond, front);
    }
    waiters_publish(&pond->waiters);
}

void
pond_serve(struct pond *pond)
{
    if (!waiters_enter(&pond->waiters)) {
        return;
    }
    do {
        pass(pond);
    } while (!waiters_exit(&pond->waiters));
}

/* --- what openers and the keeper bring ------------------------------------------------- */

struct slot *
pond_next_order(struct pond *pond)
{
    return slot_pop(&pond->orders);
}

void
pond_opened_own(struct pond *pond, struct slot *slot)
{
    slot_opened(slot);
    window_return(pond);
    pond_look(pond);
}

void
pond_opened(struct pond *pond, struct slot *slot)
{
    slot_opened(slot);
    window_return(pond);
    pond_put_new(pond, slot);
}

void
pond_open_failed(struct pond *pond, struct slot *slot)
{
    slot_abandon(slot);
    slot_push(&pond->vacant, slot);
    window_return(pond);
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
    quota_return(&pond->quota);
    pond_look(pond);
}
