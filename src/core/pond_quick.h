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

/* The same as pond_put_staying for the own warm slot, with nobody waiting. `own`
 * was asked for a little earlier: behind a read-modify-write, as the claim is one,
 * finding it is time that nothing else fills. */
static inline enum pond_put
pond_put_warm(struct pond *pond, struct idle_shard *own, struct slot *slot)
{
    race_point("pond.stays");
    /* ORDER pond.33 relaxed <-> pond.1: as pond.8. */
    if ((order_load_relaxed_u64(&pond->waiters.front) & WAITERS_COUNT_MASK) !=
        0) {
        return POND_PUT_NOT;
    }
    slot_rest(slot);
    race_point("idle.put");
    if (!idle_warm_put(own, slot)) {
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

#endif
