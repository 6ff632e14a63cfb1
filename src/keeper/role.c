/* SPDX-License-Identifier: MIT */
/* Who is DEMOTED, and what becomes of sessions then. */
#include "keeper/role.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mutant.h"
#include "base/random.h"
#include "keeper/keeper.h"
#include "session/session.h"

#define DEMOTED_LIFETIME_MS 60000
#define DEMOTED_SPREAD_MS 30000

static bool
is_demoted(const dew_pool *pool)
{
    /* ORDER role.1 seq_cst <-> role.2 role.3: a hint; what hangs on it is how
     * long a session lives. */
    return order_load_seq_u32(&pool->role.demoted) != 0;
}

bool
role_is_lost(struct dew_pool *pool, const struct slot *slot)
{
    if (!session_is_demoted(slot->session)) {
        return false;
    }
    if (MUTANT(34)) { return true; }
    if (pond_outdate(&pool->pond, slot)) {
        /* ORDER role.2 seq_cst <-> role.1 role.3: told by the first of a
         * generation only. */
        order_store_seq_u32(&pool->role.demoted, 1);
        log_line(pool->settings, LOG_WARNING,
                 "%s: the server takes no writes any more: sessions that were "
                 "opened before are replaced",
                 pool->entry.name);
        keeper_hurry(pool);
    }
    return true;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void
live_shortly(struct slot *slot)
{
    slot->expires_ms =
        earlier(slot->expires_ms, clock_coarse_ms() + DEMOTED_LIFETIME_MS -
                                      (int64_t)random_below(DEMOTED_SPREAD_MS));
}

void
role_met(struct dew_pool *pool, struct slot *slot)
{
    if (!is_demoted(pool)) {
        return;
    }
    if (session_server(slot->session)->read_only) {
        live_shortly(slot);
        return;
    }
    /* ORDER role.3 seq_cst <-> role.1 role.2: one of those that arrive. */
    if (order_swap_seq_u32(&pool->role.demoted, 0) != 0) {
        (void)pond_outlive(&pool->pond, slot);
        log_line(pool->settings, LOG_WARNING,
                 "%s: a server that takes writes is back: sessions that were "
                 "opened before are replaced",
                 pool->entry.name);
        keeper_hurry(pool);
    }
}

bool
role_wants_another(struct dew_pool *pool, const struct slot *slot)
{
    return session_refused_write(slot->session) && is_demoted(pool) &&
           session_server(slot->session)->read_only &&
           seldom_may(&pool->role.refused_one, pool_now_ns(pool));
}
