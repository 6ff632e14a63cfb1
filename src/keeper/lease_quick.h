/* SPDX-License-Identifier: MIT */
/* The lease's part of most borrows and returns: no system call, no clock but one. */
/*
 * The time is read once in a pair, when the session is lent (tick.h). A quick
 * return, of a loan that sent nothing or under DEW_RESET_NEVER, leaves it there
 * as the time of the session's last use: it is never later than the truth, so a
 * session that was lent for long is looked at once more before it is lent again.
 * The sweep, which ends what rested for too long, counts from its own first look
 * (seen_ms). A session near the end of its life is not returned quickly; only of
 * a loan that is longer than LEASE_LAST_MS is it the next return, or the sweep,
 * who notices that it ended.
 */
#ifndef DEWPOND_KEEPER_LEASE_QUICK_H
#define DEWPOND_KEEPER_LEASE_QUICK_H

#include "base/canary.h"
#include "base/clock.h"
#include "base/thread.h"
#include "keeper/pool.h"
#include "session/quick.h"

/* A session that has no more than this to live is returned by the clock. */
#define LEASE_LAST_MS 60000

static inline bool
lease_is_within_bypass(const dew_pool *pool, const struct slot *slot,
                       int64_t now_ms)
{
    return now_ms - slot_used_ms(slot) < pool->settings->bypass_ms;
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
void lease_begin(dew_pool *pool, struct slot *slot, const char *file, int line,
                 int64_t now_ms, dew_conn *conn);

/* The same for one that is still IDLE, was taken a moment ago, and needs none of
 * the care that lease_begin takes: true; conn->pool is there already. False: it is
 * as it was. Inside a section. */
static inline bool
lease_begin_quickly(dew_pool *pool, struct slot *slot, const char *file,
                    int line, dew_conn *conn)
{
    /* Without a tick it is TICK_OFF, and too far from any time. */
    const int64_t now_ms = tick_now_ms(&pool->tick);
    const uint64_t rested_ms =
        (uint64_t)(now_ms + TICK_LATE_MS - slot_used_ms(slot));

    if (rested_ms >= pool->bypass_ms || now_ms >= slot->aged_ms ||
        !slot_is_ready(slot) ||
        !pond_has_stamp_of(&pool->pond, slot)) {
        return false;
    }
    slot_note_loan(slot, file, line, thread_outside_id, now_ms);
    conn->mysql = slot->handle;
    session_mark(conn->mysql);
    conn->ticket = slot_take_and_lend(slot);
    return true;
}

/* The borrower brought it back: nothing was sent, and nothing needs to be done but
 * to put it. False: see to it. Inside a section. */
static inline bool
lease_is_untouched(const dew_pool *pool, const struct slot *slot)
{
    return slot->care == 0 && pond_has_stamp_of(&pool->pond, slot) &&
           quota_is_kept(&pool->pond.quota) &&
           session_is_untouched(slot->handle);
}

/* The borrower brought back what lease_is_untouched says no of. Puts what needs
 * but little more: a sampled loan, or one that sent something under
 * DEW_RESET_NEVER; and where others wait. False: it is LEASED to the caller as it
 * was, lease_return it. Inside a section. */
bool lease_return_quickly(dew_pool *pool, struct slot *slot);

#endif
