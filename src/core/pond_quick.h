/* SPDX-License-Identifier: MIT */
/* The pond's part of every borrow and return: inline, and no call by default. */
/*
 * A pair of them, with nobody waiting and the own warm slot at hand, is three
 * read-modify-writes of lines that this CPU has: the exchange that takes, the
 * CAS that claims the ticket, the CAS that puts. All else is behind a call.
 */
#ifndef DEWPOND_CORE_POND_QUICK_H
#define DEWPOND_CORE_POND_QUICK_H

#include "base/mutant.h"
#include "core/pond.h"

/* --- the look ---------------------------------------------------------------- */

/* The look's other half: somebody waits, or the pond is closing. */
void pond_look_at(struct pond *pond, uint64_t front);

/* "And look": something changed that a waiter may be waiting for. */
static inline void
pond_look(struct pond *pond)
{
    race_point("pond.look");
    /* ORDER pond.2 seq_cst <-> pond.1 idle.2 idle.6 waiters.24: put-then-look
     * against join-then-look: what we put is in place before we read who
     * waits; with less, both look away (I3). */
    const uint64_t front = order_load_seq_u64(&pond->waiters.front);

    if (__builtin_expect(front != 0, 0)) {
        pond_look_at(pond, front);
    }
}

/* --- take -------------------------------------------------------------------- */

/* In strict order a newcomer does not pass those who wait. */
static inline bool
pond_may_take(const struct pond *pond, uint64_t front)
{
    if ((front & (POND_CLOSING | POND_PAUSED)) != 0) {
        return false;
    }
    return (front & WAITERS_COUNT_MASK) == 0 || pond->plan.handoff_ns != 0;
}

/* What the caller has just taken and is still IDLE, unless the pond is closing
 * or paused: then it goes back, and NULL. */
static inline struct slot *
pond_allow(struct pond *pond, struct slot *slot)
{
    race_point("pond.taken");
    if (MUTANT(22)) { return slot; }
    /* ORDER pond.7 seq_cst <-> pond.6: read after the take: a take that
     * follows the flag's rise sees it, and gives the slot back (I6). */
    const uint64_t front = order_load_seq_u64(&pond->waiters.front);
    if ((front & (POND_CLOSING | POND_PAUSED)) != 0) {
        idle_put(&pond->idle, slot);
        pond_look(pond);
        return NULL;
    }
    race_point("pond.allowed");
    return slot;
}

/* What rests, unless the pond is closing or paused. Still IDLE. */
static inline struct slot *
pond_take_allowed(struct pond *pond)
{
    struct slot *slot = idle_take(&pond->idle);

    return slot == NULL ? NULL : pond_allow(pond, slot);
}

/* A session that rests: LEASED, the caller's. NULL: none, or not allowed now. */
static inline struct slot *
pond_take(struct pond *pond)
{
    /* ORDER pond.5 relaxed <-> pond.6: a hint that spares the take. */
    const uint64_t front = order_load_relaxed_u64(&pond->waiters.front);

    if (front != 0 && !pond_may_take(pond, front)) {
        return NULL;
    }
    struct slot *slot = pond_take_allowed(pond);
    if (slot != NULL) {
        slot_take(slot);
    }
    return slot;
}

/* What rests in the own warm slot, still IDLE; NULL: nothing. To be allowed. */
static inline struct slot *
pond_take_warm(struct pond *pond)
{
    return idle_warm_take(idle_own_quickly(&pond->idle));
}

/* What was taken warm is the caller's: LEASED. NULL: not now, it went back. */
static inline struct slot *
pond_take_up(struct pond *pond, struct slot *slot)
{
    /* ORDER pond.32 relaxed <-> pond.1: as pond.5; a look follows. */
    const uint64_t front = order_load_relaxed_u64(&pond->waiters.front);

    if (front != 0 && !pond_may_take(pond, front)) {
        idle_put(&pond->idle, slot);
        pond_look(pond);
        return NULL;
    }
    slot = pond_allow(pond, slot);
    if (slot != NULL) {
        slot_take(slot);
    }
    return slot;
}

/* Whether nobody waits and no flag is up: all that most takes ask of what they
 * have just taken. False: pond_allow it. */
