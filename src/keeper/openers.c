/* SPDX-License-Identifier: MIT */
/* Opener threads: take an order, connect, bring the session to the pond. */
#include "keeper/openers.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "base/log.h"
#include "base/random.h"
#include "base/reclaim.h"
#include "base/thread.h"
#include "keeper/keeper.h"
#include "keeper/lease.h"
#include "session/session.h"

static int64_t
expiry_ms(const struct settings *settings)
{
    if (settings->lifetime_ms == SETTINGS_OFF) {
        return CLOCK_NEVER;
    }
    /* Downwards, so that lifetime_ms is a promise; spread, so that sessions
     * that were opened together do not go together. */
    const uint64_t spread = (uint64_t)settings->lifetime_ms *
                            settings->lifetime_jitter_percent / 100;

    return clock_coarse_ms() + settings->lifetime_ms -
           (int64_t)random_below(spread + 1);
}

static void
furnish(const dew_pool *pool, struct slot *slot, struct session *session)
{
    const struct settings *settings = pool->settings;

    slot->session = session;
    slot->handle = session_handle(session);
    slot_begin_uses(slot);
    slot->expires_ms = expiry_ms(settings);
    slot->aged_ms = slot->expires_ms == CLOCK_NEVER
                        ? CLOCK_NEVER
                        : slot->expires_ms - LEASE_LAST_MS;
    slot->sample_mask = SLOT_SAMPLE_ALL;
    slot->care = settings->uses_max != SETTINGS_OFF ||
                         settings->reset == DEW_RESET_ALWAYS
                     ? SLOT_POLICY
                     : 0;
    slot_comes_to_rest(slot, clock_coarse_ms());
    slot->parting = SESSION_FAREWELL;
    slot_note_socket(slot, session_socket(session),
                     session_socket_identity(session));
    slot_note_server_thread(slot, session_server_thread(session));
}

/* The first failure is news. */
static enum log_level
level_of(bool known)
{
    return known ? LOG_DEBUG : LOG_WARNING;
}

/* A failure is the breaker's business, but for two: a borrower's time that ran
 * out tells nothing of the server, and what failed with older credentials
 * nothing of the new ones: the breaker itself looks, when it is told. */
static void
tell_failure(dew_pool *pool, uint64_t begun, const dew_error *why,
             bool out_of_patience)
{
    dew_error before;
    int64_t age_ms;
    const bool known =
        breaker_error(&pool->breaker, pool_now_ns(pool), &before, &age_ms);

    tally_add(&pool->pond.tallies.connect_failures);
    log_line(pool->settings, level_of(known), "%s: connect failed: %s",
             pool->entry.name, why->message);
    if (!out_of_patience) {
        race_point("opener.failed");
        breaker_failed(&pool->breaker, begun, why, pool_now_ns(pool));
        keeper_apply(pool);
    }
}

static bool
connect_slot(dew_pool *pool, struct slot *slot, uint64_t begun,
             int64_t deadline_ns, dew_error *error)
{
    /* Before anything that may change while it is used: the session is outdated
     * then. In the other order it could keep old credentials for good. */
    pond_stamp(&pool->pond, slot);
    race_point("opener.stamped");
    struct credentials_snapshot *held = credentials_hold(&pool->credentials);
    const struct settings *settings =
        held != NULL ? held->settings : pool->settings;
    struct io_limit limit = {
        clock_deadline_after_ms(settings->connect_timeout_ms),
        pool->openers.cancel.fd};
    struct session *session = NULL;
    bool impatient = false;
    dew_error why = {.code = DEW_OK};

    if (deadline_ns < limit.deadline_ns) {
        limit.deadline_ns = deadline_ns;
        impatient = true;
    }
    slot->opened_ns = pool_now_ns(pool);
    const dew_code code = session_open_among(
        &session, pool->lore, settings, &limit, &why);
    if (MUTANT(27)) { pond_stamp(&pool->pond, slot); }
    credentials_drop(&pool->credentials, held);
    if (code == DEW_OK) {
        tally_add(&pool->pond.tallies.connects);
        furnish(pool, slot, session);
        server_met(pool, slot);
        role_met(pool, slot);
        if (breaker_succeeded(&pool->breaker)) {
            keeper_apply(pool);
        }
        return true;
    }
    if (!pond_has(&pool->pond, POND_CLOSING)) {
        tell_failure(pool, begun, &why,
                     impatient && pool_now_ns(pool) >= deadline_ns);
    }
    *error = why;
    return false;
}

