/* SPDX-License-Identifier: MIT */
/* All slots of a pond, by index: a first extent, and one more for each growth. */
/*
 * WHAT. Slots are found by their index (a ticket has it) and walked by who
 * counts or lists. They stay where they are for as long as the pond lives, so
 * a pond that grows gets another extent beside those it has, at least as big
 * as all of them together: at most sixteen more for 65 535 slots. A pond that
 * shrinks keeps its slots, vacant.
 *
 * STATES. Indices 0 .. count-1 have a slot. INVARIANTS. An index that was once
 * below count has the same slot for ever. I2: each slot is in one place; a new
 * one is vacant.
 * LINEARIZATION. Growth: the store of count.
 *
 * THE ONE RACE. A slot is used before it can be found:
 *
 *     wrong:  grower: pushes slot 9 to vacant    opener: lends it, ticket 9
 *                                                borrower: looks 9 up: none
 *             grower: publishes the extent        -> a loan nobody can return
 *     right:  the extent first, then count, then vacant
 *
 * RECLAMATION. Extents live as long as the pond. TOGETHER: everything, but
 * only one grower. PROGRESS: wait-free.
 */
#ifndef DEWPOND_CORE_EXTENTS_H
#define DEWPOND_CORE_EXTENTS_H

#include "core/slot.h"

#define EXTENTS_MORE 16

struct extents {
    struct slot *first;            /* owner: this struct; never changes */
    uint32_t first_count;          /* never changes */
    order_u32 count;               /* slots in all extents; the grower's */
    order_ptr more[EXTENTS_MORE];  /* struct extent; the grower's; NULL: none */
};

/* `count` slots, pushed to vacant. False without memory. */
bool extents_init(struct extents *extents, uint32_t count,
                  struct stack *vacant);
void extents_destroy(struct extents *extents); /* nobody uses it any more */

/* There are at least so many slots afterwards; new ones are pushed to vacant.
 * One caller at a time. False without memory: nothing happened. */
bool extents_reach(struct extents *extents, uint32_t least,
                   struct stack *vacant);

static inline uint32_t
extents_count(const struct extents *extents)
{
    /* ORDER extents.1 acquire <-> extents.2: every index below it is found. */
    return order_load_acquire_u32(&extents->count);
}

/* Whether it is one of those that most pools have all of; extents_find for others. */
static inline bool
extents_is_first(const struct extents *extents, uint32_t index)
{
    return index < extents->first_count;
}

/* Past the first extent; NULL: no such slot. */
struct slot *extents_find(const struct extents *extents, uint32_t index);

/* The slot with this index, or NULL. */
static inline struct slot *
extents_at(const struct extents *extents, uint32_t index)
{
    return extents_is_first(extents, index) ? &extents->first[index]
                                            : extents_find(extents, index);
}

#endif
