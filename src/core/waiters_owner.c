/* SPDX-License-Identifier: MIT */
/* A waiter's own moves: it sleeps, naps, loses or leaves. */
#include "base/canary.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "core/waiters_words.h"

/* from -> to by CAS. False, and *now tells the state, if somebody was first. */
static bool
word_move(struct waiter *node, enum waiter_state from, enum waiter_state to,
          enum waiter_state *now)
{
    /* ORDER waiters.14 acquire <-> waiters.12: a final state brings the
     * giver's slot or refusal with it. */
    uint32_t word = order_load_acquire_u32(&node->word);

    while (waiter_state_of(word) == from) {
        /* ORDER waiters.15 seq_cst <-> waiters.12 waiters.25 waiters.28 waiters.44 waiters.45: giving against leaving,
         * one wins. A failure: the giver moved it. */
        if (order_cas_seq_u32(&node->word, &word,
                              waiter_with_state(word, to))) {
            *now = to;
            return true;
        }
    }
    *now = waiter_state_of(word);
    return false;
}

/* Sleeps in the state `as` while nothing happens to the node, at most until the
 * deadline; then it is in the state `from` again. */
static enum waiter_state
sleep_as(struct waiters *waiters, struct waiter *node, enum waiter_state from,
         enum waiter_state as, int64_t deadline_ns)
{
    const struct parker *parker = waiters->parker;
    enum waiter_state state;

    if (!word_move(node, from, as, &state)) {
        return state;
    }
    while (park_now_ns(parker) < deadline_ns) {
        CANARY(NODE_BEFORE_WORD, *(struct slot *volatile *)&node->slot);
        /* ORDER waiters.16 acquire <-> waiters.12 waiters.45: as waiters.14. */
        const uint32_t word = order_load_acquire_u32(&node->word);

        if (waiter_state_of(word) != as) {
            return waiter_state_of(word);
        }
        parker->wait(parker->arg, &node->word, word, deadline_ns);
    }
    (void)word_move(node, as, from, &state);
    return state;
}

enum waiter_state
waiter_park(struct waiters *waiters, struct waiter *node, int64_t deadline_ns)
{
    race_point("waiters.park");
    return sleep_as(waiters, node, WAITER_AWAKE, WAITER_PARKED, deadline_ns);
}

/* --- naps ------------------------------------------------------------------- */

int64_t
waiters_count_futile(struct waiters *waiters)
{
    /* ORDER waiters.37 relaxed: a tally, only ever a hint. */
    const uint32_t futile = order_load_relaxed_u32(&waiters->futile);

    if (futile <= NAP_DOUBLINGS) {
        /* ORDER waiters.38 relaxed: as waiters.37. */
        order_store_relaxed_u32(&waiters->futile, futile + 1);
    }
    return futile == 0 ? 0 : NAP_SHORTEST_NS << (futile - 1);
}

void
waiters_count_useful(struct waiters *waiters)
{
    /* ORDER waiters.39 relaxed: as waiters.37. */
    const uint32_t futile = order_load_relaxed_u32(&waiters->futile);

    /* ORDER waiters.40 relaxed: as waiters.37. */
    order_store_relaxed_u32(&waiters->futile, futile / 2);
}

bool
waiters_one_naps(const struct waiters *waiters)
{
    /* ORDER waiters.41 relaxed <-> waiters.42 waiters.43: a hint; a nap that is
     * overlooked ends by itself. */
    return order_load_relaxed_u32(&waiters->napping) != 0;
}

enum waiter_state
waiter_nap(struct waiters *waiters, struct waiter *node, int64_t deadline_ns)
{
    race_point("waiters.nap");
    /* ORDER waiters.42 relaxed <-> waiters.41: as waiters.41. */
    order_store_relaxed_u32(&waiters->napping, 1);
    const enum waiter_state state =
        sleep_as(waiters, node, WAITER_WOKEN, WAITER_NAPPING, deadline_ns);
    /* ORDER waiters.43 relaxed <-> waiters.41: as waiters.41. */
    order_store_relaxed_u32(&waiters->napping, 0);
    return state;
}

/* --- and away --------------------------------------------------------------- */

bool
waiter_leave(struct waiters *waiters, struct waiter *node)
{
    enum waiter_state state;
    bool woken = false;

    race_point("waiters.leave");
    if (!word_move(node, WAITER_AWAKE, WAITER_LEFT, &state)) {
        woken = state == WAITER_WOKEN &&
                word_move(node, WAITER_WOKEN, WAITER_LEFT, &state);
        if (!woken) {
            return false;
        }
    }
    /* Before the token: see waiters_unserved. */
    waiters_uncount(waiters);
    if (woken) {
        if (MUTANT(5)) { return true; }
        /* The wake was ours, known to us or not: it must not leave with us. */
        waiters_clear_token(waiters);
    }
    return true;
}

bool
waiter_lost(struct waiter *node)
{
    enum waiter_state state;

    return word_move(node, WAITER_WOKEN, WAITER_AWAKE, &state);
}

void
waiters_clear_token(struct waiters *waiters)
{
    race_point("waiters.clear_token");
    /* ORDER waiters.17 seq_cst <-> waiters.18 waiters.29 waiters.30 waiters.34 waiters.36: cleared before we look again:
     * a put that saw the token out is seen by that look (I6b). */
    (void)order_swap_seq_u32(&waiters->token, 0);
}
