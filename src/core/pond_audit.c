/* SPDX-License-Identifier: MIT */
/* Gauges, the self-audit of the invariants, and the keeper's safety net. */
#include <stdio.h>

#include "core/pond_inside.h"

#define AUDIT_TRIES 64
#define WATCH_FIRST_NS INT64_C(20000000)
#define WATCH_LAST_NS INT64_C(500000000)

struct count {
    uint32_t in[SLOT_STATES];
    uint32_t used; /* not VACANT */
    uint64_t loans;
};

static void
count_slots(const struct pond *pond, struct count *count)
{
    const uint32_t slots = extents_count(&pond->slots);

    *count = (struct count){0};
    for (uint32_t i = 0; i < slots; i++) {
        const struct slot *slot = extents_at(&pond->slots, i);

        const enum slot_state state = slot_state_of(slot_peek(slot));

        count->in[state]++;
        count->used += state != SLOT_VACANT;
        count->loans += slot_loans_seen(slot);
    }
}

uint32_t
pond_living(const struct pond *pond)
{
    struct count count;

    count_slots(pond, &count);
    return count.in[SLOT_LEASED] + count.in[SLOT_IDLE] + count.in[SLOT_HANDED];
}

/* A slot that is ordered while the count goes on may come in addition to one that
 * has been opened meanwhile; the openings' own count is never above the window. */
static uint32_t
opening_now(const struct pond *pond, const struct count *count)
{
    const uint32_t openings = pond_openings(pond);

    return count->in[SLOT_OPENING] < openings ? count->in[SLOT_OPENING]
                                              : openings;
}

void
pond_gauge(const struct pond *pond, struct pond_gauges *gauges)
{
    struct count count;

    count_slots(pond, &count);
    *gauges = (struct pond_gauges){
        .idle = count.in[SLOT_IDLE],
        .leased = count.in[SLOT_LEASED] + count.in[SLOT_HANDED],
        .opening = opening_now(pond, &count),
        .retiring = count.in[SLOT_RETIRING],
        .waiters = waiters_count(&pond->waiters),
        .loans = count.loans,
    };
    gauges->open = gauges->idle + gauges->leased + gauges->retiring;
}

/* I1 and I4, of a scan during which the quota did not move. */
static const char *
judge(const struct count *count, struct quota_view quota, uint32_t overhang,
      char *text, size_t size)
{
    if (quota.taken > quota.limit && quota.taken > overhang) {
        (void)snprintf(text, size, "I1: %u places taken of %u", quota.taken,
                       quota.limit);
        return text;
    }
    /* A place is taken before its slot moves and given back after. */
    if (count->used > quota.taken) {
        (void)snprintf(text, size, "I4: %u slots in use, %u places taken",
                       count->used, quota.taken);
        return text;
    }
    if (count->in[SLOT_RETIRING] > quota.leaving) {
        (void)snprintf(text, size, "I4: %u slots retiring, %u places leaving",
                       count->in[SLOT_RETIRING], quota.leaving);
        return text;
    }
    return NULL;
}

static const char *
audit_counts(const struct pond *pond, char *text, size_t size)
{
    for (int i = 0; i < AUDIT_TRIES; i++) {
        const struct quota_view before = quota_look(&pond->quota);
        struct count count;

        count_slots(pond, &count);
        /* ORDER sizes.5 seq_cst <-> sizes.4 sizes.7: between the two looks, in which a
         * limit that falls is seen. */
        const uint32_t overhang = order_load_seq_u32(&pond->overhang);
        const struct quota_view after = quota_look(&pond->quota);

        if (before.word == after.word) {
            return judge(&count, after, overhang, text, size);
        }
    }
    return "";
}

/* I3: nobody sleeps beside a session at rest that he could use. True only of a
 * state that did not change: no pass, no wake in flight, between two looks. */
static bool
is_stuck(const struct pond *pond, uint64_t *passes)
{
    /* ORDER pond.9 relaxed <-> waiters.27: whether a pass went by; an old
     * value only makes the audit look once more. */
    *passes = order_load_relaxed_u64(&pond->waiters.passes);
    const uint64_t front = order_load_seq_u64(&pond->waiters.front);

    return (front & (POND_CLOSING | POND_PAUSED)) == 0 &&
           /* ORDER pond.29 relaxed <-> waiters.32: it changes in passes. */
           (front & WAITERS_COUNT_MASK) >
               order_load_relaxed_u32(&pond->waiters.choosy) &&
           idle_any(&pond->idle) && !waiters_token_out(&pond->waiters) &&
           /* ORDER pond.22 seq_cst <-> waiters.19: nobody is at it. */
           order_load_seq_u32(&pond->waiters.lock) == 0;
}

/* While somebody waits and nobody seems stuck, looks get rarer: a thousand who
 * wait shall cost no processor time. */
static int64_t
pause_after(const struct pond *pond, int64_t pause_ns, bool seen)
{
    if (seen) {
        return POND_STUCK_NS;
    }
    if (pause_ns == 0 || waiters_count(&pond->waiters) == 0) {
        return WATCH_FIRST_NS;
    }
    return pause_ns < WATCH_LAST_NS / 2 ? 2 * pause_ns
                                             : WATCH_LAST_NS;
}

bool
pond_rescue(struct pond *pond, struct pond_stuck *stuck)
{
    uint64_t passes;
    const bool now = is_stuck(pond, &passes);
    const bool still = now && stuck->seen && stuck->passes == passes;
    const int64_t now_ns = park_now_ns(pond->plan.parker);

    stuck->pause_ns = pause_after(pond, stuck->pause_ns, now);
    if (!still) {
        stuck->since_ns = now_ns;
        stuck->passes = passes;
        stuck->seen = now;
    }
    /* Who was preempted between his put and his look still comes to look. */
    const bool for_long = still && now_ns - stuck->since_ns >= POND_STUCK_NS;
    if (for_long) {
        tally_add(&pond->tallies.rescues);
        pond_serve(pond);
    }
    return for_long;
}

const char *
pond_audit(const struct pond *pond, char *text, size_t size)
{
    return audit_counts(pond, text, size);
}
