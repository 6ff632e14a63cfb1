/* SPDX-License-Identifier: MIT */
/* The way into the queue: joins and notes; the lock bit, and what is owed. */
#include "core/waiters.h"

#include <assert.h>

#include "base/fault.h"
#include "base/mutant.h"
#include "core/waiters_words.h"

void
waiters_init(struct waiters *waiters, const struct parker *parker)
{
    order_init_u64(&waiters->front, 0);
    order_init_u64(&waiters->oldest_ns, INT64_MAX);
    order_init_u32(&waiters->lock, 0);
    order_init_u32(&waiters->token, 0);
    order_init_u32(&waiters->napping, 0);
    order_init_u32(&waiters->futile, 0);
    order_init_ptr(&waiters->inbox, NULL);
    waiters->head = waiters->tail = waiters->woken = NULL;
    waiters->listed = waiters->hurried = waiters->owing = 0;
    waiters->owing_rounds = 0;
    order_init_u32(&waiters->choosy, 0);
    order_init_u64(&waiters->passes, 0);
    order_init_u32(&waiters->nodes_out, 0);
    order_init_ptr(&waiters->chunks, NULL);
    stack_init(&waiters->free_nodes);
    waiters->parker = parker;
}

/* --- notes to the list ------------------------------------------------------ */

static void
post(struct waiters *waiters, struct waiter *node, uint32_t note)
{
    race_point("waiters.post");
    /* ORDER waiters.6 seq_cst <-> waiters.7: the first note since the holder
     * read them also puts the node into the inbox; the holder's swap of the
     * mail comes after it has read inbox_next. */
    if (order_or_seq_u32(&node->mail, note) != 0) {
        return;
    }
    /* ORDER waiters.8 relaxed <-> waiters.9: a first guess. */
    void *newest = order_load_relaxed_ptr(&waiters->inbox);
    do {
        node->inbox_next = newest;
        /* ORDER waiters.9 seq_cst <-> waiters.10 waiters.13 waiters.8: publishes inbox_next and,
         * for a join, the wish. A failure: another node was added. */
    } while (!order_cas_seq_ptr(&waiters->inbox, &newest, node));
}

/* A place in the line, unless all are taken. Counted in one step: who is turned
 * away was never counted, so he turns nobody else away. */
static bool
count_in(struct waiters *waiters, uint32_t max)
{
    /* ORDER waiters.33 seq_cst <-> pond.1 waiters.24: whether the line is
     * full now. */
    uint64_t front = order_load_seq_u64(&waiters->front);

    do {
        if ((front & WAITERS_COUNT_MASK) >= max) {
            return false;
        }
        race_point("waiters.count");
        /* ORDER pond.1 seq_cst <-> pond.2 idle.6 pond.8 waiters.22 waiters.33 pond.32 pond.33 pond.34:
         * join-then-look against put-then-look: we are counted before we look
         * at anything that could serve us; with less, both look away (I3). A
         * failure: somebody else joined or left, or a flag changed. */
    } while (!order_cas_seq_u64(&waiters->front, &front, front + 1));
    return true;
}

bool
waiters_join(struct waiters *waiters, struct waiter *node,
             const struct waiter_wish *wish, uint32_t max)
{
    race_point("waiters.join");
    if (!count_in(waiters, max)) {
        return false;
    }
    node->wish = *wish;
    node->listed = node->hurried = false;
    /* ORDER waiters.11 relaxed <-> waiters.12 waiters.26: our own node until posted. */
    const uint32_t word = order_load_relaxed_u32(&node->word);
    assert(waiter_state_of(word) == WAITER_FREE);
    /* ORDER waiters.13 relaxed <-> waiters.9: published by the post. */
    order_store_relaxed_u32(&node->word, waiter_with_state(word, WAITER_AWAKE));
    post(waiters, node, MAIL_JOIN);
    return true;
}

void
waiters_hurry(struct waiters *waiters, struct waiter *node)
{
    post(waiters, node, MAIL_HURRY);
}

void
waiters_end(struct waiters *waiters, struct waiter *node)
{
    post(waiters, node, MAIL_LEAVE);
}

bool
waiters_one_comes(const struct waiters *waiters)
{
    /* ORDER waiters.36 seq_cst <-> waiters.17: read after the put.
     * Who has the token clears it later, and looks again after that: he sees
     * what was put. With less, the put is seen by neither (I6b). */
    return order_load_seq_u32(&waiters->token) != 0;
}

/* --- the lock bit ----------------------------------------------------------- */

bool
waiters_enter(struct waiters *waiters)
{
    race_point("waiters.enter");
    /* ORDER waiters.19 seq_cst <-> waiters.20 waiters.21 pond.22: either we hold the
     * list and see all notes, or the holder sees PENDING, and with it
     * everything we did before. Never both away. */
    const uint32_t before = order_or_seq_u32(&waiters->lock, LOCKED | PENDING);

    return (before & LOCKED) == 0;
}

static bool
unlock(struct waiters *waiters)
{
    uint32_t locked = LOCKED;

    race_point("waiters.exit");
    if (MUTANT(7)) { return order_swap_seq_u32(&waiters->lock, 0) != 0; }
    /* ORDER waiters.20 seq_cst <-> waiters.19: unlocking succeeds only if
     * nobody left a note since waiters.21. */
    return order_cas_seq_u32(&waiters->lock, &locked, 0);
}

/* Not before the list is free: a wake costs more than all else in a pass, and
 * the kernel may run the sleeper at once, in the place of who woke it. What is
 * on its way to others would be stuck with the list until he runs again. */
bool
waiters_exit(struct waiters *waiters)
{
    const struct parker *parker = waiters->parker;
    order_u32 *owed[WAITERS_OWED_MAX];
    const uint32_t owing = waiters->owing;
    const uint32_t rounds = waiters->owing_rounds;

    for (uint32_t i = 0; i < owing; i++) {
        owed[i] = waiters->owed[i];
    }
    waiters->owing = waiters->owing_rounds = 0;
    const bool free = unlock(waiters);
    if (!free && rounds < WAITERS_OWED_ROUNDS) {
        if (MUTANT(64)) { return false; }
        waiters->owing = owing;
        waiters->owing_rounds = rounds + 1;
        return false;
    }
    /* Free, or notes come without an end: sleepers do not wait for that. */
    for (uint32_t i = 0; i < owing; i++) {
        race_point("waiters.wake");
        parker->wake(parker->arg, owed[i], 1);
    }
    return free;
}

/* --- hints ------------------------------------------------------------------ */

uint32_t
waiters_count(const struct waiters *waiters)
{
    /* ORDER waiters.22 relaxed <-> pond.1: a gauge. */
    return (uint32_t)(order_load_relaxed_u64(&waiters->front) &
                      WAITERS_COUNT_MASK);
}

bool
waiters_token_out(const struct waiters *waiters)
{
    /* ORDER waiters.23 relaxed <-> waiters.18: a hint for the audit. */
    return order_load_relaxed_u32(&waiters->token) != 0;
}
