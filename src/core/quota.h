/* SPDX-License-Identifier: MIT */
/* How many sessions there may be: one packed word, one CAS per reservation. */
/*
 * STATES.  word = changes (24 bits) | limit (20) | taken (20)
 *
 * INVARIANTS. I1: taken <= limit whenever a reservation succeeds; after the
 * limit shrank, taken falls to it as loans return. I4: slots that are not
 * VACANT <= taken: counted up before a slot is published, down after it is
 * VACANT again. Every write moves `changes`, so that an audit that scanned the
 * slots can tell whether anything moved meanwhile.
 *
 * LINEARIZATION. The CAS that succeeds, or the load that sees no room.
 *
 * THE ONE RACE. Two threads reserve the last place:
 *
 *     wrong:  A reads 9 of 10      B reads 9 of 10
 *             A adds one           B adds one            -> 11 sessions
 *     right:  A CAS 9->10 succeeds B CAS 9->10 fails, reads 10: full
 *
 * RECLAMATION. None, it is one word of the pool. TOGETHER: everything.
 * PROGRESS: lock-free; a failed CAS means that another one succeeded.
 */
#ifndef DEWPOND_CORE_QUOTA_H
#define DEWPOND_CORE_QUOTA_H

#include "base/memory.h"
#include "base/order.h"

/* Written by growth and hang-ups, by nobody on the fast path. */
struct quota {
    _Alignas(MEMORY_LINE) order_u64 word;
};

struct quota_view {
    uint32_t taken, limit, changes;
};

void quota_init(struct quota *quota, uint32_t limit);

/* Takes one place if fewer than min(limit, ceiling) are taken. */
bool quota_reserve(struct quota *quota, uint32_t ceiling);

/* Gives one place back; the slot is VACANT already. */
void quota_return(struct quota *quota);

/* Sets the limit; taken may stay above it until loans return. */
void quota_set_limit(struct quota *quota, uint32_t limit);

/* A consistent view of the three numbers. seq_cst: part of second looks. */
struct quota_view quota_look(const struct quota *quota);

#endif
