/* SPDX-License-Identifier: MIT */
/* The pond's part of a loan: lent, claimed, counted, stamped; inline. */
#ifndef DEWPOND_CORE_POND_LEND_H
#define DEWPOND_CORE_POND_LEND_H

#include "core/pond.h"

/* --- loans ------------------------------------------------------------------- */

/* Loans of the slot, for its holder; they wrap round. */
static inline uint32_t
slot_loans(const struct slot *slot)
{
    return (uint32_t)slot_loans_of(slot, slot_loan_of(slot_peek(slot)));
}

/* Loans of the session that is in the slot now. */
static inline uint32_t
slot_uses(const struct slot *slot)
{
    return slot_loans(slot) - slot->loans_before;
}

/* Somebody looks at a session at rest, or brings it to rest, and knows the time:
 * since when it is known to rest, for one who does (coarse clock). */
static inline int64_t
slot_rests_since_ms(struct slot *slot, int64_t now_ms)
{
    if (slot->loans_seen != slot_loans(slot)) {
        slot->loans_seen = slot_loans(slot);
        slot->seen_ms = now_ms;
    }
    return slot->seen_ms;
}

/* Another session is in the slot from now on. */
static inline void
slot_begin_uses(struct slot *slot)
{
    slot->loans_before = slot_loans(slot);
}

/* When the present loan began, or when it was returned; the holder asks. */
static inline int64_t
slot_used_ms(const struct slot *slot)
{
    /* ORDER loans.23 relaxed <-> loans.19: its own holder's note. */
    return (int64_t)order_load_relaxed_u64(&slot->used_ms);
}

static inline void
slot_note_used(struct slot *slot, int64_t now_ms)
{
    /* ORDER loans.19 release <-> loans.20 loans.23: as loans.2. */
    order_store_release_u64(&slot->used_ms, (uint64_t)now_ms);
}

/* It comes to rest at a known time, and was alive. */
static inline void
slot_comes_to_rest(struct slot *slot, int64_t now_ms)
{
    slot->loans_seen = slot_loans(slot);
    slot->seen_ms = slot->alive_ms = now_ms;
    slot_note_used(slot, now_ms);
}

/* The holder is about to lend it: who borrows, where and when (coarse clock),
 * for whoever lists loans. */
static inline void
slot_note_loan(struct slot *slot, const char *file, int line, uint32_t thread,
               int64_t now_ms)
{
    /* ORDER loans.2 release <-> loans.15: a lister that reads this note sees
     * that the slot's last loan has ended, when it looks at the word again;
     * weaker, it could take it for a note of that one. */
    order_store_release_ptr(&slot->lent_file, (void *)(uintptr_t)file);
    /* ORDER loans.3 release <-> loans.16: as loans.2. */
    order_store_release_u32(&slot->lent_line, (uint32_t)line);
    /* ORDER loans.4 release <-> loans.17 loans.21: as loans.2. */
    order_store_release_u32(&slot->lent_thread, thread);
    slot_note_used(slot, now_ms);
}

/* The holder gives it to a borrower: the loan's ticket. */
static inline uint64_t
pond_lend(struct pond *pond, struct slot *slot, const char *file, int line,
          uint32_t thread, int64_t now_ms)
{
    (void)pond;
    slot_note_loan(slot, file, line, thread, now_ms);
    return slot_lend(slot);
}

/* The ticket's slot, taken back by exactly one caller; NULL: stale. */
static inline struct slot *
pond_claim(struct pond *pond, uint64_t ticket)
{
    struct slot *slot = extents_at(&pond->slots, slot_index_of(ticket));

    return slot != NULL && slot_claim(slot, ticket) ? slot : NULL;
}

/* --- stamps ------------------------------------------------------------------ */

/* Of both at once: most sessions are neither outdated nor suspect. */
static inline bool
pond_has_stamp_of(const struct pond *pond, const struct slot *slot)
{
    /* ORDER loans.29 acquire <-> loans.6 loans.22: as loans.7. */
    return order_load_acquire_u64(&pond->stamp) == slot->stamp;
}

static inline bool
pond_is_outdated(const struct pond *pond, const struct slot *slot)
{
    /* ORDER loans.7 acquire <-> loans.6 loans.22: a refresh that happened before this
     * borrow began is seen by it. */
    const uint64_t now = order_load_acquire_u64(&pond->stamp);

    return ((now ^ slot->stamp) >> POND_EPOCH_SHIFT) != 0;
}

static inline bool
pond_is_suspect(const struct pond *pond, const struct slot *slot)
{
    /* ORDER loans.8 acquire <-> loans.9: as loans.7. */
    const uint64_t now = order_load_acquire_u64(&pond->stamp);

    return (uint32_t)(now ^ slot->stamp) != 0;
}

#endif
