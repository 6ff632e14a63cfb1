/* SPDX-License-Identifier: MIT */
/* Live reconfiguration of a pond: its sizes, and what is too many afterwards. */
/*
 * WHAT. The sizes are a snapshot that is replaced as a whole. A pond grows by
 * slots, sizes, limit, in this order, and a look for who waits. It shrinks by
 * sizes and limit; then what stays is more than the limit, and the excess goes
 * where it is met: orders here and where an opener takes one, connects when
 * they arrive, loans when they come back, the rest in the keeper's hands.
 *
 * INVARIANTS. I1: what is taken is never more than the limit or what the last
 * shrink left behind (`overhang`). I3: a look follows every change. I8: an
 * order that is taken back gives its place back.
 * LINEARIZATION. The quota's CAS (pond_resize); leaving it (each of the
 * excess: quota_leave_excess lets exactly as many go as are too many).
 *
 * THE ONE RACE. A return that looked at the limit before it shrank:
 *
 *     wrong:  returner: no excess           shrinker: lowers the limit
 *                                           shrinker: rings; the keeper sees
 *             returner: puts to idle         nothing at rest -> it rests on
 *     right:  the returner looks and puts in one read-side section, for which
 *             the shrinker waits before anybody is rung
 *
 * RECLAMATION. The old snapshot is freed after the same grace period: it is
 * read inside sections only, and copied. TOGETHER: resizes one at a time, with
 * everything else. PROGRESS: a resize waits for readers; nobody waits for it.
 */
#include "base/canary.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "core/pond_inside.h"

struct pond_sizes
pond_sizes(const struct pond *pond)
{
    reclaim_read_begin();
    /* ORDER sizes.1 seq_cst <-> sizes.2: part of a waiter's second look; and
     * a whole snapshot. */
    const struct pond_sizes *now = order_load_seq_ptr(&pond->sizes);
    race_point("sizes.read");
    CANARY(SIZES_OUTSIDE_SECTION, reclaim_read_end(); race_point("sizes.late");
           return *now);
    const struct pond_sizes copy = *now;
    reclaim_read_end();
    return copy;
}

static struct pond_sizes *
replace_sizes(struct pond *pond, struct pond_sizes *next)
{
    /* ORDER sizes.2 seq_cst <-> sizes.1 sizes.6: before the look for who waits. */
    return order_swap_seq_ptr(&pond->sizes, next);
}

/* What the audit allows is never less than what is taken, at any moment. */
static void
set_limit(struct pond *pond, uint32_t limit)
{
    const struct quota_view now = quota_look(&pond->quota);
    /* ORDER sizes.3 relaxed <-> sizes.4: our own, resizes are one at a time. */
    const uint32_t before = order_load_relaxed_u32(&pond->overhang);

    /* ORDER sizes.4 seq_cst <-> sizes.3 sizes.5: before the limit falls. */
    order_store_seq_u32(&pond->overhang,
                        before > now.limit ? before : now.limit);
    const struct quota_view last = quota_set_limit(&pond->quota, limit);
    race_point("pond.limit");
    /* ORDER sizes.7 seq_cst <-> sizes.5: from here on what is taken falls, or
     * stays below the limit. */
    order_store_seq_u32(&pond->overhang, last.taken > limit ? last.taken : 0);
}

/* Those that nobody has begun. Who takes one later looks himself. */
static void
cancel_orders(struct pond *pond)
{
    struct slot *slot;

    while (quota_has_excess(&pond->quota) &&
           (slot = slot_pop(&pond->orders)) != NULL) {
        if (!pond_cancel_excess(pond, slot)) {
            pond_publish_order(pond, slot); /* somebody else went for it */
        }
    }
}

bool
pond_resize(struct pond *pond, const struct pond_sizes *sizes)
{
    struct pond_sizes *next = memory_zeroed(sizeof(*next));

    if (next == NULL ||
        !extents_reach(&pond->slots, sizes->maxsize, &pond->vacant)) {
        memory_free(next);
        return false;
    }
    *next = *sizes;
    struct pond_sizes *last = replace_sizes(pond, next);
    race_point("pond.resized");
    set_limit(pond, sizes->maxsize);
    cancel_orders(pond);
    pond_look(pond);
    if (MUTANT(24)) { memory_free(last); return true; }
    reclaim_wait_readers();
    memory_free(last);
    return true;
}

/* --- the excess ----------------------------------------------------------------- */

bool
pond_has_excess(const struct pond *pond)
{
    return quota_has_excess(&pond->quota);
}

bool
pond_cancel_excess(struct pond *pond, struct slot *slot)
{
    if (!quota_has_excess(&pond->quota) || !quota_leave_excess(&pond->quota)) {
        return false;
    }
    slot_abandon(slot);
    slot_push(&pond->vacant, slot);
    pond_window_return(pond);
    if (MUTANT(14)) { return true; }
    quota_left(&pond->quota);
    pond_look(pond);
    return true;
}

bool
pond_retire_excess(struct pond *pond, struct slot *slot)
{
    if (!quota_has_excess(&pond->quota) || !quota_leave_excess(&pond->quota)) {
        return false;
    }
    tally_add(&pond->tallies.retired_shrink);
    pond_retire_left(pond, slot);
    return true;
}
