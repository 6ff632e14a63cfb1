/* SPDX-License-Identifier: MIT */
/* The transitions of a slot and the loan numbers of the process. */
#include "core/slot.h"

#include <assert.h>

#include "base/fault.h"
#include "base/mutant.h"
#include "base/random.h"

#define LOAN_BLOCK UINT64_C(0x10000)
#define LOAN_MASK UINT64_C(0xffffffffffff)

/*
 * Loan numbers of the process, given out in blocks of LOAN_BLOCK, so that the
 * counter's line is written once in 65536 loans of a slot. It starts at a
 * random block: numbers of an earlier process mean nothing. 2^32 blocks.
 */
static order_u64 loan_blocks;

static uint64_t
loan_block_next(void)
{
    uint64_t unset = 0;
    const uint64_t seed =
        (random_u64() & LOAN_MASK & ~(LOAN_BLOCK - 1)) | (UINT64_C(1) << 63);

    /* ORDER slot.1 seq_cst <-> slot.2: the first caller seeds the counter
     * before anyone adds to it; a second seed would give a block twice. */
    (void)order_cas_seq_u64(&loan_blocks, &unset, seed);
    /* ORDER slot.2 seq_cst <-> slot.1: one block, one owner. */
    const uint64_t block = order_add_seq_u64(&loan_blocks, LOAN_BLOCK);

    return block & LOAN_MASK;
}

/* A new block for this slot. Its first number is never lent, so that no
 * ticket is 0, which says "nothing borrowed". */
static uint64_t
loan_block(struct slot *slot)
{
    const uint64_t first = loan_block_next();

    slot->last_of_block = first + LOAN_BLOCK - 1;
    return first;
}

static uint64_t
loan_after(struct slot *slot, uint64_t loan)
{
    if (MUTANT(9)) { return loan; }
    return 1 + (loan == slot->last_of_block ? loan_block(slot) : loan);
}

uint64_t
slot_peek(const struct slot *slot)
{
    /* ORDER slot.3 acquire <-> slot.5: a hint; but an audit that saw a slot
     * leave VACANT must see the place taken before that, when it looks at the
     * quota once more. */
    return order_load_acquire_u64(&slot->word);
}

/* The holder's read: nobody else writes while the loan is not given out. */
static uint64_t
word_of_mine(const struct slot *slot, enum slot_state state)
{
    /* ORDER slot.4 relaxed <-> slot.5 slot.13: our own last write, or the one that
     * the hand-over (push/pop, grant, claim) ordered before us. */
    const uint64_t word = order_load_relaxed_u64(&slot->word);

    assert(slot_state_of(word) == state);
    (void)state;
    return word;
}

static void
move(struct slot *slot, enum slot_state from, enum slot_state to,
     uint64_t flags_kept)
{
    const uint64_t word = word_of_mine(slot, from);
    const uint64_t kept = word & (~SLOT_INDEX_MASK | flags_kept);

    /* ORDER slot.5 release <-> slot.3 slot.4 slot.6: who sees the new state
     * in an audit sees what the holder wrote before it. The hand-over itself
     * is ordered by the place the slot goes to. */
    order_store_release_u64(&slot->word, kept | (uint64_t)to);
}

void
slot_init(struct slot *slot, uint32_t index)
{
    slot->index = index;
    slot->last_of_block = 0;
    /* The first loan takes the number after this one. */
    order_init_u64(&slot->word, (loan_block(slot) << SLOT_LOAN_SHIFT) |
                                    (uint64_t)SLOT_VACANT);
    order_init_u64(&slot->loans, 0);
    order_init_ptr(&slot->lent_file, NULL);
    order_init_u32(&slot->lent_line, 0);
    order_init_u32(&slot->lent_thread, 0);
    order_init_u64(&slot->lent_ms, 0);
    order_init_u32(&slot->socket_fd, 0);
    order_init_u64(&slot->socket_identity, 0);
    order_init_u64(&slot->server_thread, 0);
}

