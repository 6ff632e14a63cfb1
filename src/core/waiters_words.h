/* SPDX-License-Identifier: MIT */
/* The bits that waiters.c and waiters_list.c share. */
#ifndef DEWPOND_CORE_WAITERS_WORDS_H
#define DEWPOND_CORE_WAITERS_WORDS_H

#include "core/waiters.h"

/* A node's word: incarnation | state. */
#define WAITER_STATE_BITS 4
#define WAITER_STATE_MASK 0xfu

/* A node's mail. */
#define MAIL_JOIN 1u
#define MAIL_HURRY 2u
#define MAIL_LEAVE 4u

/* The list's lock word. */
#define LOCKED 1u
#define PENDING 2u

static inline enum waiter_state
waiter_state_of(uint32_t word)
{
    return (enum waiter_state)(word & WAITER_STATE_MASK);
}

static inline uint32_t
waiter_with_state(uint32_t word, enum waiter_state state)
{
    return (word & ~WAITER_STATE_MASK) | (uint32_t)state;
}

static inline bool
waiter_has_token(enum waiter_state state)
{
    return state == WAITER_WOKEN || state == WAITER_NAPPING;
}

static inline bool
waiter_is_asleep(enum waiter_state state)
{
    return state == WAITER_PARKED || state == WAITER_NAPPING;
}

/* A node became final: by whoever made it so. */
static inline void
waiters_uncount(struct waiters *waiters)
{
    /* ORDER waiters.24 seq_cst <-> pond.2 waiters.33 waiters.35: a return sees fewer waiters only
     * after the node is out of reach of givers. */
    (void)order_sub_seq_u64(&waiters->front, 1);
}

#endif
