/* SPDX-License-Identifier: MIT */
/* The lease's part of most borrows and returns: no system call, no clock but one. */
/*
 * The coarse clock is read once in a pair, when the session is lent. A return
 * that sent nothing, or under DEW_RESET_NEVER, takes that time for its own: it
 * is never later than the truth, so a session that was lent for long is looked
 * at once more before it is lent again. The sweep, which ends what rested for
 * too long, counts from its own first look (seen_ms). A session near the end of
 * its life goes the long way, which looks; only of a loan that is longer than
 * LEASE_LAST_MS is it the next return, or the sweep, who notices that it ended.
 */
#ifndef DEWPOND_KEEPER_LEASE_QUICK_H
#define DEWPOND_KEEPER_LEASE_QUICK_H

#include "base/canary.h"
#include "base/clock.h"
#include "base/thread.h"
#include "keeper/pool.h"
#include "session/session.h"

/* Loans of a session whose time is taken: the first ones, then one in 64. */
#define LEASE_SAMPLED_FIRST 16u
#define LEASE_SAMPLED_MASK 63u

/* A session that has no more than this to live is returned by the clock. */
#define LEASE_LAST_MS 60000

static inline bool
lease_is_within_bypass(const dew_pool *pool, const struct slot *slot,
                       int64_t now_ms)
{
    return now_ms - slot->rested_ms < pool->settings->bypass_ms;
}

/* True: it can be lent as it is, without touching the server: at rest, not
 * outdated, not suspect, and returned a short while ago, by the coarse clock.
 * Inside a section. */
static inline bool
lease_is_ready(const dew_pool *pool, const struct slot *slot, int64_t now_ms)
{
    return !slot_is_pending(slot) && !pond_is_outdated(&pool->pond, slot) &&
           !pond_is_suspect(&pool->pond, slot) &&
           lease_is_within_bypass(pool, slot, now_ms);
}

/* Lends the LEASED slot, now (coarse clock): fills *conn. */
static inline void
lease_begin(dew_pool *pool, struct slot *slot, const char *file, int line,
            int64_t now_ms, dew_conn *conn)
{
    const bool sampled = slot->uses < LEASE_SAMPLED_FIRST ||
                         (slot->uses & LEASE_SAMPLED_MASK) == 0;

    slot->lent_ns = sampled ? pool_now_ns(pool) : 0;
    conn->mysql = session_lend(slot->session);
    CANARY(SHARED_HANDLE, conn->mysql = session_handle(
                              extents_at(&pool->pond.slots, 0)->session));
    conn->pool = pool;
    conn->ticket =
        pond_lend(&pool->pond, slot, file, line, thread_id(), now_ms);
}

/* How long a sampled loan took. */
void lease_record_hold(dew_pool *pool, const struct slot *slot);

/* The borrower brings it back, and nothing needs to be done but to put it: true.
 * False: it is LEASED to the caller, lease_return it. Inside a section. */
static inline bool
lease_return_quickly(dew_pool *pool, struct slot *slot)
{
    const struct settings *settings = pool->settings;
    const int64_t lent_ms = slot_lent_ms(slot);

    if (slot->deadline != NULL ||
        settings->uses_max != SETTINGS_OFF ||
        lent_ms >= slot->expires_ms - LEASE_LAST_MS ||
        pond_is_outdated(&pool->pond, slot) ||
        quota_has_excess(&pool->pond.quota) ||
        !session_rests(slot->session, settings)) {
        return false;
    }
    if (slot->lent_ns != 0) {
        lease_record_hold(pool, slot);
    }
    slot->rested_ms = lent_ms;
    pond_put_staying(&pool->pond, slot);
    return true;
}

#endif
