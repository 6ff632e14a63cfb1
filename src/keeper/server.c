/* SPDX-License-Identifier: MIT */
/* Clamps, and the lines of the log about a server's limits. */
#include "keeper/server.h"

#include <stdio.h>

#include "base/log.h"
#include "keeper/rebirth.h"
#include "session/session.h"

#define MS_PER_S INT64_C(1000)
#define REST_MARGIN_MS (45 * MS_PER_S)

/* --- how long sessions may rest -------------------------------------------------- */

/* 0: as long as they like. */
static int64_t
rest_ms_of(int64_t wait_timeout_s)
{
    const int64_t wait_ms = wait_timeout_s * MS_PER_S;

    return wait_ms < 2 * REST_MARGIN_MS ? wait_ms / 2
                                        : wait_ms - REST_MARGIN_MS;
}

static int64_t
shorter(int64_t a, int64_t b)
{
    if (a == SETTINGS_OFF || b == SETTINGS_OFF) {
        return a == SETTINGS_OFF ? b : a;
    }
    return a < b ? a : b;
}

int64_t
server_rest_ms(const struct dew_pool *pool)
{
    /* ORDER server.1 relaxed <-> server.2: one number; who misses a new one by
     * a moment takes it at the next look. */
    const uint64_t rest = order_load_relaxed_u64(&pool->server.rest_ms);

    return rest == 0 ? SETTINGS_OFF : (int64_t)rest;
}

static int64_t
rest_limit_ms(const struct dew_pool *pool, const struct slot *slot)
{
    return shorter(slot->rest_ms == 0 ? SETTINGS_OFF : slot->rest_ms,
                   server_rest_ms(pool));
}

int64_t
server_keepalive_ms(const struct dew_pool *pool, const struct slot *slot)
{
    const int64_t own = pool->settings->keepalive_ms;

    return own == SETTINGS_OFF ? SETTINGS_OFF
                               : shorter(own, rest_limit_ms(pool, slot));
}

int64_t
server_idle_ms(const struct dew_pool *pool, const struct slot *slot)
{
    const int64_t own = pool->settings->idle_timeout_ms;

    return own == SETTINGS_OFF ? SETTINGS_OFF
                               : shorter(own, rest_limit_ms(pool, slot));
}

bool
server_ends_rest(const struct dew_pool *pool, const struct slot *slot,
                 int64_t rested_ms)
{
    const int64_t limit = rest_limit_ms(pool, slot);

    return limit != SETTINGS_OFF && rested_ms >= limit;
}

/* One field of the line, or nothing where the setting is short enough. */
static void
say_clamp(char *text, size_t size, const char *field, int64_t own, int64_t rest)
{
    text[0] = '\0';
    if (own != SETTINGS_OFF && own > rest) {
        (void)snprintf(text, size, "; %s %lld counts as %lld", field,
                       (long long)own, (long long)rest);
    }
}

static void
tell_rest(dew_pool *pool, const struct session_server *facts, int64_t rest)
{
    const struct settings *settings = pool->settings;
    char idle[80], keepalive[80];

    /* ORDER server.3 seq_cst: of those who learnt the same one tells it. */
    if (rest == 0 || order_swap_seq_u64(&pool->server.told_rest,
                                        (uint64_t)rest) == (uint64_t)rest) {
        return;
    }
    say_clamp(idle, sizeof(idle), "idle_timeout_ms", settings->idle_timeout_ms,
              rest);
    say_clamp(keepalive, sizeof(keepalive), "keepalive_ms",
              settings->keepalive_ms, rest);
    if (idle[0] != '\0' || keepalive[0] != '\0') {
        log_line(settings, LOG_WARNING,
                 "%s: the server hangs up on who rests for wait_timeout %lld "
                 "s%s%s",
                 pool->entry.name, (long long)facts->wait_timeout_s, idle,
                 keepalive);
    }
}

