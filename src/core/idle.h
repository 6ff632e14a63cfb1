/* SPDX-License-Identifier: MIT */
/* Where idle sessions rest: shards of a warm slot and a stack. */
/*
 * WHAT. One shard per CPU (at most one per session): a warm slot, which is one
 * pointer, and a ck_stack of slots. A return goes to the shard of the CPU it
 * runs on, a borrow looks there first, so that a session stays with the CPU
 * whose caches and whose server thread know it; then it steals.
 *
 * STATES. A shard's warm slot is NULL or one IDLE slot; its stack holds IDLE
 * slots. INVARIANTS. I2: a slot is in at most one of these places.
 *
 * COLD. The keeper looks at every resting session now and then. A stack gives
 * only its top, so what was looked at goes to a cold stack, which borrowers
 * come to last, and the next round takes from there as well: two of them, in
 * turn one to take from and one to put to.
 *
 * LINEARIZATION. put: the CAS NULL->slot of the warm slot, or CK's push.
 * take: the exchange of the warm slot with NULL, or CK's pop. "Empty" is not
 * a point in time: shards are looked at one after the other. Who must not
 * miss a put joins the waiters first and looks again (pond.h).
 *
 * THE ONE RACE. A taker looks, a putter puts behind its back:
 *
 *     taker:  shard 0 empty ........ shard 1 empty -> "nothing"
 *     putter:              puts into shard 0
 *
 * It is allowed here and resolved in pond.c (join and look / put and look).
 *
 * RECLAMATION. None: slots and shards live as long as the pool. TOGETHER:
 * everything. PROGRESS: lock-free; a retry means another push or pop won.
 */
#ifndef DEWPOND_CORE_IDLE_H
#define DEWPOND_CORE_IDLE_H

#include "base/cpu.h"
#include "core/slot.h"

struct idle_shard {
    /* Written by returns and borrows on this CPU, rarely by thieves. Warm slot
     * and stack have a pair of lines that no other shard shares. */
    _Alignas(2 * MEMORY_LINE) order_ptr warm;
    struct stack rest;
};

struct idle {
    struct stack cold[2];
    struct idle_shard *shards; /* owner: this struct; never changes */
    uint32_t count;            /* 1..cpus; never changes */
    uint32_t half, mask;       /* see idle_shard_of; never change */
    ptrdiff_t cpu_where;       /* see base/cpu.h; never changes */
};

/* False without memory. */
bool idle_init(struct idle *idle, uint32_t shards);
void idle_destroy(struct idle *idle); /* nobody uses it any more */

/* --- the warm slots: inline in every borrow and return --------------------- */

/* Which shard is that CPU's; any number has one. `mask` is one less than the power
 * of two that is not below the count, and `half` the half of that power. */
static inline uint32_t
idle_shard_of(const struct idle *idle, uint32_t cpu)
{
    const uint32_t at = cpu & idle->mask;

    return __builtin_expect(at < idle->count, 1) ? at : at - idle->half;
}

static inline uint32_t
idle_own_shard(const struct idle *idle)
{
    return idle_shard_of(idle, cpu_current());
}

static inline struct idle_shard *
idle_own(const struct idle *idle)
{
    return &idle->shards[idle_own_shard(idle)];
}

static inline bool
idle_warm_put(struct idle_shard *shard, struct slot *slot)
{
    /* ORDER idle.1 relaxed <-> idle.2: a hint that spares a full warm slot
     * the write; the CAS decides. */
    void *empty = order_load_relaxed_ptr(&shard->warm);

    if (empty != NULL) {
        return false;
    }
    /* ORDER idle.2 seq_cst <-> idle.3 idle.1 idle.4 idle.5 pond.2 pond.34: publishes the slot's plain fields, and
     * is the "put" of put-and-look: the load of the waiter count that follows
     * (pond.2) must not pass it. */
    return order_cas_seq_ptr(&shard->warm, &empty, slot);
}

static inline struct slot *
idle_warm_take(struct idle_shard *shard)
{
    /* ORDER idle.4 relaxed <-> idle.2: a plain load before any write. */
    if (order_load_relaxed_ptr(&shard->warm) == NULL) {
        return NULL;
    }
    race_point("idle.warm_take");
    /* ORDER idle.3 seq_cst <-> idle.2: exactly one taker gets the slot, with
     * everything its last holder wrote. */
    return order_swap_seq_ptr(&shard->warm, NULL);
}

/* The same without a call. */
static inline struct idle_shard *
idle_own_quickly(const struct idle *idle)
{
    return &idle->shards[idle_shard_of(idle, cpu_hint(idle->cpu_where))];
}

/* Past the own warm slot: it was taken, or is full. */
void idle_put_beside(struct idle *idle, struct slot *slot);
struct slot *idle_take_beside(struct idle *idle);

/* The slot is IDLE and the caller lets go of it. */
static inline void
idle_put(struct idle *idle, struct slot *slot)
{
    race_point("idle.put");
    if (!idle_warm_put(idle_own(idle), slot)) {
        idle_put_beside(idle, slot);
    }
}

/* A slot that is now the caller's (still in state IDLE), or NULL. */
static inline struct slot *
idle_take(struct idle *idle)
{
    struct slot *slot = idle_warm_take(idle_own(idle));

    return slot != NULL ? slot : idle_take_beside(idle);
}

/* The keeper's round number `round`: what was not looked at in it yet, or NULL
 * (still in state IDLE); and where it goes afterwards. One round at a time. */
struct slot *idle_sweep_take(struct idle *idle, uint32_t round);
void idle_sweep_put(struct idle *idle, struct slot *slot, uint32_t round);

/* The second look: true when any shard seems to hold something. */
bool idle_any(const struct idle *idle);

#endif
