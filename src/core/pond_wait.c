/* SPDX-License-Identifier: MIT */
/* Waiting: join and look, sleep, and what each end of a wait leaves behind. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "core/pond_inside.h"

/* --- before the line ----------------------------------------------------------- */

/* One to two microseconds. */
#ifndef DEWPOND_SCHEDULES
#define SPIN_LOOKS 40u
#else
#define SPIN_LOOKS 3u
#endif

struct slot *
pond_spin(struct pond *pond)
{
    struct slot *slot = NULL;

    /* Who waits goes first; in strict order nobody who came later may. */
    if (pond_flags(pond) != 0 || pond->plan.handoff_ns == 0 ||
        !pace_spin_begin(&pond->pace)) {
        return NULL;
    }
    for (uint32_t i = 0; i < SPIN_LOOKS && slot == NULL; i++) {
        order_pause();
        race_point("pond.spin");
        if (idle_any(&pond->idle)) {
            slot = pond_take(pond);
        }
    }
    pace_spin_end(&pond->pace, slot != NULL);
    return slot;
}

/* --- join and look --------------------------------------------------------------- */

/* Who waited already and was handed a dead session is not turned away now. */
static uint32_t
room_for(const struct pond *pond, const struct pond_wait *wait)
{
    return wait->wish.comes_back ? UINT32_MAX : pond_sizes(pond).waiters_max;
}

/* Connects fail, and nothing lives that could come back. The pass would say the
 * same, but behind whoever holds the list; this depends on nobody. */
static bool
is_hopeless(const struct pond *pond)
{
    /* ORDER pond.30 seq_cst <-> pond.6: whoever reads an older word joins, and
     * is told by the pass. */
    const uint64_t front = order_load_seq_u64(&pond->waiters.front);
    const uint64_t others = POND_CLOSING | POND_PAUSED;

    return !pond->plan.self_service &&
           (front & (POND_BROKEN | others)) == POND_BROKEN &&
           pond_living(pond) == 0;
}

enum pond_end
pond_join(struct pond *pond, struct pond_wait *wait)
{
    if (is_hopeless(pond)) {
        /* The next try, if it is due, is made because somebody asks. */
        (void)pond_order(pond, pond_sizes(pond).size);
        race_point("pond.hopeless");
        return POND_BROKE;
    }
    wait->node = waiters_node(&pond->waiters);
    if (wait->node == NULL) {
        return POND_NO_MEMORY;
    }
    /* ORDER pond.23 seq_cst <-> pond.6 pond.20: the node is out before we look:
     * we see the close, or the closer sees the node. */
    const bool closing = pond_has(pond, POND_CLOSING);
    if (closing || !waiters_join(&pond->waiters, wait->node, &wait->wish,
                                 room_for(pond, wait))) {
        waiters_node_unused(&pond->waiters, wait->node);
        pond_look(pond);
        return closing ? POND_SHUT : POND_FULL;
    }
    race_point("pond.joined");
    if (MUTANT(3)) { return POND_SLOT; }
    /* "And look": as the holder, or by the holder's next pass. */
    pond_serve(pond);
    return POND_SLOT;
}

/* The node is final and read: it goes back, and the list is looked at again.
 * Nothing of the pond is touched by us after the section. */
static void
finish(struct pond *pond, struct waiter *node)
{
    waiters_end(&pond->waiters, node);
    pond_serve(pond);
}

static enum pond_end
end_granted(struct pond *pond, struct slot *slot)
{
    /* The pass that granted it may have read the flags before this one rose:
     * what closes gives nothing any more (I6). */
    const bool closing = pond_has(pond, POND_CLOSING);

    if (slot_state_of(slot_peek(slot)) == SLOT_OPENING) {
        if (closing) {
            if (MUTANT(17)) { return POND_SHUT; }
            pond_open_failed(pond, slot);
        }
        return closing ? POND_SHUT : POND_LEAVE;
    }
    slot_accept(slot);
    pace_taken(&pond->pace);
    if (closing) {
        slot_rest(slot);
        idle_put(&pond->idle, slot);
        pond_look(pond);
    }
    return closing ? POND_SHUT : POND_SLOT;
}

