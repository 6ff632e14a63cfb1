/* SPDX-License-Identifier: MIT */
/* Goal: where much is lent the pool's own clock ticks, a borrow asks nobody for
 * the time, and nothing that a borrow must see to is passed over for that.
 * Method: sessions go out and come back until it ticks; then each reason there
 * is not to lend the session at hand as it is. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "keeper/pool.h"

static struct test_server *server;

/* The one session of the pools here. */
static struct slot *
only_slot(dew_pool *pool)
{
    for (uint32_t i = 0; i < pond_slot_count(&pool->pond); i++) {
        struct slot *slot = extents_at(&pool->pond.slots, i);

        if (slot_state_of(slot_peek(slot)) != SLOT_VACANT) {
            return slot;
        }
    }
    fail_msg("the pool has no session");
    return NULL;
}

static void
lend_once(dew_pool *pool)
{
    dew_conn conn;

    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
}

/* As a busy server does: what is awaited is looked at now and then. */
static void
lend_often(dew_pool *pool)
{
    for (int i = 0; i < 1000; i++) {
        lend_once(pool);
    }
}

static void
until_it_ticks(dew_pool *pool)
{
    KIT_AWAIT((lend_often(pool), tick_now_ms(&pool->tick) != TICK_OFF));
}

/* What it tells; nothing while the keeper is at work. */
static int64_t
told_ms(dew_pool *pool)
{
    int64_t now_ms;

    KIT_AWAIT((lend_often(pool),
               (now_ms = tick_now_ms(&pool->tick)) != TICK_OFF));
    return now_ms;
}

static dew_pool *
open_ticking(dew_config *config)
{
    config->size = config->maxsize = 1;
    dew_pool *const pool = kit_open(config);

    until_it_ticks(pool);
    return pool;
}

static dew_pool *
open_plainly(void)
{
    dew_config config;

    kit_config(&config, server);
    return open_ticking(&config);
}

static void
it_ticks_while_much_is_lent_and_no_longer(void **state)
{
    (void)state;
    dew_pool *const pool = open_plainly();
    const int64_t first_ms = told_ms(pool);
    int64_t last_ms;

    KIT_AWAIT((last_ms = told_ms(pool)) > first_ms + 100);
    const int64_t late_ms = kit_now_ms() - last_ms;
    assert_in_range(late_ms + 2000, 0, 4000);
    KIT_AWAIT(tick_now_ms(&pool->tick) == TICK_OFF);
    until_it_ticks(pool);
    kit_close(pool);
}

static void
a_pool_that_is_used_now_and_then_does_not_tick(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);

    for (int i = 0; i < 100; i++) {
        const int64_t since_ms = kit_now_ms();

        lend_once(pool);
        KIT_AWAIT(kit_now_ms() - since_ms > 2);
    }
    assert_int_equal(tick_now_ms(&pool->tick), TICK_OFF);
    kit_close(pool);
}

static void
what_a_refresh_outdated_is_not_lent(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_plainly();

    dew_pool_refresh(pool);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(kit_stats(pool).connects, 2);
    kit_return(&conn);
    kit_close(pool);
}

static void
what_a_refresh_outdated_goes_with_its_return(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_plainly();

    (void)kit_borrow(pool, &conn);
    dew_pool_refresh(pool);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_refresh, 1);
    kit_close(pool);
}

static void
what_is_suspect_is_asked_first(void **state)
{
    (void)state;
    dew_pool *const pool = open_plainly();
    const uint64_t before = kit_stats(pool).pings;

    pond_suspect(&pool->pond, only_slot(pool));
    lend_once(pool);
    assert_int_equal(kit_stats(pool).pings, before + 1);
    lend_once(pool);
    assert_int_equal(kit_stats(pool).pings, before + 1);
    kit_close(pool);
}

static void
a_suspended_pool_lends_nothing(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_plainly();

    dew_pool_suspend(pool);
    assert_int_not_equal(dew_acquire(pool, 0, &conn, NULL), DEW_OK);
    dew_pool_resume(pool);
    lend_once(pool);
    kit_close(pool);
}

static void
the_answer_to_a_reset_is_read_before(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_plainly();

    for (int i = 0; i < 3; i++) {
        kit_answers_are_its_own(kit_borrow(pool, &conn));
        kit_return(&conn);
    }
    kit_close(pool);
}

static bool
has_variable(MYSQL *mysql)
{
    assert_int_equal(mysql_query(mysql, "SELECT @left IS NOT NULL"), 0);
    MYSQL_RES *const result = mysql_store_result(mysql);
    assert_non_null(result);
    const bool has = mysql_fetch_row(result)[0][0] == '1';
    mysql_free_result(result);
    return has;
}

static void
nothing_of_a_loan_is_left_to_the_next(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_plainly();
    MYSQL *mysql = kit_borrow(pool, &conn);

    assert_int_equal(mysql_query(mysql, "SET @left = 1"), 0);
    assert_true(has_variable(mysql));
    kit_return(&conn);
    assert_false(has_variable(kit_borrow(pool, &conn)));
    kit_return(&conn);
    kit_close(pool);
}

