/* SPDX-License-Identifier: MIT */
/* The transitions of a slot: each is one arrow, inline in every borrow. */
/*
 * All but slot_claim and slot_peek are the holder's, and wait-free.
 */
#ifndef DEWPOND_CORE_SLOT_STEPS_H
#define DEWPOND_CORE_SLOT_STEPS_H

#include <assert.h>

#include "base/mutant.h"
#include "core/slot.h"

/* A hint for counting and listing: nothing is decided by it. */
static inline uint64_t
slot_peek(const struct slot *slot)
{
    /* ORDER slot.3 acquire <-> slot.5: a hint; but an audit that saw a slot
     * leave VACANT must see the place taken before that, when it looks at the
     * quota once more. */
    return order_load_acquire_u64(&slot->word);
}

/* The holder's read: nobody else writes while the loan is not given out. */
static inline uint64_t
slot_word_of_mine(const struct slot *slot, enum slot_state state)
{
    /* ORDER slot.4 relaxed <-> slot.5 slot.13: our own last write, or the one that
     * the hand-over (push/pop, grant, claim) ordered before us. */
    const uint64_t word = order_load_relaxed_u64(&slot->word);

    assert(slot_state_of(word) == state);
    (void)state;
    return word;
}

static inline void
slot_move(struct slot *slot, enum slot_state from, enum slot_state to,
          uint64_t flags_kept)
{
    const uint64_t word = slot_word_of_mine(slot, from);
    const uint64_t kept = word & (~SLOT_INDEX_MASK | flags_kept);

    /* ORDER slot.5 release <-> slot.3 slot.4 slot.6: who sees the new state
     * in an audit sees what the holder wrote before it. The hand-over itself
     * is ordered by the place the slot goes to. */
    order_store_release_u64(&slot->word, kept | (uint64_t)to);
}

/* VACANT -> OPENING */
static inline void
slot_order(struct slot *slot)
{
    slot_move(slot, SLOT_VACANT, SLOT_OPENING, 0);
}

/* OPENING -> LEASED */
static inline void
slot_opened(struct slot *slot)
{
    slot_move(slot, SLOT_OPENING, SLOT_LEASED, 0);
}

/* OPENING -> VACANT */
static inline void
slot_abandon(struct slot *slot)
{
    slot_move(slot, SLOT_OPENING, SLOT_VACANT, 0);
}

/* LEASED -> IDLE, PENDING kept */
static inline void
slot_rest(struct slot *slot)
{
    slot_move(slot, SLOT_LEASED, SLOT_IDLE, SLOT_PENDING);
}

/* LEASED -> HANDED, PENDING kept */
static inline void
slot_hand(struct slot *slot)
{
    slot_move(slot, SLOT_LEASED, SLOT_HANDED, SLOT_PENDING);
}

/* HANDED -> LEASED, PENDING kept */
static inline void
slot_accept(struct slot *slot)
{
    slot_move(slot, SLOT_HANDED, SLOT_LEASED, SLOT_PENDING);
}

/* IDLE -> LEASED, PENDING kept */
static inline void
slot_take(struct slot *slot)
{
    slot_move(slot, SLOT_IDLE, SLOT_LEASED, SLOT_PENDING);
}

/* LEASED -> RETIRING */
static inline void
slot_retire(struct slot *slot)
{
    slot_move(slot, SLOT_LEASED, SLOT_RETIRING, 0);
}

/* RETIRING -> VACANT */
static inline void
slot_vacate(struct slot *slot)
{
    slot_move(slot, SLOT_RETIRING, SLOT_VACANT, 0);
}

/* Whether a reset's answer is still to be read; only the holder asks. */
static inline bool
slot_is_pending(const struct slot *slot)
{
    return (slot_word_of_mine(slot, SLOT_LEASED) & SLOT_PENDING) != 0;
}

static inline void
slot_set_pending(struct slot *slot, bool pending)
{
    const uint64_t word = slot_word_of_mine(slot, SLOT_LEASED);

    /* ORDER slot.13 relaxed <-> slot.4: the flag is the holder's own until it
     * moves on with the state (slot.5). */
    order_store_relaxed_u64(&slot->word, pending ? word | SLOT_PENDING
                                                 : word & ~SLOT_PENDING);
}

/* Blocks of one slot that follow each other have different parities. */
static inline uint64_t
slot_block_parity(uint64_t loan)
{
    return loan / SLOT_BLOCK & 1;
}

