/* SPDX-License-Identifier: MIT */
/* How a soak changes the pool that is borrowed from. */
#include <stdio.h>

#include "base/clock.h"
#include "soak/soak.h"

#define WRONG_MS 300
#define CALM_AFTER_MS 1000
#define LULL_MS 2500
#define SHRINKS_MS 20000
#define SOAK_FEW 8
#define LOOK_MS 5
#define SUSPENDED_MIN_MS 20
#define SUSPENDED_MS 300

/* Both passwords are right, always: a change of them costs nobody a session. */
static const char *const passwords[] = {"app", "app2"};

void
soak_prepare_user(struct test_server *server)
{
    static const char *const hosts[] = {"localhost", "%"};

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char sql[256];

        (void)snprintf(sql, sizeof(sql),
                       "ALTER USER 'app'@'%s' IDENTIFIED VIA"
                       " mysql_native_password USING PASSWORD('%s') OR"
                       " mysql_native_password USING PASSWORD('%s')",
                       hosts[i], passwords[0], passwords[1]);
        (void)test_server_exec(server, sql);
    }
}

static void
log_in_as(struct storm *storm, const char *password)
{
    dew_error error;

    if (dew_pool_set_credentials(storm->pool, "app", password, &error) !=
        DEW_OK) {
        storm_fail(storm, "set_credentials: %s", error.message);
    }
}

static const char *
any_password(struct soak_director *director)
{
    return passwords[storm_below(&director->random, 2)];
}

static void
change_credentials(struct soak_director *director)
{
    log_in_as(director->storm, any_password(director));
}

/* Sessions are replaced as they come back, and no new one gets in. */
static void
lose_the_password(struct soak_director *director)
{
    log_in_as(director->storm, "wrong");
    storm_pause_for(director->storm, WRONG_MS);
    log_in_as(director->storm, any_password(director));
}

static void
refresh(struct soak_director *director)
{
    dew_pool_refresh(director->storm->pool);
}

/* As soon as loans return, and each of them does before long. */
static void
await_size(struct storm *storm, uint32_t maxsize)
{
    const int64_t end_ns = clock_deadline_after_ms(SHRINKS_MS);

    for (;;) {
        const dew_stats now = soak_stats(storm);

        if (now.conns_open + now.conns_opening <= maxsize ||
            storm_is_over(storm)) {
            return;
        }
        if (clock_now_ns() > end_ns) {
            storm_fail(storm, "of %u allowed %u are open and %u being opened",
                       maxsize, now.conns_open, now.conns_opening);
        }
        storm_pause_for(storm, LOOK_MS);
    }
}

/* In turn: to a few, below what is surely open, and to whatever comes. */
static void
resize(struct soak_director *director)
{
    const uint32_t top = director->resizes++ % 2 == 0 ? SOAK_FEW : SOAK_TOP;
    const uint32_t size =
        SOAK_FLOOR + storm_below(&director->random, top - SOAK_FLOOR + 1);
    const uint32_t maxsize =
        size + storm_below(&director->random, top - size + 1);
    dew_error error;

    if (dew_pool_resize(director->storm->pool, size, maxsize, &error) !=
        DEW_OK) {
        storm_fail(director->storm, "resize: %s", error.message);
        return;
    }
    await_size(director->storm, maxsize);
}

/* From the moment suspend returned nothing is lent, and returns go on. */
static void
suspend(struct soak_director *director)
{
    struct storm *const storm = director->storm;

    dew_pool_suspend(storm->pool);
    const uint64_t lent = soak_stats(storm).acquires;
    storm_pause_for(storm, SUSPENDED_MIN_MS +
                               storm_below(&director->random, SUSPENDED_MS));
    const uint64_t meanwhile = soak_stats(storm).acquires - lent;
    dew_pool_resume(storm->pool);
    if (meanwhile != 0) {
        storm_fail(storm, "%llu loans were given while the pool was suspended",
                   (unsigned long long)meanwhile);
    }
}

/* All sessions at once; not one of them ends by a fault of the pool. */
static void
kill_all(struct soak_director *director)
{
    struct storm *const storm = director->storm;

    storm_trouble_begins(storm);
    (void)test_server_kill_user(storm->server, "app");
    storm_pause_for(storm, CALM_AFTER_MS);
    storm_trouble_ends(storm);
}

/* Nobody comes, the pool shrinks to its floor, then all come at once. */
static void
lull(struct soak_director *director)
{
    struct storm *const storm = director->storm;

    if (storm_pause(storm, SOAK_REST_MS)) {
        storm_pause_for(storm, LULL_MS);
        storm_resume(storm);
    } else {
        storm_fail(storm, "the borrowers do not come to rest");
    }
}

static struct {
    const char *name;
    uint32_t weight;
    void (*act)(struct soak_director *director);
    uint32_t count;
} table[] = {
    {"changes of credentials", 3, change_credentials, 0},
    {"wrong passwords", 1, lose_the_password, 0},
    {"refreshes", 3, refresh, 0},
    {"suspensions", 3, suspend, 0},
    {"resizes", 4, resize, 0},
    {"kills of all sessions", 1, kill_all, 0},
    {"lulls", 1, lull, 0},
};
#define KINDS (sizeof(table) / sizeof(table[0]))

static size_t
draw(struct soak_director *director)
{
    uint32_t sum = 0;
    size_t i = 0;

    if (director->reshapes < KINDS) {
        return director->reshapes;
    }
    for (size_t k = 0; k < KINDS; k++) {
        sum += table[k].weight;
    }
    for (uint32_t left = storm_below(&director->random, sum);
         left >= table[i].weight; i++) {
        left -= table[i].weight;
    }
    return i;
}

void
soak_reshape(struct soak_director *director)
{
    const size_t kind = draw(director);

    director->reshapes++;
    table[kind].act(director);
    table[kind].count++;
}

const char *
soak_report_reshapes(void)
{
    const char *missing = NULL;

    (void)printf("the director:");
    for (size_t i = 0; i < KINDS; i++) {
        (void)printf(" %u %s%s", table[i].count, table[i].name,
                     i + 1 < KINDS ? "," : "\n");
        if (table[i].count == 0) {
            missing = table[i].name;
        }
    }
    return missing;
}
