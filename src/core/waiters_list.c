/* SPDX-License-Identifier: MIT */
/* The holder's work on the queue: mail, order, grants and the wake token. */
#include <assert.h>

#include "base/fault.h"
#include "base/mutant.h"
#include "core/waiters_words.h"

/* --- the list ----------------------------------------------------------------- */

/* Newcomers go to the end. One who was handed a dead session comes back with
 * its old time and gets its old place, near the front. */
static struct waiter *
place_for(const struct waiters *waiters, const struct waiter *node)
{
    struct waiter *after = NULL;

    if (MUTANT(54)) { return waiters->tail; }
    if (!node->wish.comes_back) {
        return waiters->tail;
    }
    for (struct waiter *older = waiters->head;
         older != NULL && older->wish.since_ns <= node->wish.since_ns;
         older = older->next) {
        after = older;
    }
    return after;
}

/* Who wants a new session only may well wait beside one that rests. */
static void
count_choosy(struct waiters *waiters, const struct waiter *node, uint32_t by)
{
    if (node->wish.only_new) {
        /* ORDER waiters.32 relaxed <-> pond.29: the holder's own count. */
        (void)order_add_relaxed_u32(&waiters->choosy, by);
    }
}

static void
link_in_order(struct waiters *waiters, struct waiter *node)
{
    struct waiter *after = place_for(waiters, node);

    node->previous = after;
    node->next = after != NULL ? after->next : waiters->head;
    *(after != NULL ? &after->next : &waiters->head) = node;
    *(node->next != NULL ? &node->next->previous : &waiters->tail) = node;
    node->listed = true;
    waiters->listed++;
    count_choosy(waiters, node, 1);
}

static void
unlink_node(struct waiters *waiters, struct waiter *node)
{
    if (!node->listed) {
        return;
    }
    *(node->previous != NULL ? &node->previous->next : &waiters->head) =
        node->next;
    *(node->next != NULL ? &node->next->previous : &waiters->tail) =
        node->previous;
    node->next = node->previous = NULL;
    node->listed = false;
    waiters->listed--;
    waiters->hurried -= node->hurried;
    count_choosy(waiters, node, UINT32_MAX);
}

/* --- mail --------------------------------------------------------------------- */

static void
make_free(struct waiters *waiters, struct waiter *node)
{
    /* ORDER waiters.25 relaxed <-> waiters.15: final, so ours alone. */
    const uint32_t word = order_load_relaxed_u32(&node->word);
    const uint32_t next = word + (1u << WAITER_STATE_BITS);

    /* ORDER waiters.26 relaxed <-> waiters.11: published by the push. */
    order_store_relaxed_u32(&node->word, waiter_with_state(next, WAITER_FREE));
    waiters_node_unused(waiters, node);
}

static void
read_mail(struct waiters *waiters, struct waiter *node)
{
    /* ORDER waiters.7 seq_cst <-> waiters.6: from here on a new note puts the
     * node into the inbox again; inbox_next was read before. */
    const uint32_t mail = order_swap_seq_u32(&node->mail, 0);

    if ((mail & MAIL_JOIN) != 0) {
        link_in_order(waiters, node);
    }
    if ((mail & MAIL_HURRY) != 0 && node->listed && !node->hurried) {
        node->hurried = true;
        waiters->hurried++;
    }
    if ((mail & MAIL_LEAVE) != 0) {
        unlink_node(waiters, node);
        make_free(waiters, node);
    }
}

