/* SPDX-License-Identifier: MIT */
/* The pass: who is first in line gets what is there, or what can be opened. */
#include "base/fault.h"
#include "base/mutant.h"
#include "core/pond_inside.h"

/* --- giving ---------------------------------------------------------------------- */

static void
rest(struct pond *pond, struct slot *slot)
{
    slot_accept(slot);
    slot_rest(slot);
    idle_put(&pond->idle, slot);
}

/* Not yet lent, or opened since the first in line began his borrow: it is none
 * of those that died on him. With less, whoever wants a new one only starves
 * when a restarted server's new sessions all went to others. */
static bool
is_new_to_first(struct pond *pond, const struct slot *slot)
{
    const struct waiter *first = waiters_first(&pond->waiters, true);

    return slot_uses(slot) == 0 ||
           (first != NULL && slot->opened_ns >= first->wish.since_ns);
}

/* A HANDED slot goes to the first who may take it, else to idle. */
static void
grant_or_rest(struct pond *pond, struct slot *slot)
{
    struct waiters *waiters = &pond->waiters;
    const bool is_new = is_new_to_first(pond, slot);
    struct waiter *node;

    while ((node = waiters_first(waiters, is_new)) != NULL) {
        if (waiters_grant(waiters, node, slot)) {
            tally_add(&pond->tallies.handovers);
            pace_given(&pond->pace);
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
           pace_is_due(&pond->pace, now_ns - first->wish.since_ns,
                       pond->plan.handoff_ns);
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

/* Only the choosy wait: each session that rests is held up to them once. */
static void
show_to_choosy(struct pond *pond)
{
    struct slot *slot;

    if (waiters_first(&pond->waiters, true) == NULL ||
        waiters_first(&pond->waiters, false) != NULL) {
        return;
    }
    while ((slot = idle_take(&pond->idle)) != NULL) {
        slot_take(slot);
        slot_hand(slot);
        slot_push(&pond->offers, slot);
    }
    settle_offers(pond, grant_or_rest);
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

/* More wait than sessions are being opened. What was opened since this pass read
 * the offers is another pass's to give, and nobody's reason to order: an opener
 * puts before it gives its place back, so who reads the place (pond.15) finds
 * the session, or it was taken; if by one who was woken, he is not counted. */
static bool
wants_opening(const struct pond *pond, uint32_t listed)
{
    const uint32_t openings = pond_openings(pond);

    race_point("pond.wants");
    return openings < waiters_unserved(&pond->waiters, listed) &&
           !stack_any(&pond->offers) &&
           (pond->waiters.head->wish.only_new || !idle_any(&pond->idle));
}

/* An opening for each who waits: below size at once, up to maxsize for those
 * who have waited burst_after. */
static void
order_for_waiters(struct pond *pond)
{
    const uint32_t size = pond_sizes(pond).size;

    while (wants_opening(pond, pond->waiters.listed) &&
           pond_order_in_pass(pond, size)) {
    }
    if (MUTANT(25)) { return; }
    while (wants_opening(pond, pond->waiters.hurried) &&
           pond_order_in_pass(pond, UINT32_MAX)) {
    }
}

/* Without opener threads, whoever is first in line may open it himself. */
static void
grant_leave(struct pond *pond)
{
    struct waiters *waiters = &pond->waiters;
    const uint32_t size = pond_sizes(pond).size;
    struct waiter *node;

    while ((node = waiters_first(waiters, true)) != NULL) {
        const uint32_t ceiling = waiters->hurried > 0 ? UINT32_MAX : size;
        struct slot *slot = pond_own_in_pass(pond, ceiling);

        if (slot == NULL) {
            return;
        }
        while (node != NULL && !waiters_grant(waiters, node, slot)) {
            node = waiters_first(waiters, true);
        }
        if (node == NULL) {
            if (MUTANT(18)) { return; }
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
    const int64_t now_ns = park_now_ns(pond->plan.parker);

    pace_pass(&pond->pace, now_ns);
    give_to_overdue(pond, now_ns);
    wake_one(pond);
    show_to_choosy(pond);
    if (waiters_first(&pond->waiters, true) == NULL) {
        return;
    }
    if (waiters_first(&pond->waiters, false) != NULL && idle_any(&pond->idle)) {
        return; /* who is woken now looks again when he has taken it */
    }
    if (pond->plan.self_service) {
        grant_leave(pond);
        wake_one(pond); /* what came to rest beside a token that is back now */
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
    } else if ((front & POND_PAUSED) != 0) {
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