static inline bool
pond_is_calm(const struct pond *pond)
{
    race_point("pond.taken");
    if (MUTANT(57)) { return true; }
    /* ORDER pond.31 seq_cst <-> pond.6: as pond.7. */
    return order_load_seq_u64(&pond->waiters.front) == 0;
}

/* --- put --------------------------------------------------------------------- */

/* The holder's session is one too many: counted, and to the keeper. False: it
 * is not, or others went for it. */
bool pond_retire_excess(struct pond *pond, struct slot *slot);

/* Somebody waits: to him if he is overdue or the session new, else to idle. */
void pond_put_past(struct pond *pond, struct slot *slot, bool is_new);

/* The holder brings it back, at rest or pending: to a waiter or to idle. In the
 * section in which it saw that nothing is too many (see pond_resize.c). */
static inline void
pond_put_staying(struct pond *pond, struct slot *slot)
{
    race_point("pond.stays");
    /* ORDER pond.8 relaxed <-> pond.1: a hint which way to go; a waiter that
     * joins behind it is seen by the look. */
    const uint64_t front = order_load_relaxed_u64(&pond->waiters.front);

    if ((front & WAITERS_COUNT_MASK) != 0) {
        pond_put_past(pond, slot, false);
        return;
    }
    slot_rest(slot);
    idle_put(&pond->idle, slot);
    if (MUTANT(2)) { return; }
    pond_look(pond);
}

/* The same. False: it is one too many since the limit shrank, RETIRING now, and
 * counted. */
static inline bool
pond_put(struct pond *pond, struct slot *slot)
{
    if (quota_has_excess(&pond->quota) && pond_retire_excess(pond, slot)) {
        return false;
    }
    pond_put_staying(pond, slot);
    return true;
}

/* What most returns need of it. */
enum pond_put {
    POND_PUT_DONE,
    POND_PUT_NOT,  /* not now: pond_put_staying */
    POND_PUT_FULL, /* it is IDLE already: pond_put_on */
    POND_PUT_LOOK, /* it is put: pond_look */
};

/* The same as pond_put_staying for the own warm slot, with nobody waiting. */
static inline enum pond_put
pond_put_warm(struct pond *pond, struct slot *slot)
{
    race_point("pond.stays");
    /* ORDER pond.33 relaxed <-> pond.1: as pond.8. */
    if ((order_load_relaxed_u64(&pond->waiters.front) & WAITERS_COUNT_MASK) !=
        0) {
        return POND_PUT_NOT;
    }
    slot_rest(slot);
    race_point("idle.put");
    if (!idle_warm_put(idle_own_quickly(&pond->idle), slot)) {
        return POND_PUT_FULL;
    }
    if (MUTANT(56)) { return POND_PUT_DONE; }
    race_point("pond.look");
    /* ORDER pond.34 seq_cst <-> pond.1 idle.2: as pond.2. */
    return order_load_seq_u64(&pond->waiters.front) == 0 ? POND_PUT_DONE
                                                         : POND_PUT_LOOK;
}

/* Goes on where pond_put_warm said how. */
void pond_put_on(struct pond *pond, struct slot *slot, enum pond_put how);

/* --- loans ------------------------------------------------------------------- */

/* Loans of the slot, for its holder; they wrap round. */
static inline uint32_t
slot_loans(const struct slot *slot)
{
    /* ORDER loans.24 relaxed <-> loans.1: its own holder's tally. */
    return (uint32_t)order_load_relaxed_u64(&slot->loans);
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
    /* ORDER loans.26 relaxed <-> loans.1: as loans.24. */
    slot->sample_at = order_load_relaxed_u64(&slot->loans);
    slot->loans_before = slot_loans(slot);
}

/* Whether the time of the loan that begins now is to be taken. */
static inline bool
slot_is_sample(const struct slot *slot)
{
    /* ORDER loans.25 relaxed <-> loans.1: as loans.24. */
    return order_load_relaxed_u64(&slot->loans) == slot->sample_at;
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
    /* ORDER loans.1 relaxed <-> loans.24 loans.25 loans.26: a tally, only ever a hint. */
    order_bump_owned_u64(&slot->loans, 1);
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
