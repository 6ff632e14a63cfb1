/* SPDX-License-Identifier: MIT */
/* How many sessions there may be: one packed word, one CAS per reservation. */
/*
 * STATES.  word = changes (16 bits) | leaving (16) | limit (16) | taken (16)
 *
 * A place is taken from its order until its session is gone. It is leaving
 * from the moment on at which somebody decided that the session goes: what
 * stays is taken - leaving, and what stays beyond the limit is the excess.
 *
 * INVARIANTS. I1: taken <= limit whenever a reservation succeeds; after the
 * limit shrank, taken falls to it as loans return, and never rises before. I4:
 * slots that are not VACANT <= taken: counted up before a slot is published,
 * down after it is VACANT again; likewise RETIRING ones <= leaving. Every
 * write moves `changes`, so that an audit that scanned the slots can tell
 * whether anything moved meanwhile.
 *
 * LINEARIZATION. The CAS that succeeds, or the load that sees no room (or no
 * excess).
 *
 * THE ONE RACE. Two threads reserve the last place:
 *
 *     wrong:  A reads 9 of 10      B reads 9 of 10
 *             A adds one           B adds one            -> 11 sessions
 *     right:  A CAS 9->10 succeeds B CAS 9->10 fails, reads 10: full
 *
 * Two returns after the limit shrank by one are the same race: without
 * `leaving`, both see one too many until the first one's session is hung up.
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
    uint64_t word; /* the same: nothing moved */
    uint32_t taken, limit, leaving;
};

void quota_init(struct quota *quota, uint32_t limit);

/* Takes one place if fewer than min(limit, ceiling) are taken. */
bool quota_reserve(struct quota *quota, uint32_t ceiling);

/* Gives one place back that had no session; the slot is VACANT already. */
void quota_return(struct quota *quota);

/* The session of one place goes; before its slot is RETIRING. */
void quota_leave(struct quota *quota);
/* The same, if what stays is more than the limit. True for exactly as many
 * callers as are needed. */
bool quota_leave_excess(struct quota *quota);
/* It is gone: gives its place back; the slot is VACANT already. */
void quota_left(struct quota *quota);

/* Sets the limit; taken may stay above it until loans return. Returns how it
 * was before. */
struct quota_view quota_set_limit(struct quota *quota, uint32_t limit);

/* A consistent view of the numbers. seq_cst: part of second looks. */
struct quota_view quota_look(const struct quota *quota);

#define QUOTA_FIELD_BITS 16
#define QUOTA_FIELD_MASK UINT64_C(0xffff)

static inline struct quota_view
quota_view_of(uint64_t word)
{
    return (struct quota_view){
        .word = word,
        .taken = (uint32_t)(word & QUOTA_FIELD_MASK),
        .limit = (uint32_t)((word >> QUOTA_FIELD_BITS) & QUOTA_FIELD_MASK),
        .leaving =
            (uint32_t)((word >> 2 * QUOTA_FIELD_BITS) & QUOTA_FIELD_MASK),
    };
}

static inline bool
quota_view_has_excess(struct quota_view view)
{
    return view.taken - view.leaving > view.limit;
}

/* For most returns: no more are taken than the limit, so there is no excess. */
static inline bool
quota_is_kept(const struct quota *quota)
{
    /* ORDER quota.12 relaxed <-> quota.5: as quota.7. */
    const uint64_t word = order_load_relaxed_u64(&quota->word);

    return (uint16_t)word <= (uint16_t)(word >> QUOTA_FIELD_BITS);
}

/* For every other return: whether the limit has shrunk below what stays. */
static inline bool
quota_has_excess(const struct quota *quota)
{
    /* ORDER quota.7 relaxed <-> quota.5: who shrinks waits for the sections
     * that missed it (pond_resize.c). */
    return quota_view_has_excess(
        quota_view_of(order_load_relaxed_u64(&quota->word)));
}

#endif
