/* SPDX-License-Identifier: MIT */
/* Pools on a server that has stopped: the times that must be kept. */
#ifndef DEWPOND_TEST_POOL_FROZEN_H
#define DEWPOND_TEST_POOL_FROZEN_H

#include "fixture/pool_kit.h"
#include "fixture/prompt.h"

#define TRIES 3
#define DEADLINE_MS 200
/* What the issue allows, in the middle of the tries; and in each of them,
 * for this machine's sake. */
#define LATE_MS 50
#define LATE_ONCE_MS 250
/* A close says goodbye for a bounded time, whatever the server does. */
#define CLOSE_MS 2000

static struct test_server *server;

static inline void
config_for(dew_config *config)
{
    kit_config(config, server);
    config->idle_timeout_ms = DEW_OFF; /* no sweep that is early */
    config->fail_fast_after_ms = DEW_OFF;
}

/* One acquire that cannot succeed. */
static inline int64_t
time_of_a_vain_acquire(dew_pool *pool)
{
    dew_conn conn;
    dew_error error;
    const int64_t since_ms = kit_now_ms();
    const dew_code code = dew_acquire(pool, DEADLINE_MS, &conn, &error);
    const int64_t took_ms =
        prompt_ms(since_ms, kit_now_ms() - since_ms, DEADLINE_MS + LATE_MS);
    assert_true(code == DEW_ETIMEDOUT || code == DEW_ECONNECT);
    assert_null(conn.mysql);
    return took_ms;
}

static inline void
keeps_the_deadline(int64_t times[TRIES])
{
    const int64_t middle = kit_median(times, TRIES);
    print_message("%lld ms, at most %lld ms\n", (long long)middle,
                  (long long)times[TRIES - 1]);
    assert_in_range(middle, DEADLINE_MS - 1, DEADLINE_MS + LATE_MS);
    assert_in_range(times[TRIES - 1], 0, DEADLINE_MS + LATE_ONCE_MS);
}

/* With the server stopped: at once; afterwards nothing of it is left there. */
static inline int64_t
close_frozen_then_thaw(dew_pool *pool)
{
    const int64_t since_ms = kit_now_ms();
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_OK);
    const int64_t took_ms = kit_now_ms() - since_ms;
    test_server_thaw(server);
    assert_in_range(prompt_ms(since_ms, took_ms, CLOSE_MS), 0, CLOSE_MS);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
    return took_ms;
}

static inline void
works_again(dew_pool *pool)
{
    dew_conn conn;
    for (int i = 0; i < 3; i++) {
        kit_answers_are_its_own(kit_borrow(pool, &conn));
        kit_return(&conn);
    }
    kit_close(pool);
}

/* Tries it on a new pool each time: `prepare` ends with the server stopped. */
static inline void
try_each(const dew_config *config, void (*prepare)(dew_pool *pool))
{
    int64_t times[TRIES];
    for (size_t i = 0; i < TRIES; i++) {
        dew_pool *const pool = kit_open(config);
        prepare(pool);
        times[i] = time_of_a_vain_acquire(pool);
        if (i == 0) {
            (void)close_frozen_then_thaw(pool);
        } else {
            test_server_thaw(server);
            works_again(pool);
        }
    }
    keeps_the_deadline(times);
}

/* Whatever became of a test, the next one finds the server running. */
static inline int
thaw(void **state)
{
    (void)state;
    test_server_thaw(server);
    return 0;
}

#define FROZEN(test) cmocka_unit_test_teardown(test, thaw)

#endif
