/* SPDX-License-Identifier: MIT */
/* Goal: the counters say what happened, and add up. Method: do a known number
 * of each thing that is counted, and compare; a short struct is not overrun. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "fixture/relay.h"
#include "keeper/farewell.h"

static struct test_server *server;

static void
gauges_follow_what_is_lent(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn[3];
    kit_config(&config, server);
    config.size = config.maxsize = 3;
    dew_pool *const pool = kit_open(&config);
    for (uint32_t i = 0; i < 3; i++) {
        (void)kit_borrow(pool, &conn[i]);
        const dew_stats stats = kit_stats(pool);
        assert_int_equal(stats.conns_open, i + 1);
        assert_int_equal(stats.conns_leased, i + 1);
        assert_int_equal(stats.conns_idle, 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        kit_return(&conn[i]);
        assert_int_equal(kit_stats(pool).conns_leased, 2 - i);
        assert_int_equal(kit_stats(pool).conns_idle, i + 1);
    }
    assert_int_equal(kit_stats(pool).acquires, 3);
    kit_close(pool);
}

static void
each_thing_is_counted_once(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    for (int i = 0; i < 5; i++) { /* five resets: each says something */
        loan_do(kit_borrow(pool, &conn), "DO 1");
        kit_return_answered(&conn); /* nobody waits for it, and is counted */
    }
    (void)kit_borrow(pool, &conn); /* none: it said nothing */
    kit_return(&conn);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_ping(&conn, NULL), DEW_OK);
    assert_int_equal(dew_ping(&conn, NULL), DEW_OK);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    (void)kit_borrow(pool, &conn);
    mysql_close(dew_detach(&conn));
    (void)kit_borrow(pool, &conn);
    dew_conn refused;
    assert_int_equal(dew_acquire(pool, 20, &refused, NULL), DEW_ETIMEDOUT);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &refused, NULL),
                     DEW_ETIMEDOUT);
    kit_return(&conn);
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.acquires, 9);
    assert_int_equal(stats.resets, 5);
    assert_int_equal(stats.rollbacks, 0);
    assert_int_equal(stats.pings, 2);
    assert_int_equal(stats.discarded, 1);
    assert_int_equal(stats.detached, 1);
    assert_int_equal(stats.connects, 3);
    assert_int_equal(stats.connect_failures, 0);
    assert_int_equal(stats.timeouts, 2);
    /* Three who waited for a connect, and one for a return. */
    assert_int_equal(stats.waits, 4);
    assert_int_equal(stats.stale_returns, 0);
    kit_close(pool);
}

static void
rollbacks_are_counted_where_they_are_the_policy(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.reset = DEW_RESET_ROLLBACK;
    dew_pool *const pool = kit_open(&config);
    loan_do(kit_borrow(pool, &conn), "BEGIN");
    loan_do(kit_next(pool, &conn), "DO 1");
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).rollbacks, 2);
    assert_int_equal(kit_stats(pool).resets, 0);
    kit_close(pool);
}

/* A server that knows no reset is sent COM_CHANGE_USER, and waited for. */
static void
resets_that_the_return_waits_for_are_counted(void **state)
{
    (void)state;
    struct test_relay *const relay = test_relay_start(server);
    dew_config config;
    dew_conn conn;
    test_relay_set(relay, RELAY_REFUSES);
    kit_config(&config, server);
    config.unix_socket = test_relay_socket(relay);
    dew_pool *const pool = kit_open(&config);
    for (int i = 0; i < 3; i++) {
        loan_do(kit_borrow(pool, &conn), "DO 1");
        kit_return(&conn);
    }
    (void)kit_borrow(pool, &conn); /* said nothing */
    kit_return(&conn);
    assert_int_equal(test_relay_tampered(relay), 1);
    assert_int_equal(kit_stats(pool).resets, 3);
    assert_int_equal(kit_stats(pool).rollbacks, 0);
    kit_close(pool);
    test_relay_stop(relay);
}

static void
ping_that_sent_nothing_is_not_counted(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    assert_int_equal(mysql_query(mysql, "SELECT 1"), 0);
    assert_int_equal(dew_ping(&conn, NULL), DEW_EQUERY);
    assert_int_equal(kit_stats(pool).pings, 0);
    mysql_free_result(mysql_store_result(mysql));
    assert_int_equal(dew_ping(&conn, NULL), DEW_OK);
    assert_int_equal(kit_stats(pool).pings, 1);
    kit_return(&conn);
    kit_close(pool);
}