void
slot_order(struct slot *slot)
{
    move(slot, SLOT_VACANT, SLOT_OPENING, 0);
}

void
slot_opened(struct slot *slot)
{
    move(slot, SLOT_OPENING, SLOT_LEASED, 0);
}

void
slot_abandon(struct slot *slot)
{
    move(slot, SLOT_OPENING, SLOT_VACANT, 0);
}

void
slot_rest(struct slot *slot)
{
    move(slot, SLOT_LEASED, SLOT_IDLE, SLOT_PENDING);
}

void
slot_hand(struct slot *slot)
{
    move(slot, SLOT_LEASED, SLOT_HANDED, SLOT_PENDING);
}

void
slot_accept(struct slot *slot)
{
    move(slot, SLOT_HANDED, SLOT_LEASED, SLOT_PENDING);
}

void
slot_take(struct slot *slot)
{
    move(slot, SLOT_IDLE, SLOT_LEASED, SLOT_PENDING);
}

void
slot_retire(struct slot *slot)
{
    move(slot, SLOT_LEASED, SLOT_RETIRING, 0);
}

void
slot_vacate(struct slot *slot)
{
    move(slot, SLOT_RETIRING, SLOT_VACANT, 0);
}

bool
slot_is_pending(const struct slot *slot)
{
    return (word_of_mine(slot, SLOT_LEASED) & SLOT_PENDING) != 0;
}

void
slot_set_pending(struct slot *slot, bool pending)
{
    const uint64_t word = word_of_mine(slot, SLOT_LEASED);

    /* ORDER slot.13 relaxed <-> slot.4: the flag is the holder's own until it
     * moves on with the state (slot.5). */
    order_store_relaxed_u64(&slot->word, pending ? word | SLOT_PENDING
                                                 : word & ~SLOT_PENDING);
}

uint64_t
slot_lend(struct slot *slot)
{
    const uint64_t word = word_of_mine(slot, SLOT_LEASED);

    /* A pending answer is read before anybody gets the session. */
    assert((word & SLOT_PENDING) == 0);
    const uint64_t loan = loan_after(slot, slot_loan_of(word))
                          << SLOT_LOAN_SHIFT;

    /* ORDER slot.8 release <-> slot.6 slot.7: the loan begins; who claims its
     * ticket sees the slot as we leave it. */
    order_store_release_u64(&slot->word,
                            loan | SLOT_LENT | (uint64_t)SLOT_LEASED);
    return loan | slot->index;
}

static uint64_t
lent_word(uint64_t ticket)
{
    return (ticket & ~SLOT_INDEX_MASK) | SLOT_LENT | (uint64_t)SLOT_LEASED;
}

bool
slot_is_lent(const struct slot *slot, uint64_t ticket)
{
    /* ORDER slot.6 acquire <-> slot.5 slot.8: a hint for a stale ticket; a
     * borrower's own loan cannot change under it. */
    return order_load_acquire_u64(&slot->word) == lent_word(ticket);
}

bool
slot_claim(struct slot *slot, uint64_t ticket)
{
    if (MUTANT(8)) { ticket = slot_peek(slot) | SLOT_LENT; }
    uint64_t lent = lent_word(ticket);

    /* Spares a stale ticket the write; the CAS below decides. */
    if (!slot_is_lent(slot, ticket)) {
        return false;
    }
    race_point("slot.claim");
    if (MUTANT(10)) { order_store_release_u64(&slot->word, lent & ~SLOT_LENT); return true; }
    /* ORDER slot.7 acq_rel <-> slot.8 slot.7: of all who bring this ticket
     * one wins. It need not be the borrower's thread: the acquire side sees
     * what a previous holder wrote, the release side is for the audit. */
    return order_cas_acq_rel_u64(&slot->word, &lent, lent & ~SLOT_LENT);
}
