/* SPDX-License-Identifier: MIT */
/* How a slot begins, and the loan numbers of the process. */
#include "core/slot.h"

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
uint64_t
slot_loan_block(struct slot *slot)
{
    const uint64_t first = loan_block_next();

    slot->last_of_block = first + LOAN_BLOCK - 1;
    return first;
}

void
slot_init(struct slot *slot, uint32_t index)
{
    slot->index = index;
    slot->last_of_block = 0;
    /* The first loan takes the number after this one. */
    order_init_u64(&slot->word, (slot_loan_block(slot) << SLOT_LOAN_SHIFT) |
                                    (uint64_t)SLOT_VACANT);
    order_init_u64(&slot->loans, 0);
    order_init_ptr(&slot->lent_file, NULL);
    order_init_u32(&slot->lent_line, 0);
    order_init_u32(&slot->lent_thread, 0);
    order_init_u64(&slot->used_ms, 0);
    order_init_u32(&slot->socket_fd, 0);
    order_init_u64(&slot->socket_identity, 0);
    order_init_u64(&slot->server_thread, 0);
}
