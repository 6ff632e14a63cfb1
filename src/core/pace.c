/* SPDX-License-Identifier: MIT */
/* The hints by which returns and waiters keep pace with each other. */
#include "core/pace.h"

#define DENSE_NS 2000
#define DENSE_ROW 8u
#define SPARSE_NS 100000
#define HOPE_MOST 4u
#define HANDING_MOST 2u

void
pace_init(struct pace *pace, bool alone)
{
    pace->alone = alone;
    order_init_u64(&pace->looked_ns, 0);
    order_init_u32(&pace->dense, 0);
    order_init_u32(&pace->handing, 0);
    order_init_u32(&pace->spinning, 0);
    order_init_u32(&pace->hopeful, 0);
    order_init_u32(&pace->skipped, 0);
}

/* --- the clock -------------------------------------------------------------- */

bool
pace_may_skip(const struct pace *pace, uint64_t uses)
{
    /* ORDER pace.1 relaxed <-> pace.3 pace.16: a hint; who is overdue waits for a few
     * short loans more. */
    return order_load_relaxed_u32(&pace->dense) == DENSE_ROW &&
           uses % PACE_LOOK_EVERY != 0;
}

static void
count_dense(struct pace *pace, int64_t since_ns)
{
    /* ORDER pace.2 relaxed <-> pace.3 pace.16: as pace.1. */
    const uint32_t before = order_load_relaxed_u32(&pace->dense);
    uint32_t dense = before;

    if (since_ns < DENSE_NS) {
        dense = before < DENSE_ROW ? before + 1 : DENSE_ROW;
    } else if (before < DENSE_ROW || since_ns > SPARSE_NS) {
        dense = 0;
    }
    if (dense != before) {
        /* ORDER pace.3 relaxed <-> pace.1 pace.2: as pace.1. */
        order_store_relaxed_u32(&pace->dense, dense);
    }
}

void
pace_look(struct pace *pace, int64_t now_ns)
{
    /* ORDER pace.4 relaxed <-> pace.5: a hint, as pace.1. */
    count_dense(pace,
                now_ns - (int64_t)order_load_relaxed_u64(&pace->looked_ns));
    /* ORDER pace.5 relaxed <-> pace.4 pace.15: as pace.1. */
    order_store_relaxed_u64(&pace->looked_ns, (uint64_t)now_ns);
}

void
pace_pass(struct pace *pace, int64_t now_ns)
{
    /* ORDER pace.15 relaxed <-> pace.5: as pace.1. */
    if (now_ns - (int64_t)order_load_relaxed_u64(&pace->looked_ns) >
        SPARSE_NS) {
        /* ORDER pace.16 relaxed <-> pace.1 pace.2: as pace.1. */
        order_store_relaxed_u32(&pace->dense, 0);
    }
}

/* --- the hand-over ----------------------------------------------------------- */

bool
pace_is_due(const struct pace *pace, int64_t age_ns, int64_t handoff_ns)
{
    return age_ns >= handoff_ns &&
           /* ORDER pace.6 relaxed <-> pace.7 pace.8: a hint; one more or one
            * less is served at this moment. */
           (order_load_relaxed_u32(&pace->handing) < HANDING_MOST ||
            age_ns / 3 * 2 >= handoff_ns);
}

void
pace_given(struct pace *pace)
{
    /* ORDER pace.7 relaxed <-> pace.6: as pace.6. */
    (void)order_add_relaxed_u32(&pace->handing, 1);
}

void
pace_taken(struct pace *pace)
{
    /* ORDER pace.8 relaxed <-> pace.6: as pace.6. */
    (void)order_add_relaxed_u32(&pace->handing, UINT32_MAX);
}

/* --- the spin ---------------------------------------------------------------- */

static bool
is_worth_a_try(struct pace *pace)
{
    /* ORDER pace.9 relaxed <-> pace.14: a hint. */
    if (order_load_relaxed_u32(&pace->hopeful) != 0) {
        return true;
    }
    /* ORDER pace.10 relaxed: a tally, only ever a hint. */
    return order_add_relaxed_u32(&pace->skipped, 1) % PACE_TRY_EVERY == 0;
}

bool
pace_spin_begin(struct pace *pace)
{
    return !pace->alone && is_worth_a_try(pace) &&
           /* ORDER pace.11 seq_cst <-> pace.12: one at a time. */
           order_swap_seq_u32(&pace->spinning, 1) == 0;
}

void
pace_spin_end(struct pace *pace, bool found)
{
    /* ORDER pace.13 relaxed <-> pace.14: the spinner's own count. */
    const uint32_t hopeful = order_load_relaxed_u32(&pace->hopeful);

    /* ORDER pace.14 relaxed <-> pace.9 pace.13: as pace.9. */
    order_store_relaxed_u32(&pace->hopeful,
                            !found                ? hopeful / 2
                            : hopeful < HOPE_MOST ? hopeful + 1
                                                  : HOPE_MOST);
    /* ORDER pace.12 seq_cst <-> pace.11: with what he counted. */
    order_store_seq_u32(&pace->spinning, 0);
}