static enum pond_end
end_given(struct pond *pond, struct pond_wait *wait, enum waiter_state state)
{
    struct waiter *node = wait->node;
    enum pond_end end = (enum pond_end)node->refusal;

    if (state == WAITER_GRANTED) {
        wait->slot = node->slot;
        end = end_granted(pond, wait->slot);
    }
    finish(pond, node);
    return end;
}

/* We hold the wake token, and lost to somebody who did not wait, or the pond was
 * suspended behind the wake. Young, he may nap on it once; else he keeps his
 * place, and passes it on. */
static void
lose(struct pond *pond, struct waiter *node)
{
    const int64_t now_ns = park_now_ns(pond->plan.parker);
    const int64_t nap_ns =
        node->nap_until_ns == 0 ? waiters_count_futile(&pond->waiters) : 0;

    node->nap_until_ns = 0;
    if (nap_ns != 0 && !idle_any(&pond->idle) &&
        now_ns - node->wish.since_ns < pond->plan.handoff_ns) {
        node->nap_until_ns = now_ns + nap_ns;
    } else if (waiter_lost(node)) {
        waiters_clear_token(&pond->waiters);
        if (MUTANT(6)) { return; }
        pond_serve(pond);
    }
}

/* We hold the wake token: come and look. True when the wait is over. */
static bool
look_when_woken(struct pond *pond, struct pond_wait *wait)
{
    struct slot *slot = pond_take_allowed(pond);

    race_point("pond.woken");
    if (slot == NULL) {
        lose(pond, wait->node);
        return false;
    }
    if (!waiter_leave(&pond->waiters, wait->node)) {
        /* Granted or refused meanwhile (the giver cleared the token). */
        idle_put(&pond->idle, slot);
        pond_look(pond);
        return false;
    }
    slot_take(slot);
    wait->slot = slot;
    waiters_count_useful(&pond->waiters);
    finish(pond, wait->node);
    return true;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When this wait may use the burst places; CLOCK_NEVER does not overflow. */
static int64_t
hurry_at(const struct pond *pond, const struct pond_wait *wait)
{
    const int64_t since_ns = wait->wish.since_ns;

    return pond->plan.burst_ns > INT64_MAX - since_ns
               ? CLOCK_NEVER
               : since_ns + pond->plan.burst_ns;
}

/* One step of the wait, inside a section. True: over, *end tells how. */
static bool
step(struct pond *pond, struct pond_wait *wait, enum waiter_state state,
     enum pond_end *end)
{
    if (state == WAITER_GRANTED || state == WAITER_REFUSED) {
        *end = end_given(pond, wait, state);
        return true;
    }
    if (state == WAITER_WOKEN) {
        *end = POND_SLOT;
        return look_when_woken(pond, wait);
    }
    if (park_now_ns(pond->plan.parker) < wait->deadline_ns ||
        !waiter_leave(&pond->waiters, wait->node)) {
        return false;
    }
    finish(pond, wait->node);
    *end = POND_TIMED_OUT;
    return true;
}

/* Until something happens to the node. He knows by its time that he napped. */
static enum waiter_state
sleep_until(struct waiters *waiters, struct waiter *node, int64_t deadline_ns)
{
    return node->nap_until_ns == 0
               ? waiter_park(waiters, node, deadline_ns)
               : waiter_nap(waiters, node,
                            earlier(node->nap_until_ns, deadline_ns));
}

enum pond_end
pond_await(struct pond *pond, struct pond_wait *wait)
{
    struct waiters *waiters = &pond->waiters;
    enum pond_end end = POND_TIMED_OUT;
    int64_t hurry_ns = hurry_at(pond, wait);
    bool over = false;

    wait->node->nap_until_ns = 0;
    while (!over) {
        const enum waiter_state state = sleep_until(
            waiters, wait->node, earlier(hurry_ns, wait->deadline_ns));

        reclaim_read_begin();
        if (state == WAITER_AWAKE &&
            park_now_ns(pond->plan.parker) >= hurry_ns) {
            hurry_ns = CLOCK_NEVER;
            waiters_hurry(waiters, wait->node);
            pond_serve(pond);
        }
        over = step(pond, wait, state, &end);
        reclaim_read_end();
    }
    return end;
}
