/* SPDX-License-Identifier: MIT */
/* One place for one session: its state, its loan number, its holder's notes. */
/*
 * WHAT. A pool has one slot per possible session. A slot is type-stable: it
 * is made with the pool and freed with it, never in between, so that a stale
 * pointer (inside ck_stack, in an old ticket) always points at a slot.
 *
 * STATES, all in one 64-bit word together with the loan number:
 *
 *     VACANT --order--> OPENING --opened--> LEASED <==take/rest==> IDLE
 *        ^                 |                 |  ^
 *        |<---abandon------+                 |  +-accept- HANDED <-hand- LEASED
 *        |                                   |
 *        +<----vacate---- RETIRING <-retire--+
 *
 * LEASED means exactly one holder: a borrower, an acquirer that validates, or
 * the keeper. Only the holder moves the word, with one exception: while the
 * LENT flag stands (a borrower has the ticket) whoever brings the ticket
 * claims it by CAS, and exactly one succeeds.
 *
 *   word   = loan number (48 bits) | flags (8) | state (8)
 *   ticket = loan number (48 bits) | slot index (16)
 *
 * INVARIANTS. I2: a slot is in exactly one place: a holder's hands, one shard
 * of idle, the vacant stack, the order stack, the retiree stack or the offers.
 * A loan number is given out once in the life of the process (numbers come in
 * blocks of SLOT_BLOCK from one counter), so a stale ticket can never match
 * again: not after somebody else got the slot, not in another pool at the same
 * address.
 *
 * LINEARIZATION. A return is the claim's CAS. Everything else happens between
 * two hands that already exclude each other.
 *
 * THE ONE RACE. Two releases of one loan (a copy of the ticket):
 *
 *     wrong:  A reads {7, LENT}          B reads {7, LENT}
 *             A cleans and pushes        B cleans and pushes -> in two hands
 *     right:  A CAS LENT away, succeeds  B CAS LENT away, fails: DEW_ESTALE
 *
 * RECLAMATION. None: slots live as long as their table. TOGETHER: claims with
 * anything; all other transitions only by the holder. PROGRESS: wait-free.
 */
#ifndef DEWPOND_CORE_SLOT_H
#define DEWPOND_CORE_SLOT_H

#include <stddef.h>

#include "base/canary.h"
#include "core/stack.h"

struct session;
struct deadline;

enum slot_state {
    SLOT_VACANT,
    SLOT_OPENING,
    SLOT_LEASED,
    SLOT_IDLE,
    SLOT_HANDED,
    SLOT_RETIRING,
    SLOT_STATES
};

/* A flag of the word: the answer to a reset is still to be read. */
#define SLOT_PENDING UINT64_C(0x100)
/* A flag of the word: a borrower has the ticket of this loan number. */
#define SLOT_LENT UINT64_C(0x200)
#define SLOT_STATE_MASK UINT64_C(0xff)
#define SLOT_LOAN_SHIFT 16
#define SLOT_INDEX_MASK UINT64_C(0xffff)
#define SLOT_MAX 65535u /* slots of a table: their index has 16 bits */
#define SLOT_BLOCK UINT64_C(0x10000) /* loan numbers; the first is never lent */
/* slot->sample_mask: the time is taken of a loan whose number is 0 in these
 * bits. Of all of a session's first ones, of one in 64, and of one in 1 024
 * while there are so many that a few will do. */
#define SLOT_SAMPLE_ALL UINT64_C(0)
#define SLOT_SAMPLE_OFTEN UINT64_C(63)
#define SLOT_SAMPLE_SELDOM UINT64_C(1023)

/* What a holder must see to at a loan's end, beside the usual (slot->care). */
enum slot_care {
    SLOT_SAMPLED = 1u << 0,  /* its time is taken: lent_ns */
    SLOT_DEADLINE = 1u << 1, /* it has had a deadline */
    SLOT_AGED = 1u << 2,     /* it is near the end of its life; stays */
    SLOT_POLICY = 1u << 3,   /* its returns are never quick; stays */
};

