/* SPDX-License-Identifier: MIT */
/* What a session needs before it is lent. */
#include "keeper/lease.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "session/session.h"

/* A borrower that does not wait still gives a reset's answer these few ms: the
 * session is idle, only its answer is on the way. */
#define PATIENCE_MS 20

static enum lease_verdict
replaced(dew_pool *pool, struct slot *slot)
{
    tally_add(&pool->pond.tallies.retired_refresh);
    slot->parting = SESSION_FAREWELL;
    return LEASE_DEAD;
}

/* Cut, not said farewell to: it may be in the middle of anything. */
static enum lease_verdict
dead(dew_pool *pool, struct slot *slot)
{
    tally_add(&pool->pond.tallies.retired_broken);
    tally_add(&pool->pond.tallies.dead_found);
    slot->parting = SESSION_CUT;
    pond_suspect(&pool->pond, slot);
    return LEASE_DEAD;
}

/* A borrower's doing: no other session is suspected for it. */
static enum lease_verdict
spoilt(dew_pool *pool, struct slot *slot)
{
    tally_add(&pool->pond.tallies.retired_broken);
    slot->parting = SESSION_FAREWELL;
    return LEASE_DEAD;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct io_limit
limit_until(int64_t deadline_ns)
{
    return (struct io_limit){deadline_ns, -1};
}

/* Whose answer does not come is late, until ping_timeout_ms after the return.
 * Once it is here the repairs behind it have the borrower's time, too: a
 * server that stops in between is not waited for beyond it. */
static enum lease_verdict
settle(dew_pool *pool, struct slot *slot, int64_t deadline_ns,
       int64_t answer_ns)
{
    const int64_t ping_ns =
        clock_deadline_after_ms(pool->settings->ping_timeout_ms);
    const struct io_limit patience = limit_until(earlier(answer_ns, ping_ns));
    const struct io_limit limit = limit_until(earlier(deadline_ns, ping_ns));
    enum session_flaw flaw = SESSION_SOUND;

    if (MUTANT(28)) { slot_set_pending(slot, false); return LEASE_FIT; }
    if (!session_wait_answer(slot->session, &patience)) {
        const int64_t rested = clock_coarse_ms() - slot_used_ms(slot);

        return rested < pool->settings->ping_timeout_ms ? LEASE_LATE
                                                        : dead(pool, slot);
    }
    if (session_settle(slot->session, pool->settings, &limit, &flaw, NULL) !=
        SESSION_AT_REST) {
        return flaw == SESSION_OTHER_ROLE ? spoilt(pool, slot)
                                          : dead(pool, slot);
    }
    slot_set_pending(slot, false);
    return LEASE_FIT;
}

static bool
is_long_idle(const dew_pool *pool, const struct slot *slot)
{
    const int64_t limit = server_keepalive_ms(pool, slot);

    return limit != SETTINGS_OFF && clock_coarse_ms() - slot->alive_ms >= limit;
}

static bool
probe(dew_pool *pool, struct slot *slot, int64_t deadline_ns)
{
    const struct io_limit limit = limit_until(earlier(
        deadline_ns, clock_deadline_after_ms(pool->settings->ping_timeout_ms)));
    enum session_flaw flaw = SESSION_SOUND;

    tally_add(&pool->pond.tallies.pings);
    if (session_probe(slot->session, pool->settings, &limit, &flaw, NULL) !=
        SESSION_AT_REST) {
        return false;
    }
    slot->alive_ms = clock_coarse_ms();
    pond_clear_suspicion(&pool->pond, slot);
    return true;
}

/* Rested for longer than bypass_ms, or suspect: a look before it is lent. */
static bool
is_alive(dew_pool *pool, struct slot *slot, int64_t deadline_ns)
{
    if (pond_is_suspect(&pool->pond, slot) || is_long_idle(pool, slot)) {
        return probe(pool, slot, deadline_ns);
    }
    return lease_is_within_bypass(pool, slot, clock_coarse_ms()) ||
           session_is_quiet(slot->session) ||
           /* Readable, but perhaps only the TLS layer spoke. */
           probe(pool, slot, deadline_ns);
}

enum lease_verdict
lease_make_ready(dew_pool *pool, struct slot *slot, int64_t deadline_ns,
                 int64_t answer_ns)
{
    const int64_t patience_ns = clock_deadline_after_ms(PATIENCE_MS);

    if (deadline_ns < patience_ns) {
        deadline_ns = patience_ns;
    }
    if (pond_is_outdated(&pool->pond, slot)) {
        return replaced(pool, slot);
    }
    if (slot_is_pending(slot)) {
        const enum lease_verdict verdict = settle(pool, slot, deadline_ns, answer_ns);

        if (verdict != LEASE_FIT) {
            return verdict;
        }
    }
    if (!is_alive(pool, slot, deadline_ns)) {
        return dead(pool, slot);
    }
    return role_is_lost(pool, slot) ? replaced(pool, slot) : LEASE_FIT;
}

bool
lease_is_gone(dew_pool *pool, struct slot *slot)
{
    return session_is_gone(slot->session) && dead(pool, slot) == LEASE_DEAD;
}

void
lease_drop(dew_pool *pool, struct slot *slot)
{
    slot_set_pending(slot, false);
    pond_retire(&pool->pond, slot);
}

void
lease_lose(dew_pool *pool, struct slot *slot)
{
    (void)dead(pool, slot);
    lease_drop(pool, slot);
}

/* Of a session's first loans all are samples. */
#define SAMPLED_FIRST 16u

/* Takes the time of the loan that begins, and says which is the next. */
static void
sample(dew_pool *pool, struct slot *slot)
{
    const uint32_t uses = slot_uses(slot);
    const int64_t now_ns = pool_now_ns(pool);

    /* Both this one and the last were of those at the same distance. */
    if (uses > SAMPLED_FIRST + SLOT_SAMPLE_OFTEN) {
        tick_sampled(pool, now_ns - slot->lent_ns);
    }
    if (uses + 1 >= SAMPLED_FIRST) {
        slot->sample_mask = tick_now_ms(&pool->tick) == TICK_OFF
                                ? SLOT_SAMPLE_OFTEN
                                : SLOT_SAMPLE_SELDOM;
    }
    cpu_ask_again();
    slot->lent_ns = now_ns;
    slot->care |= SLOT_SAMPLED;
}

void
lease_begin(dew_pool *pool, struct slot *slot, const char *file, int line,
            int64_t now_ms, dew_conn *conn)
{
    if (slot_is_sample(slot, slot_loan_of(slot_peek(slot)))) {
        sample(pool, slot);
    }
    if (now_ms >= slot->aged_ms) {
        slot->care |= SLOT_AGED;
    }
    conn->mysql = session_lend(slot->session);
    CANARY(SHARED_HANDLE, conn->mysql = session_handle(
                              extents_at(&pool->pond.slots, 0)->session));
    conn->pool = pool;
    conn->ticket =
        pond_lend(&pool->pond, slot, file, line, thread_id(), now_ms);
}
