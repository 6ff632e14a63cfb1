/* SPDX-License-Identifier: MIT */
/* How a slot begins, and the loan numbers of the process. */
#include "core/slot.h"

#include "base/mutant.h"
#include "base/random.h"

#define LOAN_MASK UINT64_C(0xffffffffffff)

/*
 * Loan numbers of the process, given out in blocks of SLOT_BLOCK, so that the
 * counter's line is written once in 65536 loans of a slot. It starts at a
 * random block: numbers of an earlier process mean nothing. 2^32 blocks.
 */
static order_u64 loan_blocks;

static uint64_t
loan_block_next(void)
{
    uint64_t unset = 0;
    const uint64_t seed =
        (random_u64() & LOAN_MASK & ~(SLOT_BLOCK - 1)) | (UINT64_C(1) << 63);

    /* ORDER slot.1 seq_cst <-> slot.2: the first caller seeds the counter
     * before anyone adds to it; a second seed would give a block twice. */
    (void)order_cas_seq_u64(&loan_blocks, &unset, seed);
    /* ORDER slot.2 seq_cst <-> slot.1: one block, one owner. */
    const uint64_t block = order_add_seq_u64(&loan_blocks, SLOT_BLOCK);

    return block & LOAN_MASK;
}

/* The first number of a block is never lent, so that no ticket is 0, which says
 * "nothing borrowed". Lock-free: a block of the same parity means that another slot
 * took the one before it. */
uint64_t
slot_loan_block(struct slot *slot, uint64_t loan)
{
    const uint64_t past = slot_loans_of(slot, loan);
    uint64_t first = loan_block_next();

    while (slot_block_parity(first) == slot_block_parity(loan)) {
        if (MUTANT(68)) { break; }
        first = loan_block_next();
    }
    /* ORDER loans.1 release <-> loans.24: who sees a number of the new
     * block sees the tally that goes with it. */
    order_store_release_u64(&slot->loans_past,
                            past << 1 | slot_block_parity(first));
    return first;
}

/*
 * THE ONE RACE. The tally and the word are two; the holder writes the tally first:
 *
 *     word:   block 0, loan 65535 .................. block 1, loan 1
 *     tally:  0, parity 0 ... 65535, parity 1
 *     sum:    65535           65535 + 65535 (wrong)  65535 + 1
 *
 * so a tally of the other parity counts all of the word's block, and the number
 * in the word is left out. Who is kept off its CPU between the two for two
 * blocks would find its parity again: the word is looked at once more.
 */
uint64_t
slot_loans_seen(const struct slot *slot)
{
    uint64_t loan, again, loans;

    do {
        loan = slot_loan_of(slot_peek(slot));
        race_point("slot.loans_seen");
        loans = slot_loans_of(slot, loan);
        again = slot_loan_of(slot_peek(slot));
        if (MUTANT(67)) { break; }
    } while ((loan ^ again) / SLOT_BLOCK != 0);
    return loans;
}

void
slot_init(struct slot *slot, uint32_t index)
{
    /* The first loan takes the number after this one. */
    const uint64_t first = loan_block_next();

    slot->index = index;
    slot->sample_mask = SLOT_SAMPLE_OFTEN;
    order_init_u64(&slot->word,
                   first << SLOT_LOAN_SHIFT | (uint64_t)SLOT_VACANT);
    order_init_u64(&slot->loans_past, slot_block_parity(first));
    order_init_ptr(&slot->lent_file, NULL);
    order_init_u32(&slot->lent_line, 0);
    order_init_u32(&slot->lent_thread, 0);
    order_init_u64(&slot->used_ms, 0);
    order_init_u32(&slot->socket_fd, 0);
    order_init_u64(&slot->socket_identity, 0);
    order_init_u64(&slot->server_thread, 0);
}
