/* SPDX-License-Identifier: MIT */
/* Who holds which server session, to catch one session in two hands. */
#include "owners.h"

enum { THREAD_BITS = 16 };

static uint64_t
stamp_of(const struct owners_loan *loan)
{
    const uint64_t handle = (uint64_t)(uintptr_t)loan->handle;
    /* The lowest bits of an allocation are always the same. */
    const uint64_t mark = (handle >> 4 ^ handle >> 20) & 0xffffu;
    return (uint64_t)(uint32_t)loan->id << 32 | mark << THREAD_BITS |
           (uint64_t)(loan->thread + 1u);
}

static _Atomic uint64_t *
place_of(struct owners *owners, const struct owners_loan *loan)
{
    return &owners->places[loan->id % OWNERS_PLACES];
}

enum owners_verdict
owners_enter(struct owners *owners, const struct owners_loan *loan)
{
    const uint64_t stamp = stamp_of(loan);
    uint64_t found = 0;
    /* relaxed: see the header; the pool orders two loans of a session */
    if (atomic_compare_exchange_strong_explicit(place_of(owners, loan), &found,
                                                stamp, memory_order_relaxed,
                                                memory_order_relaxed)) {
        return OWNERS_ALONE;
    }
    return found >> THREAD_BITS == stamp >> THREAD_BITS ? OWNERS_SHARED
                                                        : OWNERS_CROWDED;
}

enum owners_verdict
owners_leave(struct owners *owners, const struct owners_loan *loan)
{
    /* relaxed: see the header */
    const uint64_t found = atomic_exchange_explicit(place_of(owners, loan), 0,
                                                    memory_order_relaxed);
    return found == stamp_of(loan) ? OWNERS_ALONE : OWNERS_SHARED;
}