struct slot {
    /* Shared. Writers: the holder, and claims by CAS. Readers: everyone. */
    _Alignas(MEMORY_LINE) order_u64 word;
    /* CK's: written while the slot is pushed, read by any popper (a stale
     * read is harmless, the slot is type-stable). */
    stack_entry link;

    /* The holder's own: not atomic, because a slot changes hands only with a
     * happens-before edge (push/pop, warm slot, grant, claim). The first line
     * is all that most borrows and returns read. */
    void *handle;         /* what borrowers get; its owner is the session */
    uint64_t sample_mask; /* which loans' times are taken: SLOT_SAMPLE_... */
    uint32_t index;          /* set once, before the slot is published */
    uint32_t care;           /* enum slot_care; 0: most loans */
    uint64_t stamp; /* the pool's when the connect began (pond.h) */
    /* The loan's begin, or the last return that took the time; coarse clock.
     * Written by the holder, also read by whoever lists loans. */
    order_u64 used_ms;
    int64_t aged_ms; /* from then on it is SLOT_AGED; CLOCK_NEVER: never */

    /* Who borrowed it and over which socket: written by the holder before the
     * loan begins, read by whoever lists or cuts loans. A lister looks at the
     * word before and after (pond_loan_at): the same loan, the same notes. Who
     * cuts compares the socket's identity. */
    _Alignas(MEMORY_LINE) order_ptr lent_file; /* a string literal */
    order_u32 lent_line;
    order_u32 lent_thread; /* the kernel's id */
    /* A tally: loans of earlier blocks, doubled, and the parity of the present one.
     * Written by the holder only, read by anyone who sums (slot_loans_seen). */
    order_u64 loans_past;
    order_u64 socket_identity; /* see base/socket.h */
    order_u64 server_thread;   /* the server's id of the session */
    order_u32 socket_fd;

    /* The holder's own again. */
    uint32_t parting; /* how the keeper shall hang it up */

    struct session *session;   /* owner: the slot, from opened to vacate */
    struct deadline *deadline; /* owner: the loan; NULL: none */
    uint32_t loans_before;     /* of earlier sessions in this slot */
    uint32_t loans_seen;       /* as of seen_ms */
    int64_t opened_ns;  /* when its connect began (exact clock) */
    int64_t expires_ms; /* lifetime, coarse clock; CLOCK_NEVER: none */
    int64_t alive_ms;   /* last sign of life, coarse clock */
    int64_t rest_ms;    /* how long the server lets it rest; 0: ever */
    int64_t lent_ns;    /* exact start of a sampled loan */
    int64_t seen_ms;    /* the first look at this rest, coarse clock */
};

/* --- reading a word or a ticket ------------------------------------------ */

static inline enum slot_state
slot_state_of(uint64_t word)
{
    return (enum slot_state)(word & SLOT_STATE_MASK);
}

static inline uint64_t
slot_loan_of(uint64_t word_or_ticket)
{
    return word_or_ticket >> SLOT_LOAN_SHIFT;
}

static inline uint32_t
slot_index_of(uint64_t ticket)
{
    return (uint32_t)(ticket & SLOT_INDEX_MASK);
}

void slot_init(struct slot *slot, uint32_t index);

/* Stacks of slots (idle, vacant, orders, retirees, offers). */
static inline void
slot_push(struct stack *stack, struct slot *slot)
{
    stack_push(stack, &slot->link, slot);
    CANARY(SLOT_AFTER_PUSH, *(volatile uint32_t *)&slot->care = slot->care);
}

static inline struct slot *
slot_pop(struct stack *stack)
{
    stack_entry *entry = stack_pop(stack);

    if (entry == NULL) {
        return NULL;
    }
    struct slot *slot =
        (struct slot *)((char *)entry - offsetof(struct slot, link));
    ORDER_HAPPENS_AFTER(slot);
    return slot;
}

#include "core/slot_steps.h"

#endif