static void
what_is_too_many_after_a_shrink_goes_with_its_return(void **state)
{
    (void)state;
    dew_config config;
    dew_conn first, second;
    kit_config(&config, server);
    config.size = config.maxsize = 2;
    dew_pool *const pool = kit_open(&config);

    until_it_ticks(pool);
    (void)kit_borrow(pool, &first);
    (void)kit_borrow(pool, &second);
    assert_int_equal(dew_pool_resize(pool, 1, 1, NULL), DEW_OK);
    kit_return(&first);
    assert_int_equal(kit_stats(pool).retired_shrink, 1);
    kit_return(&second);
    kit_close(pool);
}

/* Killed while it rests: nobody but a look can tell. */
static void
what_rested_for_long_is_looked_at(void **state)
{
    enum { BYPASS_MS = 100 };

    (void)state;
    dew_config config;
    dew_conn conn;
    int64_t rested_ms, ticked_ms;
    kit_config(&config, server);
    config.bypass_ms = BYPASS_MS;
    dew_pool *const pool = open_ticking(&config);
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));

    kit_return(&conn);
    do {
        until_it_ticks(pool);
        rested_ms = kit_now_ms();
        KIT_AWAIT(kit_now_ms() - rested_ms > 2 * BYPASS_MS);
        ticked_ms = tick_now_ms(&pool->tick);
    } while (ticked_ms < rested_ms + BYPASS_MS);
    kit_kill(server, id);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    assert_int_equal(tally_read(&pool->pond.tallies.dead_found), 1);
    kit_return(&conn);
    kit_close(pool);
}

/* Its end comes nearer than was said, which its holder may do. */
static void
a_session_at_its_end_goes_with_the_loan(void **state)
{
    enum { LEFT_MS = 300 };

    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_plainly();
    struct slot *const slot = only_slot(pool);

    (void)kit_borrow(pool, &conn);
    slot->expires_ms = clock_coarse_ms() + LEFT_MS;
    slot->aged_ms = 0;
    kit_return(&conn);
    (void)kit_borrow(pool, &conn);
    KIT_AWAIT(clock_coarse_ms() > slot->expires_ms);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_lifetime, 1);
    kit_close(pool);
}

/* Lends the only session and returns it. True: that loan was timed. */
static bool
lend_and_tell(dew_pool *pool)
{
    const struct slot *const slot = only_slot(pool);
    dew_conn conn;

    (void)kit_borrow(pool, &conn);
    const bool is_timed = (slot->care & SLOT_SAMPLED) != 0;
    kit_return(&conn);
    return is_timed;
}

static void
one_loan_in_64_is_timed_and_the_first_16_are(void **state)
{
    enum { FIRST = 16, EVERY = 64, LOANS = 20 * EVERY };

    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = 1;
    config.flags = DEW_NO_THREADS; /* nobody ticks */
    dew_pool *const pool = kit_open(&config);
    int timed = 0, last = 0;

    for (int i = 0; i < LOANS; i++) {
        const bool is_timed = lend_and_tell(pool);
        assert_true(i >= FIRST || is_timed);
        if (is_timed && timed > FIRST) {
            assert_int_equal(i - last, EVERY);
        }
        last = is_timed ? i : last;
        timed += is_timed;
    }
    assert_int_equal(timed, FIRST + LOANS / EVERY);
    kit_close(pool);
}

static void
where_much_is_lent_one_loan_in_1024_is_timed(void **state)
{
    enum { EVERY = 1024 };

    (void)state;
    dew_pool *const pool = open_plainly();
    const struct slot *const slot = only_slot(pool);
    int loans, since;

    do { /* until no pause of the keeper's came between */
        KIT_AWAIT((lend_often(pool), slot->sample_mask == SLOT_SAMPLE_SELDOM));
        for (loans = 0; !lend_and_tell(pool); loans++) {
            assert_in_range(loans, 0, EVERY);
        }
        for (since = 1; !lend_and_tell(pool); since++) {
        }
    } while (since != EVERY);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ticks_while_much_is_lent_and_no_longer),
        cmocka_unit_test(a_pool_that_is_used_now_and_then_does_not_tick),
        cmocka_unit_test(what_a_refresh_outdated_is_not_lent),
        cmocka_unit_test(what_a_refresh_outdated_goes_with_its_return),
        cmocka_unit_test(what_is_suspect_is_asked_first),
        cmocka_unit_test(a_suspended_pool_lends_nothing),
        cmocka_unit_test(the_answer_to_a_reset_is_read_before),
        cmocka_unit_test(nothing_of_a_loan_is_left_to_the_next),
        cmocka_unit_test(what_is_too_many_after_a_shrink_goes_with_its_return),
        cmocka_unit_test(what_rested_for_long_is_looked_at),
        cmocka_unit_test(a_session_at_its_end_goes_with_the_loan),
        cmocka_unit_test(one_loan_in_64_is_timed_and_the_first_16_are),
        cmocka_unit_test(where_much_is_lent_one_loan_in_1024_is_timed),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