bool
opener_connect(dew_pool *pool, struct slot *slot, int64_t deadline_ns,
               dew_error *error)
{
    const uint64_t begun = breaker_try_begins(&pool->breaker);
    const bool opened = connect_slot(pool, slot, begun, deadline_ns, error);

    breaker_try_ends(&pool->breaker);
    return opened;
}

void
openers_open_here(dew_pool *pool)
{
    struct slot *slot;
    dew_error error;

    while ((slot = keeper_order_own(pool)) != NULL) {
        if (!opener_connect(pool, slot, CLOCK_NEVER, &error)) {
            if (MUTANT(20)) { return; }
            pond_open_failed(&pool->pond, slot);
            return;
        }
        reclaim_read_begin();
        pond_opened(&pool->pond, slot);
        reclaim_read_end();
    }
}

/* The next place that the keeper's floor wants is this opener's own, unless
 * others wait for theirs. A thousand sessions need no word to the keeper, or to
 * who waits for the last of them, at each of the others. */
static struct slot *
next_of_floor(dew_pool *pool)
{
    return stack_any(&pool->pond.orders) ? NULL : keeper_order_own(pool);
}

/* Returns the place that is to be filled next, or NULL: look for an order. */
static struct slot *
open_ordered(dew_pool *pool, struct slot *slot)
{
    dew_error error;
    struct slot *next = NULL;
    const bool opened = !pond_has(&pool->pond, POND_CLOSING) &&
                        opener_connect(pool, slot, CLOCK_NEVER, &error);

    race_point("opener.done");
    reclaim_read_begin();
    if (opened) {
        pond_opened(&pool->pond, slot);
        next = next_of_floor(pool);
    } else {
        pond_open_failed(&pool->pond, slot);
    }
    if (next == NULL) {
        bell_ring_all(&pool->progress);
        /* The keeper may fill up only now: its place in the window is free. */
        poll_bell_ring(&pool->work);
    }
    reclaim_read_end();
    return next;
}

static void *
opener_main(void *arg)
{
    dew_pool *pool = arg;
    struct slot *slot = NULL;

    /* Connector/C sleeps for a microsecond in each connect to a unix socket. */
    thread_is_prompt();
    for (;;) {
        const uint32_t seen = bell_look(&pool->openers.bell);

        if (slot == NULL) {
            slot = pond_next_order(&pool->pond);
        }
        if (slot != NULL) {
            slot = open_ordered(pool, slot);
        } else if (keeper_is_stopping(pool)) {
            return NULL;
        } else {
            bell_wait(&pool->openers.bell, seen, CLOCK_NEVER);
        }
    }
}

/* Orders stay; the keeper tries again. Without any opener nothing can be
 * opened: that counts as a failing connect, so that nobody waits in vain. */
static void
report_no_thread(dew_pool *pool, int failed)
{
    dew_error error = {.code = DEW_OK};

    (void)error_system(&error, DEW_STAGE_CONNECT, failed,
                       "an opener thread cannot be started");
    /* It is tried ten times a second. */
    if (seldom_may(&pool->openers.thread_line, pool_now_ns(pool))) {
        log_line(pool->settings, LOG_ERROR, "%s: %s", pool->entry.name,
                 error.message);
    }
    if (pool->openers.started == 0) {
        breaker_failed(&pool->breaker, BREAKER_NO_TRY, &error,
                       pool_now_ns(pool));
        keeper_apply(pool);
        bell_ring_all(&pool->progress);
    }
}

void
openers_grow(dew_pool *pool)
{
    struct openers *openers = &pool->openers;

    while (openers->started < pool->settings->connects_max &&
           openers->started < pond_openings(&pool->pond)) {
        const int failed = thread_start(&openers->threads[openers->started],
                                        "dew-opener", opener_main, pool);
        if (failed != 0) {
            report_no_thread(pool, failed);
            return;
        }
        openers->started++;
    }
}

void
openers_join(dew_pool *pool)
{
    struct openers *openers = &pool->openers;

    bell_ring_all(&openers->bell);
    while (openers->started > 0) {
        (void)pthread_join(openers->threads[--openers->started], NULL);
    }
}
