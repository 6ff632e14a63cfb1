/* SPDX-License-Identifier: MIT */
/* Loans: finding one again, the stamps of sessions, and listing loans. */
#include "base/fault.h"
#include "base/mutant.h"
#include "core/pond_inside.h"

struct slot *
pond_find(struct pond *pond, uint64_t ticket)
{
    struct slot *slot = extents_at(&pond->slots, slot_index_of(ticket));

    return slot != NULL && slot_is_lent(slot, ticket) ? slot : NULL;
}

/* --- stamps ------------------------------------------------------------------ */

#define EPOCH_ONE (UINT64_C(1) << POND_EPOCH_SHIFT)
#define EPOCH_MASK (~(EPOCH_ONE - 1))

static inline uint64_t
epoch_of(uint64_t stamp)
{
    return stamp & EPOCH_MASK;
}

static inline uint64_t
suspicion_of(uint64_t stamp)
{
    return stamp & ~EPOCH_MASK;
}

void
pond_stamp(const struct pond *pond, struct slot *slot)
{
    /* ORDER loans.5 seq_cst <-> loans.6 loans.22: read before the connect begins, so
     * that what began under an older epoch carries the older stamp. */
    slot->stamp = order_load_seq_u64(&pond->stamp);
}

void
pond_clear_suspicion(const struct pond *pond, struct slot *slot)
{
    /* ORDER loans.10 seq_cst <-> loans.9: a death found later than this is
     * not covered by the proof of life that stands before it. */
    const uint64_t now = order_load_seq_u64(&pond->stamp);

    slot->stamp = epoch_of(slot->stamp) | suspicion_of(now);
}

void
pond_next_epoch(struct pond *pond)
{
    /* ORDER loans.6 seq_cst <-> loans.5 loans.7 loans.29: every later touch sees it. */
    (void)order_add_seq_u64(&pond->stamp, EPOCH_ONE);
}

bool
pond_outdate(struct pond *pond, const struct slot *slot)
{
    /* ORDER loans.27 relaxed <-> loans.22: a first guess, the CAS decides. */
    uint64_t now = order_load_relaxed_u64(&pond->stamp);

    race_point("pond.outdate");
    while (epoch_of(now) == epoch_of(slot->stamp)) {
        /* ORDER loans.22 seq_cst <-> loans.5 loans.7 loans.27 loans.29: from its own epoch, so that
         * many who notice the same thing outdate one generation. */
        if (order_cas_seq_u64(&pond->stamp, &now, now + EPOCH_ONE)) {
            return true;
        }
    }
    return false;
}

bool
pond_outlive(struct pond *pond, struct slot *slot)
{
    const bool first = pond_outdate(pond, slot);

    slot->stamp += first ? EPOCH_ONE : 0;
    return first;
}

/* The next suspicion of the same epoch; it wraps round within its half. */
static uint64_t
more_suspicious(uint64_t stamp)
{
    return epoch_of(stamp) | suspicion_of(stamp + 1);
}

void
pond_suspect(struct pond *pond, const struct slot *dead)
{
    /* ORDER loans.28 relaxed <-> loans.9: as loans.27. */
    uint64_t now = order_load_relaxed_u64(&pond->stamp);

    if (MUTANT(53)) { return; }
    race_point("pond.suspect");
    /* ORDER loans.9 seq_cst <-> loans.8 loans.10 loans.28: from the dead one's own
     * stamp, so that ten deaths of one outage are one suspicion. */
    while (suspicion_of(now) == suspicion_of(dead->stamp) &&
           !order_cas_seq_u64(&pond->stamp, &now, more_suspicious(now))) {
    }
}

/* --- sockets of loans ---------------------------------------------------------- */

void
slot_note_socket(struct slot *slot, int fd, uint64_t identity)
{
    /* ORDER loans.11 relaxed <-> loans.13: a note; who uses it compares the identity with
     * what the number names now. */
    order_store_relaxed_u32(&slot->socket_fd, (uint32_t)fd);
    /* ORDER loans.12 relaxed <-> loans.13: as loans.11. */
    order_store_relaxed_u64(&slot->socket_identity, identity);
}

void
pond_each_loan_socket(const struct pond *pond,
                      bool (*cut)(int fd, uint64_t identity))
{
    const uint32_t slots = extents_count(&pond->slots);

    for (uint32_t i = 0; i < slots; i++) {
        const struct slot *slot = extents_at(&pond->slots, i);

        if ((slot_peek(slot) & SLOT_LENT) == 0) {
            continue;
        }
        race_point("loans.cut");
        /* ORDER loans.13 relaxed <-> loans.11 loans.12: see there. */
        (void)cut((int)order_load_relaxed_u32(&slot->socket_fd),
                  order_load_relaxed_u64(&slot->socket_identity));
    }
}

/* --- listing loans -------------------------------------------------------------- */

void
slot_note_server_thread(struct slot *slot, uint64_t id)
{
    /* ORDER loans.14 release <-> loans.18: a note, as loans.2. */
    order_store_release_u64(&slot->server_thread, id);
}

uint32_t
pond_slot_count(const struct pond *pond)
{
    return extents_count(&pond->slots);
}

bool
pond_loan_at(const struct pond *pond, uint32_t index, struct pond_loan *loan)
{
    const struct slot *slot = extents_at(&pond->slots, index);
    const uint64_t word = slot_peek(slot);

    if ((word & SLOT_LENT) == 0) {
        return false;
    }
    loan->number = slot_loan_of(word);
    /* ORDER loans.15 acquire <-> loans.2: before the second look below. */
    loan->file = order_load_acquire_ptr(&slot->lent_file);
    race_point("pond.listing");
    /* ORDER loans.16 acquire <-> loans.3: as loans.15. */
    loan->line = (int)order_load_acquire_u32(&slot->lent_line);
    /* ORDER loans.17 acquire <-> loans.4: as loans.15. */
    loan->thread = order_load_acquire_u32(&slot->lent_thread);
    /* ORDER loans.20 acquire <-> loans.19: as loans.15. */
    loan->since_ms = (int64_t)order_load_acquire_u64(&slot->used_ms);
    /* ORDER loans.18 acquire <-> loans.14: as loans.15. */
    loan->server_thread = order_load_acquire_u64(&slot->server_thread);
    race_point("pond.listed");
    /* It came back meanwhile: the notes may be the next borrower's. */
    return slot_peek(slot) == word;
}

bool
pond_loan_of(const struct pond *pond, uint32_t thread, struct pond_loan *loan)
{
    const uint32_t slots = pond_slot_count(pond);

    for (uint32_t i = 0; i < slots; i++) {
        const struct slot *slot = extents_at(&pond->slots, i);

        /* ORDER loans.21 relaxed <-> loans.4: what this very thread lent last
         * it sees; all others are passed over by one look. */
        if (order_load_relaxed_u32(&slot->lent_thread) == thread &&
            pond_loan_at(pond, i, loan) && loan->thread == thread) {
            return true;
        }
    }
    return false;
}
