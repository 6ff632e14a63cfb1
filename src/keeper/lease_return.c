/* SPDX-License-Identifier: MIT */
/* What becomes of a session that its borrower brings back. */
#include "base/clock.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "keeper/deadline.h"
#include "keeper/lease.h"
#include "session/session.h"

/* A return drains what is already on its way, not more. */
#define DRAIN_LIMIT_MS 100
/* A KILL that is on its way is confirmed by then, or the session is not used
 * again. */
#define KILL_LIMIT_MS 20
#define NS_PER_US 1000

static void
record_hold(dew_pool *pool, struct slot *slot)
{
    if ((slot->care & SLOT_SAMPLED) != 0) {
        const int64_t held = pool_now_ns(pool) - slot->lent_ns;

        slot->care &= ~(uint32_t)SLOT_SAMPLED;
        tally_record(&pool->pond.tallies.hold_us, (uint64_t)(held / NS_PER_US));
    }
}

bool
lease_return_quickly(dew_pool *pool, struct slot *slot)
{
    const struct settings *settings = pool->settings;

    if ((slot->care & ~(uint32_t)SLOT_SAMPLED) != 0 ||
        pond_is_outdated(&pool->pond, slot) ||
        quota_has_excess(&pool->pond.quota) ||
        !(session_is_untouched(slot->handle) ||
          session_rests(slot->session, settings))) {
        return false;
    }
    record_hold(pool, slot);
    pond_put_staying(&pool->pond, slot);
    return true;
}

static bool
is_worn_out(const dew_pool *pool, const struct slot *slot)
{
    return pool->settings->uses_max != SETTINGS_OFF &&
           slot_uses(slot) >= pool->settings->uses_max;
}

/* NULL: it may rest. Otherwise the tally of the reason. */
static order_u64 *
reason_to_retire(dew_pool *pool, const struct slot *slot)
{
    struct tallies *tallies = &pool->pond.tallies;

    if (pond_is_outdated(&pool->pond, slot) ||
        role_wants_another(pool, slot)) {
        return &tallies->retired_refresh;
    }
    if (slot_used_ms(slot) >= slot->expires_ms || is_worn_out(pool, slot)) {
        return &tallies->retired_lifetime;
    }
    return NULL;
}

/* A session was given up in the section that is open: ends it. Without threads
 * no keeper comes for it, and somebody may be waiting for its place. */
static void
leave(dew_pool *pool)
{
    if (pool->threaded) {
        reclaim_read_end();
        return;
    }
    pond_guest_comes(&pool->pond);
    reclaim_read_end();
    farewell_now(&pool->pond);
    reclaim_read_begin();
    pond_guest_goes(&pool->pond);
    reclaim_read_end();
}

static void
retire(dew_pool *pool, struct slot *slot, enum session_parting parting)
{
    slot->parting = (uint32_t)parting;
    reclaim_read_begin();
    lease_drop(pool, slot);
    leave(pool);
}

static void
rest(dew_pool *pool, struct slot *slot, bool pending)
{
    order_u64 *reason = reason_to_retire(pool, slot);

    if (reason != NULL) {
        tally_add(reason);
        retire(pool, slot, SESSION_FAREWELL);
        return;
    }
    if (MUTANT(29)) { pending = false; }
    slot_set_pending(slot, pending);
    reclaim_read_begin();
    if (pond_put(&pool->pond, slot)) {
        reclaim_read_end();
    } else {
        leave(pool);
    }
}

static void
count_clean_up(dew_pool *pool, const struct slot *slot)
{
    struct tallies *tallies = &pool->pond.tallies;

    if (session_sent_clean_up(slot->session)) {
        tally_add(pool->settings->reset == DEW_RESET_ROLLBACK
                      ? &tallies->rollbacks
                      : &tallies->resets);
    }
}

/* True: no KILL can hit the next borrower. */
static bool
deadline_is_over(struct slot *slot)
{
    const bool over = deadline_end(slot->deadline, KILL_LIMIT_MS);

    slot->deadline = NULL;
    slot->care &= ~(uint32_t)SLOT_DEADLINE;
    return over;
}

/* What its borrower made of it is his affair; what died on him, perhaps others
 * died of, too. */
static void
lose(dew_pool *pool, struct slot *slot, bool is_dead)
{
    tally_add(&pool->pond.tallies.retired_broken);
    if (is_dead) {
        pond_suspect(&pool->pond, slot);
    }
    retire(pool, slot, is_dead ? SESSION_CUT : SESSION_FAREWELL);
}

void
lease_return(dew_pool *pool, struct slot *slot)
{
    const struct io_limit limit = {clock_deadline_after_ms(DRAIN_LIMIT_MS), -1};
    enum session_flaw flaw = SESSION_SOUND;

    record_hold(pool, slot);
    if (!deadline_is_over(slot)) {
        tally_add(&pool->pond.tallies.retired_broken);
        retire(pool, slot, SESSION_CUT);
        return;
    }
    const enum session_state state =
        session_give_back(slot->session, pool->settings, &limit, &flaw);
    count_clean_up(pool, slot);
    slot_comes_to_rest(slot, clock_coarse_ms());
    switch (state) {
    case SESSION_AT_REST: rest(pool, slot, false); break;
    case SESSION_PENDING: rest(pool, slot, true); break;
    case SESSION_BROKEN: lose(pool, slot, flaw == SESSION_DEAD); break;
    }
}

void
lease_discard(dew_pool *pool, struct slot *slot)
{
    record_hold(pool, slot);
    (void)deadline_is_over(slot);
    tally_add(&pool->pond.tallies.discarded);
    session_cut_off(slot->session);
    retire(pool, slot, SESSION_FAREWELL);
}

MYSQL *
lease_give_away(dew_pool *pool, struct slot *slot)
{
    record_hold(pool, slot);
    (void)deadline_is_over(slot);
    tally_add(&pool->pond.tallies.detached);
    MYSQL *mysql = session_detach(slot->session);
    slot->session = NULL;
    slot->handle = NULL;
    reclaim_read_begin();
    pond_forsake(&pool->pond, slot);
    reclaim_read_end();
    return mysql;
}
