/* SPDX-License-Identifier: MIT */
/* The quota's pure transitions and their CAS loops. */
#include "core/quota.h"

#include <assert.h>

#include "base/fault.h"
#include "base/mutant.h"

#define ONE_LEAVING (UINT64_C(1) << (2 * QUOTA_FIELD_BITS))
#define ONE_CHANGE (UINT64_C(1) << (3 * QUOTA_FIELD_BITS))

/* Adding to the top field wraps by itself. */
static uint64_t
with_limit(uint64_t word, uint32_t limit)
{
    const uint64_t cleared = word & ~(QUOTA_FIELD_MASK << QUOTA_FIELD_BITS);

    return (cleared | ((uint64_t)limit << QUOTA_FIELD_BITS)) + ONE_CHANGE;
}

void
quota_init(struct quota *quota, uint32_t limit)
{
    order_init_u64(&quota->word, with_limit(0, limit));
}

bool
quota_reserve(struct quota *quota, uint32_t ceiling)
{
    /* ORDER quota.1 seq_cst <-> quota.2 quota.3 quota.11: "full" is decided by this
     * load, and is part of a waiter's second look. */
    uint64_t word = order_load_seq_u64(&quota->word);

    for (;;) {
        const struct quota_view view = quota_view_of(word);

        if (view.taken >= view.limit || view.taken >= ceiling) {
            return false;
        }
        race_point("quota.reserve");
        if (MUTANT(1)) { return order_add_seq_u64(&quota->word, 1 + ONE_CHANGE) != 0; }
        /* ORDER quota.2 seq_cst <-> quota.3 quota.2 quota.1 quota.5 quota.6 quota.11: one place, one owner;
         * seq_cst because "full" is part of a waiter's second look (pond.3).
         * A failure means that somebody else's change succeeded. */
        if (order_cas_seq_u64(&quota->word, &word, word + 1 + ONE_CHANGE)) {
            return true;
        }
    }
}

void
quota_return(struct quota *quota)
{
    /* ORDER quota.3 seq_cst <-> quota.2 pond.20 quota.1 quota.6: whoever reserves this place sees the
     * slot VACANT; then comes the look for waiters (pond.2). One change up
     * and one place down in a single addition: taken is above zero here. */
    const uint64_t before = order_add_seq_u64(&quota->word, ONE_CHANGE - 1);

    assert((before & QUOTA_FIELD_MASK) > 0);
    (void)before;
}

void
quota_leave(struct quota *quota)
{
    /* ORDER quota.8 seq_cst <-> quota.6 quota.9: counted before the slot is
     * RETIRING, so that an audit never sees more of these than leave. */
    (void)order_add_seq_u64(&quota->word, ONE_CHANGE + ONE_LEAVING);
}

bool
quota_leave_excess(struct quota *quota)
{
    /* ORDER quota.10 relaxed <-> quota.9: a first guess, the CAS decides. */
    uint64_t word = order_load_relaxed_u64(&quota->word);

    while (quota_view_has_excess(quota_view_of(word))) {
        race_point("quota.excess");
        /* ORDER quota.9 seq_cst <-> quota.8 quota.10 quota.11 quota.5 quota.6: one
         * too many, one goes. A failure: somebody else's change succeeded. */
        if (order_cas_seq_u64(&quota->word, &word,
                              word + ONE_CHANGE + ONE_LEAVING)) {
            return true;
        }
    }
    return false;
}

void
quota_left(struct quota *quota)
{
    /* ORDER quota.11 seq_cst <-> quota.2 quota.9 pond.20 quota.1 quota.6: as
     * quota.3. One change up, two fields down, neither of which is zero. */
    const uint64_t before = order_add_seq_u64(
        &quota->word, ONE_CHANGE - ONE_LEAVING - 1);

    assert(quota_view_of(before).taken > 0);
    assert(quota_view_of(before).leaving > 0);
    (void)before;
}

struct quota_view
quota_set_limit(struct quota *quota, uint32_t limit)
{
    /* ORDER quota.4 relaxed <-> quota.5: a first guess, the CAS decides. */
    uint64_t word = order_load_relaxed_u64(&quota->word);

    /* ORDER quota.5 seq_cst <-> quota.2 quota.4 quota.7 quota.9 quota.12: later
     * reservations and returns see the limit. */
    while (!order_cas_seq_u64(&quota->word, &word, with_limit(word, limit))) {
    }
    return quota_view_of(word);
}

struct quota_view
quota_look(const struct quota *quota)
{
    /* ORDER quota.6 seq_cst <-> quota.2 quota.3 quota.8 quota.9 quota.11: a waiter's second look, and
     * the two ends of an audit's scan. */
    return quota_view_of(order_load_seq_u64(&quota->word));
}
