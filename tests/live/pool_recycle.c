/* SPDX-License-Identifier: MIT */
/* Goal: sessions that were opened together do not end together, and those that
 * are used stay: no storm of reconnects, no churn. */
/* Method: a pool that is tended by hand ends so many at each tend; the lives of
 * one session after the other are timed; a frozen server shows what the keeper
 * holds while it looks. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "fixture/prompt.h"

#define MANY 40
/* Long enough to open all of them on a crowded machine. */
#define LIMIT_MS 2500
/* src/keeper/sweep.c ends no more than these at a time. */
#define AT_A_TIME 8

static struct test_server *server;

static void
borrow_and_return_all(dew_pool *pool, dew_conn *conns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)kit_borrow(pool, &conns[i]);
    }
    for (size_t i = 0; i < count; i++) {
        kit_return(&conns[i]);
    }
}

static uint64_t
retired_by_age(const dew_pool *pool)
{
    const dew_stats now = kit_stats(pool);

    return now.retired_lifetime + now.retired_idle;
}

/* All forty are due long before the first tend. */
static void
tend_until_all_are_gone(dew_pool *pool)
{
    const int64_t until_ms = kit_now_ms() + KIT_PATIENCE_MS;
    uint64_t gone = 0;
    unsigned tends_that_ended_some = 0;

    while (gone < MANY) {
        assert_true(dew_pool_tend(pool) >= 0);
        const uint64_t now = retired_by_age(pool);
        assert_in_range(now - gone, 0, AT_A_TIME);
        tends_that_ended_some += now != gone;
        gone = now;
        kit_look_again(until_ms, "all forty are gone", __FILE__, __LINE__);
    }
    assert_in_range(tends_that_ended_some, MANY / AT_A_TIME, MANY);
}

static void
open_forty_and_let_them_end(dew_config *config)
{
    dew_conn conns[MANY];

    config->flags = DEW_NO_THREADS;
    config->size = config->maxsize = MANY;
    dew_pool *const pool = kit_open(config);
    borrow_and_return_all(pool, conns, MANY);
    assert_int_equal(kit_stats(pool).conns_open, MANY);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > LIMIT_MS + 50);
    tend_until_all_are_gone(pool);
    kit_close(pool);
}

static void
sessions_that_expire_at_once_go_a_few_at_a_time(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.lifetime_ms = LIMIT_MS;
    config.lifetime_jitter_percent = DEW_ZERO;
    open_forty_and_let_them_end(&config);
}

static void
sessions_that_rested_too_long_go_a_few_at_a_time(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.idle_timeout_ms = LIMIT_MS;
    open_forty_and_let_them_end(&config);
}

static void
what_a_burst_opened_goes_long_before_the_others(void **state)
{
    enum { SIZE = 2, BURST = 6, IDLE_MS = 30000 };
    dew_conn conns[BURST];
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.size = SIZE;
    config.maxsize = BURST;
    config.burst_after_ms = 1;
    config.idle_timeout_ms = IDLE_MS;
    dew_pool *const pool = kit_open(&config);
    const int64_t since_ms = kit_now_ms();
    borrow_and_return_all(pool, conns, BURST);
    const int64_t back_ms = kit_now_ms();
    assert_int_equal(kit_stats(pool).conns_open, BURST);
    while (kit_stats(pool).retired_idle < BURST - SIZE) {
        kit_look_again(since_ms + IDLE_MS - 1000, "the burst is over",
                       __FILE__, __LINE__);
    }
    /* Not before their time, and not the ones that size allows. */
    assert_true(kit_now_ms() - since_ms >= IDLE_MS / 10);
    KIT_AWAIT(kit_now_ms() - back_ms > IDLE_MS / 5);
    assert_int_equal(kit_stats(pool).conns_open, SIZE);
    assert_int_equal(kit_stats(pool).retired_idle, BURST - SIZE);
    kit_close(pool);
}

/* From *since_ms, before its connect, to the first loan of its successor: no wait
 * of this thread's is missing in it. */
static int64_t
time_a_life(dew_pool *pool, int64_t *since_ms)
{
    dew_conn conn;

    *since_ms = kit_now_ms();
    const unsigned long id = mysql_thread_id(kit_borrow(pool, &conn));
    while (mysql_thread_id(conn.mysql) == id) {
        kit_look_again(*since_ms + KIT_PATIENCE_MS, "its life ends", __FILE__,
                       __LINE__);
        (void)kit_next(pool, &conn);
    }
    const int64_t took_ms = kit_now_ms() - *since_ms;
    assert_int_equal(dew_discard(&conn), DEW_OK);
    return took_ms;
}