/* --- how many sessions fit ----------------------------------------------------------- */

/* The pools of this process that talk to one server. */
struct crowd {
    const dew_pool *self;
    uint64_t identity;
    uint64_t sum; /* of their maxsize */
    char pools[600];
    size_t used;
};

/* What a child has only inherited nobody looks at: another thread may be making
 * it its own. Then its own sessions tell. (A pool's threads may be there a moment
 * before it is.) */
static bool
is_counted(const struct crowd *crowd, const dew_pool *pool)
{
    return pool == crowd->self || pool_is_mine(pool);
}

static int
count_in(struct registry_entry *entry, void *arg)
{
    const dew_pool *other = pool_of_entry(entry);
    struct crowd *crowd = arg;

    if (!is_counted(crowd, other)) {
        return 0;
    }
    /* ORDER server.4 seq_cst <-> server.5: of two pools that open their first
     * sessions in the same moment at least one counts the other. */
    if (order_load_seq_u64(&other->server.identity) != crowd->identity) {
        return 0;
    }
    const uint32_t limit = quota_look(&other->pond.quota).limit;
    const size_t room = sizeof(crowd->pools) - crowd->used;
    const int length =
        snprintf(crowd->pools + crowd->used, room, "%s%s %u",
                 crowd->used == 0 ? "" : ", ", entry->name, limit);

    crowd->sum += limit;
    if (length > 0 && (size_t)length < room) {
        crowd->used += (size_t)length;
    }
    return 0;
}

static void
tell_crowd(dew_pool *pool, const struct session_server *facts)
{
    struct crowd crowd = {.self = pool, .identity = facts->identity};

    if (facts->identity == 0 || facts->max_connections <= 0 ||
        pool->settings->on_log == NULL) {
        return;
    }
    registry_each(count_in, &crowd);
    const bool fits = crowd.sum <= (uint64_t)facts->max_connections;
    const uint64_t news =
        fits ? 0 : crowd.sum << 32 | (uint64_t)facts->max_connections;
    /* ORDER server.6 seq_cst: as server.3. */
    if (order_swap_seq_u64(&pool->server.told_crowd, news) != news && !fits) {
        log_line(pool->settings, LOG_WARNING,
                 "%s: the pools of this process may open %llu sessions with "
                 "this server, which takes max_connections %lld: %s",
                 pool->entry.name, (unsigned long long)crowd.sum,
                 (long long)facts->max_connections, crowd.pools);
    }
}

/* --- what the server is ---------------------------------------------------------------- */

static void
introduce(dew_pool *pool, const struct session_server *facts)
{
    /* ORDER server.7 seq_cst: as server.3. */
    if (order_swap_seq_u32(&pool->server.introduced, 1) == 0) {
        log_line(pool->settings, LOG_INFO,
                 "%s: the server is %s %u.%u.%u, %s, wait_timeout %lld s, "
                 "max_connections %lld",
                 pool->entry.name, facts->is_mariadb ? "MariaDB" : "MySQL",
                 facts->version / 10000, facts->version / 100 % 100,
                 facts->version % 100,
                 facts->read_only ? "read-only" : "writable",
                 (long long)facts->wait_timeout_s,
                 (long long)facts->max_connections);
    }
}

void
server_met(struct dew_pool *pool, struct slot *slot)
{
    const struct session_server *facts = session_server(slot->session);

    slot->rest_ms = rest_ms_of(facts->wait_timeout_s);
    /* ORDER server.2 relaxed <-> server.1: see there. */
    order_store_relaxed_u64(&pool->server.rest_ms, (uint64_t)slot->rest_ms);
    /* ORDER server.5 seq_cst <-> server.4: ours is known before we count. */
    order_store_seq_u64(&pool->server.identity, facts->identity);
    introduce(pool, facts);
    tell_rest(pool, facts, slot->rest_ms);
    tell_crowd(pool, facts);
}