/* The inbox is newest first; arrival order is the other way round. */
static struct waiter *
oldest_first(struct waiter *newest)
{
    struct waiter *oldest = NULL;

    while (newest != NULL) {
        struct waiter *older = newest->inbox_next;
        newest->inbox_next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

void
waiters_collect(struct waiters *waiters)
{
    /* ORDER waiters.21 seq_cst <-> waiters.19: PENDING is taken back before
     * the notes are read, so that a later one sets it again. */
    (void)order_swap_seq_u32(&waiters->lock, LOCKED);
    /* ORDER waiters.27 relaxed <-> pond.9: the holder's own count. */
    order_bump_owned_u64(&waiters->passes, 1);
    /* ORDER waiters.10 seq_cst <-> waiters.9: all nodes with mail, whole. */
    struct waiter *node =
        oldest_first(order_swap_seq_ptr(&waiters->inbox, NULL));
    while (node != NULL) {
        struct waiter *next = node->inbox_next;
        read_mail(waiters, node);
        node = next;
    }
}

/* --- giving ------------------------------------------------------------------- */

static bool
may_take(const struct waiter *node, bool session_is_new)
{
    return session_is_new || !node->wish.only_new;
}

struct waiter *
waiters_first(struct waiters *waiters, bool session_is_new)
{
    struct waiter *node = waiters->head;

    while (node != NULL && !may_take(node, session_is_new)) {
        node = node->next;
    }
    return node;
}

/* He sleeps: woken when the list is let go, at once if too many are owed it. */
static void
owe_wake(struct waiters *waiters, struct waiter *node)
{
    const struct parker *parker = waiters->parker;

    if (waiters->owing < WAITERS_OWED_MAX) {
        waiters->owed[waiters->owing++] = &node->word;
    } else {
        parker->wake(parker->arg, &node->word, 1);
    }
}

/* Any state that is not final -> `to`. False when the node had left; it is
 * out of the list either way (unless `to` is WOKEN). */
static bool
decide(struct waiters *waiters, struct waiter *node, enum waiter_state to)
{
    /* ORDER waiters.28 acquire <-> waiters.15: what state the owner is in. */
    uint32_t word = order_load_acquire_u32(&node->word);

    for (;;) {
        const enum waiter_state from = waiter_state_of(word);

        if (from == WAITER_LEFT) {
            unlink_node(waiters, node);
            return false;
        }
        race_point("waiters.decide");
        if (MUTANT(4) && to == WAITER_WOKEN) { owe_wake(waiters, node); return true; }
        /* ORDER waiters.12 seq_cst <-> waiters.14 waiters.15 waiters.16 waiters.11:
         * publishes slot or refusal, and exactly one of "gave" and "left"
         * wins. A failure: the owner moved it. */
        if (!order_cas_seq_u32(&node->word, &word,
                               waiter_with_state(word, to))) {
            continue;
        }
        if (to != WAITER_WOKEN) {
            unlink_node(waiters, node);
            waiters_uncount(waiters);
            if (waiter_has_token(from)) {
                waiters_clear_token(waiters);
            }
        }
        if (waiter_is_asleep(from)) {
            owe_wake(waiters, node);
        }
        return true;
    }
}

bool
waiters_grant(struct waiters *waiters, struct waiter *node, struct slot *slot)
{
    node->slot = slot;
    return decide(waiters, node, WAITER_GRANTED);
}

bool
waiters_refuse(struct waiters *waiters, struct waiter *node, int code)
{
    node->slot = NULL;
    node->refusal = code;
    return decide(waiters, node, WAITER_REFUSED);
}

/* Something rests that nobody takes: who naps beside it comes and looks. */
static void
end_nap(struct waiters *waiters)
{
    struct waiter *node = waiters->woken;

    if (node == NULL) {
        return;
    }
    /* ORDER waiters.44 acquire <-> waiters.15: what state the owner is in. */
    uint32_t word = order_load_acquire_u32(&node->word);
    if (waiter_state_of(word) == WAITER_NAPPING &&
        /* ORDER waiters.45 seq_cst <-> waiters.15 waiters.16: one of us ends it; a failure:
         * the owner did, and looks. */
        order_cas_seq_u32(&node->word, &word,
                          waiter_with_state(word, WAITER_WOKEN))) {
        owe_wake(waiters, node);
    }
}

bool
waiters_wake_first(struct waiters *waiters)
{
    /* ORDER waiters.18 seq_cst <-> waiters.17 waiters.23: only the holder sets it, so a
     * load and a store will do; who clears it looks again afterwards. */
    if (order_load_seq_u32(&waiters->token) != 0) {
        end_nap(waiters);
        return false;
    }
    /* ORDER waiters.29 seq_cst <-> waiters.17: set before anyone is WOKEN. */
    order_store_seq_u32(&waiters->token, 1);
    struct waiter *node = waiters_first(waiters, false);
    while (node != NULL && !decide(waiters, node, WAITER_WOKEN)) {
        node = waiters_first(waiters, false);
    }
    if (node == NULL) {
        /* ORDER waiters.30 seq_cst <-> waiters.17: nobody to wake. */
        order_store_seq_u32(&waiters->token, 0);
    }
    waiters->woken = node;
    return node != NULL;
}

uint32_t
waiters_unserved(const struct waiters *waiters, uint32_t listed)
{
    /* ORDER waiters.34 seq_cst <-> waiters.17: read before the count. Who was
     * woken is on his way to a session, and uncounts himself before he clears
     * the token: he is missing in one of the two, and in neither for nobody. */
    const uint32_t fetching = order_load_seq_u32(&waiters->token);
    /* ORDER waiters.35 seq_cst <-> waiters.24: who left is in the list until
     * his note is read, but not counted. */
    const uint32_t counted = (uint32_t)(order_load_seq_u64(&waiters->front) &
                                        WAITERS_COUNT_MASK);
    const uint32_t waiting = listed > fetching ? listed - fetching : 0;

    return waiting < counted ? waiting : counted;
}

void
waiters_publish(struct waiters *waiters)
{
    /* Who may take what rests; who wants a new one only is not helped by it. */
    const struct waiter *first = waiters_first(waiters, false);

    /* ORDER waiters.31 relaxed <-> pond.4: a hint for fairness only. */
    order_store_relaxed_u64(&waiters->oldest_ns,
                            first == NULL ? INT64_MAX
                                          : (uint64_t)first->wish.since_ns);
}