/* Every session that was opened is open, or left for a reason. */
static void
sessions_opened_are_open_or_left_for_a_reason(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.size = config.maxsize = 4;
    config.uses_max = 2;
    dew_pool *const pool = kit_open(&config);
    for (int i = 0; i < 60; i++) {
        MYSQL *const mysql = kit_borrow(pool, &conn);
        switch (i % 7) {
        case 2: assert_int_equal(dew_discard(&conn), DEW_OK); continue;
        case 4: mysql_close(dew_detach(&conn)); continue;
        case 5: loan_send(mysql, "SELECT SLEEP(0.01)"); break;
        default: loan_do(mysql, "DO 1"); break;
        }
        kit_return(&conn);
    }
    /* What was ordered may still arrive: a late answer served who ordered it. */
    dew_stats stats;
    KIT_AWAIT((stats = kit_stats(pool)).conns_opening == 0 &&
              stats.conns_open == stats.conns_idle);
    assert_int_equal(stats.acquires, 60);
    assert_int_equal(stats.connects,
                     stats.conns_open + stats.discarded +
                         stats.detached + stats.retired_lifetime +
                         stats.retired_broken + stats.retired_idle +
                         stats.retired_refresh + stats.retired_shrink);
    assert_true(stats.discarded >= 8 && stats.detached >= 8);
    assert_true(stats.retired_broken >= 8 && stats.retired_lifetime >= 1);
    kit_close(pool);
}

static void
waits_and_holds_have_their_times(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    struct kit_borrower waiter;
    kit_config(&config, server);
    config.pre_create = 1;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    kit_send_borrower(&waiter, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms >= 60);
    kit_return(&conn);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    kit_return(&waiter.conn);
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.waits, 1);
    assert_in_range(stats.wait_us_max, 59000, 5000000);
    assert_in_range(stats.hold_us_max, 59000, 5000000);
    assert_true(stats.wait_us_p50 <= stats.wait_us_p99);
    assert_true(stats.hold_us_p50 <= stats.hold_us_p99);
    assert_true(stats.wait_us_p50 >= 59000);
    kit_close(pool);
}

/* Or the server would count more of us than maxsize. It lets go when it hears
 * the goodbye; one that hears nothing is not waited for beyond the limit. */
static void
place_is_taken_until_the_server_has_let_go(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    test_server_freeze(server);
    const int64_t since_ms = kit_now_ms();
    assert_int_equal(dew_discard(&conn), DEW_OK);
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    const int64_t took_ms = kit_now_ms() - since_ms;
    test_server_thaw(server);
    assert_true(took_ms >= FAREWELL_LIMIT_MS - 1);
    kit_close(pool);
}

static void
shorter_struct_is_filled_as_far_as_it_goes(void **state)
{
    (void)state;
    dew_config config;
    dew_stats stats;
    kit_config(&config, server);
    config.pre_create = 1;
    dew_pool *const pool = kit_open(&config);
    memset(&stats, 0xee, sizeof stats);
    stats.struct_size = (uint32_t)offsetof(dew_stats, conns_leased);
    dew_stats_read(pool, &stats);
    assert_int_equal(stats.conns_open, 1);
    assert_int_equal(stats.conns_idle, 1);
    assert_int_equal(stats.conns_leased, 0xeeeeeeee);
    assert_int_equal(stats.struct_size, offsetof(dew_stats, conns_leased));
    kit_close(pool);
}

/* A program that was compiled with the header before nested_waits, and one
 * with the header of a later version. */
static void
older_and_newer_structs_are_filled_as_far_as_both_know_them(void **state)
{
    (void)state;
    dew_config config;
    dew_conn held, second;
    struct {
        dew_stats known;
        uint64_t later;
    } stats;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &held);
    assert_int_equal(dew_acquire(pool, 1, &second, NULL), DEW_ETIMEDOUT);
    memset(&stats, 0xee, sizeof stats);
    stats.known.struct_size = (uint32_t)offsetof(dew_stats, nested_waits);
    dew_stats_read(pool, &stats.known);
    assert_int_equal(stats.known.timeouts, 1);
    assert_true(stats.known.nested_waits == UINT64_C(0xeeeeeeeeeeeeeeee));
    stats.known.struct_size = (uint32_t)sizeof stats;
    dew_stats_read(pool, &stats.known);
    assert_int_equal(stats.known.struct_size, sizeof stats);
    assert_int_equal(stats.known.nested_waits, 1);
    assert_true(stats.later == UINT64_C(0xeeeeeeeeeeeeeeee));
    kit_return(&held);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(gauges_follow_what_is_lent),
        cmocka_unit_test(each_thing_is_counted_once),
        cmocka_unit_test(rollbacks_are_counted_where_they_are_the_policy),
        cmocka_unit_test(resets_that_the_return_waits_for_are_counted),
        cmocka_unit_test(ping_that_sent_nothing_is_not_counted),
        cmocka_unit_test(sessions_opened_are_open_or_left_for_a_reason),
        cmocka_unit_test(waits_and_holds_have_their_times),
        cmocka_unit_test(place_is_taken_until_the_server_has_let_go),
        cmocka_unit_test(shorter_struct_is_filled_as_far_as_it_goes),
        cmocka_unit_test(
            older_and_newer_structs_are_filled_as_far_as_both_know_them),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