/* How many loans of the slot there were when its word had this loan number. */
static inline uint64_t
slot_loans_of(const struct slot *slot, uint64_t loan)
{
    /* ORDER loans.24 acquire <-> loans.1: the tally that goes with the number or
     * that of the next block, which counts all of this one: its last loan is the
     * slot's last, and the word has not moved on yet. */
    const uint64_t past = order_load_acquire_u64(&slot->loans_past);

    return (past >> 1) +
           ((past & 1) == slot_block_parity(loan) ? loan % SLOT_BLOCK : 0);
}

/* The same for the present, asked by anybody. */
uint64_t slot_loans_seen(const struct slot *slot);

/* The first number of a new block, which is never lent, for this slot, whose last
 * loan has this number, the last of its block. The holder's. */
uint64_t slot_loan_block(struct slot *slot, uint64_t loan);

static inline uint64_t
slot_loan_next(uint64_t loan)
{
    if (MUTANT(9)) { return loan; }
    return loan + 1;
}

static inline uint64_t
slot_loan_after(struct slot *slot, uint64_t loan)
{
    return slot_loan_next((loan + 1) % SLOT_BLOCK == 0
                              ? slot_loan_block(slot, loan)
                              : loan);
}

/* The holder's loan of this number begins: its ticket (never 0). */
static inline uint64_t
slot_lend_as(struct slot *slot, uint64_t loan)
{
    const uint64_t ticket = loan << SLOT_LOAN_SHIFT;

    /* ORDER slot.8 release <-> slot.6 slot.7: the loan begins; who claims its
     * ticket sees the slot as we leave it. */
    order_store_release_u64(&slot->word,
                            ticket | SLOT_LENT | (uint64_t)SLOT_LEASED);
    return ticket | slot->index;
}

/* LEASED -> LEASED and lent: the holder gives the slot to a borrower. */
static inline uint64_t
slot_lend(struct slot *slot)
{
    const uint64_t word = slot_word_of_mine(slot, SLOT_LEASED);

    /* A pending answer is read before anybody gets the session. */
    assert((word & SLOT_PENDING) == 0);
    return slot_lend_as(slot, slot_loan_after(slot, slot_loan_of(word)));
}

/* Whether the time of the loan after this one is taken; that of the first of a new
 * block is. The holder asks. */
static inline bool
slot_is_sample(const struct slot *slot, uint64_t loan)
{
    return ((loan + 1) & slot->sample_mask) == 0;
}

/* Whether who has just taken the slot, which is still IDLE, may slot_take_and_lend
 * it: no answer is pending, and the loan is none that needs care. */
static inline bool
slot_is_ready(const struct slot *slot)
{
    const uint64_t word = slot_word_of_mine(slot, SLOT_IDLE);

    return (word & SLOT_PENDING) == 0 &&
           !slot_is_sample(slot, slot_loan_of(word));
}

/* IDLE -> LEASED and lent. */
static inline uint64_t
slot_take_and_lend(struct slot *slot)
{
    const uint64_t word = slot_word_of_mine(slot, SLOT_IDLE);

    return slot_lend_as(slot, slot_loan_next(slot_loan_of(word)));
}

static inline uint64_t
slot_lent_word(uint64_t ticket)
{
    return (ticket & ~SLOT_INDEX_MASK) | SLOT_LENT | (uint64_t)SLOT_LEASED;
}

/* Whether the loan of this ticket is out. Asked by its borrower. */
static inline bool
slot_is_lent(const struct slot *slot, uint64_t ticket)
{
    /* ORDER slot.6 acquire <-> slot.5 slot.8: a hint for a stale ticket; a
     * borrower's own loan cannot change under it. */
    return order_load_acquire_u64(&slot->word) == slot_lent_word(ticket);
}

/* Takes the loan back: true for exactly one caller per ticket, who is the
 * holder from then on; false for a stale ticket, and nothing is touched. */
static inline bool
slot_claim(struct slot *slot, uint64_t ticket)
{
    if (MUTANT(8)) { ticket = slot_peek(slot) | SLOT_LENT; }
    uint64_t lent = slot_lent_word(ticket);

    race_point("slot.claim");
    if (MUTANT(10)) { if (!slot_is_lent(slot, ticket)) { return false; } order_store_release_u64(&slot->word, lent & ~SLOT_LENT); return true; }
    /* ORDER slot.7 acq_rel <-> slot.8 slot.7: of all who bring this ticket
     * one wins. It need not be the borrower's thread: the acquire side sees
     * what a previous holder wrote, the release side is for the audit. */
    return order_cas_acq_rel_u64(&slot->word, &lent, lent & ~SLOT_LENT);
}

#endif
