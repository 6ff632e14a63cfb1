/* SPDX-License-Identifier: MIT */
/* The quota's pure transitions and their CAS loops. */
#include "core/quota.h"

#include <assert.h>

#include "base/fault.h"

#define FIELD_BITS 20
#define FIELD_MASK UINT64_C(0xfffff)
#define ONE_CHANGE (UINT64_C(1) << (2 * FIELD_BITS))

static struct quota_view
view_of(uint64_t word)
{
    return (struct quota_view){
        .taken = (uint32_t)(word & FIELD_MASK),
        .limit = (uint32_t)((word >> FIELD_BITS) & FIELD_MASK),
        .changes = (uint32_t)(word >> (2 * FIELD_BITS)),
    };
}

/* Adding to the top field wraps by itself. */
static uint64_t
with_limit(uint64_t word, uint32_t limit)
{
    const uint64_t cleared = word & ~(FIELD_MASK << FIELD_BITS);

    return (cleared | ((uint64_t)limit << FIELD_BITS)) + ONE_CHANGE;
}

void
quota_init(struct quota *quota, uint32_t limit)
{
    order_init_u64(&quota->word, with_limit(0, limit));
}

bool
quota_reserve(struct quota *quota, uint32_t ceiling)
{
    /* ORDER quota.1 seq_cst <-> quota.2 quota.3: "full" is decided by this
     * load, and is part of a waiter's second look. */
    uint64_t word = order_load_seq_u64(&quota->word);

    for (;;) {
        const struct quota_view view = view_of(word);

        if (view.taken >= view.limit || view.taken >= ceiling) {
            return false;
        }
        race_point("quota.reserve");
        /* ORDER quota.2 seq_cst <-> quota.3 quota.2 quota.1 quota.5 quota.6: one place, one owner;
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

    assert((before & FIELD_MASK) > 0);
    (void)before;
}

void
quota_set_limit(struct quota *quota, uint32_t limit)
{
    /* ORDER quota.4 relaxed <-> quota.5: a first guess, the CAS decides. */
    uint64_t word = order_load_relaxed_u64(&quota->word);

    /* ORDER quota.5 seq_cst <-> quota.2 quota.4: later reservations see the limit. */
    while (!order_cas_seq_u64(&quota->word, &word, with_limit(word, limit))) {
    }
}

struct quota_view
quota_look(const struct quota *quota)
{
    /* ORDER quota.6 seq_cst <-> quota.2 quota.3: a waiter's second look, and
     * the two ends of an audit's scan. */
    return view_of(order_load_seq_u64(&quota->word));
}
