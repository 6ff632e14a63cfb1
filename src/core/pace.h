/* SPDX-License-Identifier: MIT */
/* When a return is the first waiter's, not a newcomer's, and how often it asks. */
/*
 * WHAT. A return serves the first in line by age: who has waited handoff_ns is
 * handed the session, younger ones compete for it with who runs. Both have a
 * price. Who is handed one must be woken first, and where borrowers compute, that
 * takes the processor of one of them: so two are served at a time, and only who
 * has waited half as long again does not mind the price. And to know an age is
 * to read the exact clock, which costs more than a short return: where returns
 * are dense, one in PACE_LOOK_EVERY of a session reads it.
 *
 * Who finds nothing and nobody in line may spin for a moment before he joins: to
 * park and be woken costs ten times that. One at a time, and only while the last
 * ones found something so: loans come back soon.
 *
 * INVARIANTS. None: all of it are hints for fairness. A wrong one lets somebody
 * wait a little longer, or less, in a line that is served all the same (pond.h).
 * PROGRESS: wait-free. TOGETHER: everything.
 */
#ifndef DEWPOND_CORE_PACE_H
#define DEWPOND_CORE_PACE_H

#include "base/memory.h"
#include "base/order.h"

#define PACE_LOOK_EVERY 64u
#define PACE_TRY_EVERY 32u /* spins, while there is no hope */

/* Written by returns that meet waiters, and by those whom they serve. */
struct pace {
    _Alignas(MEMORY_LINE) order_u64 looked_ns; /* the last look at the clock */
    order_u32 dense;   /* so many looks in a row were close together */
    order_u32 handing; /* sessions given to waiters who do not run yet */
    /* Written by borrowers that found nothing. */
    _Alignas(MEMORY_LINE) order_u32 spinning; /* 1: somebody does */
    order_u32 hopeful;                        /* grows with each find */
    order_u32 skipped;                        /* those who did not spin */
    bool alone; /* one processor: nobody returns meanwhile; never changes */
};

void pace_init(struct pace *pace, bool alone);

/* Returns are dense, and this one of the session's does not look at the clock. */
bool pace_may_skip(const struct pace *pace, uint64_t uses);
/* It was looked at: now_ns. */
void pace_look(struct pace *pace, int64_t now_ns);
/* A pass knows the time: returns that have become rare are no longer dense. */
void pace_pass(struct pace *pace, int64_t now_ns);

/* Who has waited age_ns is served by this return. */
bool pace_is_due(const struct pace *pace, int64_t age_ns, int64_t handoff_ns);
/* A waiter was given a session; he has it in his hands. */
void pace_given(struct pace *pace);
void pace_taken(struct pace *pace);

/* May spin now; if so, he says whether he found something. */
bool pace_spin_begin(struct pace *pace);
void pace_spin_end(struct pace *pace, bool found);

#endif