static void
lives_are_of_different_lengths_and_never_longer_than_asked_for(void **state)
{
    enum { LIVES = 12, LIFETIME_MS = 200 };
    int64_t lives[LIVES], own[LIVES], shortest_ms = INT64_MAX, since_ms;
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.lifetime_ms = LIFETIME_MS;
    config.lifetime_jitter_percent = 50;
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < LIVES; i++) {
        lives[i] = time_a_life(pool, &since_ms);
        own[i] = prompt_ms(since_ms, lives[i], LIFETIME_MS + 50);
        const int64_t short_ms =
            prompt_ms(since_ms, lives[i], LIFETIME_MS - 20);
        shortest_ms = short_ms < shortest_ms ? short_ms : shortest_ms;
    }
    assert_int_equal(kit_stats(pool).retired_lifetime, LIVES);
    assert_in_range(kit_median(own, LIVES), 0, LIFETIME_MS + 50);
    assert_in_range(shortest_ms, 0, LIFETIME_MS - 20);
    (void)kit_median(lives, LIVES); /* sorts them */
    assert_true(lives[0] >= LIFETIME_MS / 2 - 20);
    assert_true(lives[LIVES - 1] - lives[0] > 20);
    kit_close(pool);
}

static void
as_many_as_are_used_together_stay_open(void **state)
{
    enum { TOGETHER = 6, ROUNDS = 50 };
    dew_conn conns[TOGETHER];
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = 2 * TOGETHER;
    dew_pool *const pool = kit_open(&config);
    for (unsigned i = 0; i < ROUNDS; i++) {
        borrow_and_return_all(pool, conns, TOGETHER);
        /* Not fewer for the keeper's look, which costs one more. */
        KIT_AWAIT(kit_stats(pool).conns_idle == TOGETHER);
    }
    assert_int_equal(kit_stats(pool).connects, TOGETHER);
    assert_int_equal(kit_stats(pool).conns_open, TOGETHER);
    kit_close(pool);
}

/* The keeper's probe hangs, but only one session hangs with it. */
static void
look_at_resting_sessions_takes_one_at_a_time(void **state)
{
    enum { RESTING = 6, LOOK_MS = 400 };
    dew_conn conns[RESTING];
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = RESTING;
    config.keepalive_ms = 100;
    config.ping_timeout_ms = 2000;
    dew_pool *const pool = kit_open(&config);
    borrow_and_return_all(pool, conns, RESTING);
    test_server_freeze(server);
    const uint64_t probes = kit_stats(pool).pings;
    KIT_AWAIT(kit_stats(pool).pings > probes);
    const int64_t since_ms = kit_now_ms();
    while (kit_now_ms() - since_ms < LOOK_MS) {
        const dew_stats now = kit_stats(pool);
        assert_in_range(now.conns_leased, 0, 1);
        /* What it found dead is gone; the others rest. */
        assert_true(now.conns_idle + now.retired_broken >= RESTING - 1);
        kit_look_again(INT64_MAX, "", __FILE__, __LINE__);
    }
    test_server_thaw(server);
    kit_close(pool);
}

/* A server that is far away, or busy: its answer comes later than any local
 * one's, and still in time. */
static void
session_that_answers_the_keeper_late_is_kept(void **state)
{
    enum { LATE_MS = 200 };
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    config.keepalive_ms = 100;
    config.ping_timeout_ms = 5000;
    dew_pool *const pool = kit_open(&config);
    borrow_and_return_all(pool, &conn, 1);
    test_server_freeze(server);
    /* The keeper has it: perhaps since before the server fell silent. */
    KIT_AWAIT(kit_stats(pool).conns_idle == 0);
    const uint64_t probes = kit_stats(pool).pings;
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > LATE_MS);
    test_server_thaw(server);
    KIT_AWAIT(kit_stats(pool).pings > probes);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    assert_int_equal(kit_stats(pool).connects, 1);
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_that_expire_at_once_go_a_few_at_a_time),
        cmocka_unit_test(sessions_that_rested_too_long_go_a_few_at_a_time),
        cmocka_unit_test(what_a_burst_opened_goes_long_before_the_others),
        cmocka_unit_test(
            lives_are_of_different_lengths_and_never_longer_than_asked_for),
        cmocka_unit_test(as_many_as_are_used_together_stay_open),
        cmocka_unit_test(look_at_resting_sessions_takes_one_at_a_time),
        cmocka_unit_test(session_that_answers_the_keeper_late_is_kept),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
