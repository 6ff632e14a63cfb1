/* SPDX-License-Identifier: MIT */
/* Goal: sessions with a server that stops taking writes are replaced once,
 * whoever notices, and those of a server that never took any are left alone.
 * Method: SET GLOBAL read_only on a real server, borrowers that try to write,
 * and the pool's epoch, which moves once for each change. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/journal.h"
#include "fixture/pool_kit.h"
#include "keeper/pool.h"

#define REFUSED 1290u
#define REFUSED_BY_TRANSACTION 1792u
#define WRITE "UPDATE a SET v = 'x' WHERE id = 1"

static struct test_server *server;
static struct journal journal;

static void
set_read_only(bool on)
{
    assert_int_equal(test_server_exec(server, on ? "SET GLOBAL read_only = 1"
                                                 : "SET GLOBAL read_only = 0"),
                     0);
}

static int
make_writable(void **state)
{
    (void)state;
    set_read_only(false);
    return 0;
}

static dew_pool *
open_pool(uint32_t size, dew_reset reset)
{
    dew_config config;
    kit_config(&config, server);
    journal_begin(&journal);
    config.size = config.maxsize = config.pre_create = size;
    config.reset = reset;
    config.on_log = journal_write;
    config.on_log_arg = &journal;
    return kit_open(&config);
}

static uint64_t
epoch(dew_pool *pool)
{
    return order_load_seq_u64(&pool->pond.stamp) >> POND_EPOCH_SHIFT;
}

/* What the server says to a write, 0 when it takes it. */
static unsigned
write_with(MYSQL *mysql)
{
    return mysql_query(mysql, WRITE) == 0 ? 0 : mysql_errno(mysql);
}

static unsigned
borrow_and_write(dew_pool *pool)
{
    dew_conn conn;
    const unsigned number = write_with(kit_borrow(pool, &conn));
    kit_return(&conn);
    return number;
}

static void
refused_write_replaces_all_sessions_once(void **state)
{
    enum { SIZE = 4 };
    (void)state;
    dew_conn conn[SIZE];
    dew_pool *const pool = open_pool(SIZE, DEW_RESET_AUTO);
    const uint64_t before = epoch(pool);
    assert_int_equal(borrow_and_write(pool), 0);
    for (size_t i = 0; i < SIZE; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    set_read_only(true);
    for (size_t i = 0; i < SIZE; i++) { /* all of them notice */
        assert_int_equal(write_with(conn[i].mysql), REFUSED);
    }
    for (size_t i = 0; i < SIZE; i++) {
        kit_return(&conn[i]);
    }
    KIT_AWAIT(kit_stats(pool).retired_refresh == SIZE);
    KIT_AWAIT(kit_stats(pool).conns_idle == SIZE);
    assert_int_equal(epoch(pool), before + 1);
    assert_int_equal(kit_stats(pool).connects, 2 * SIZE);
    assert_int_equal(journal_warnings(&journal, "takes no writes"), 1);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    kit_close(pool);
}

/* ROLLBACK wipes the error from the handle. */
static void
role_is_noticed_without_an_error_to_be_seen(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool(1, DEW_RESET_AUTO);
    const uint64_t before = epoch(pool);
    set_read_only(true);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    assert_int_equal(write_with(mysql), REFUSED);
    loan_do(mysql, "ROLLBACK");
    do {
        loan_do(conn.mysql, "DO 1");
        (void)kit_next(pool, &conn);
    } while (epoch(pool) == before);
    kit_return(&conn);
    assert_int_equal(epoch(pool), before + 1);
    kit_close(pool);
}

static void
role_is_noticed_where_nothing_is_cleaned(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(1, DEW_RESET_NEVER);
    const uint64_t before = epoch(pool);
    set_read_only(true);
    assert_int_equal(borrow_and_write(pool), REFUSED);
    KIT_AWAIT(epoch(pool) == before + 1);
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    kit_close(pool);
}

static void
transaction_that_may_only_read_is_no_change_of_the_server(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool(1, DEW_RESET_AUTO);
    const uint64_t before = epoch(pool);
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    loan_do(conn.mysql, "START TRANSACTION READ ONLY");
    assert_int_equal(write_with(conn.mysql), REFUSED_BY_TRANSACTION);
    assert_int_equal(kit_server_id(kit_next(pool, &conn)), id);
    assert_int_equal(epoch(pool), before);
    kit_return(&conn);
    kit_close(pool);
}

static void
pool_of_a_replica_is_left_alone(void **state)
{
    (void)state;
    set_read_only(true);
    dew_pool *const pool = open_pool(2, DEW_RESET_AUTO);
    const uint64_t before = epoch(pool);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(borrow_and_write(pool), REFUSED);
    }
    const uint64_t pings = kit_stats(pool).pings;
    assert_int_equal(pings, 0);
    assert_int_equal(epoch(pool), before);
    assert_int_equal(kit_stats(pool).connects, 2);
    assert_int_equal(journal_warnings(&journal, ""), 0);
    kit_close(pool);
}

static void
first_session_that_can_write_again_ends_it_for_all(void **state)
{
    enum { SIZE = 3 };
    (void)state;
    dew_conn conn[SIZE];
    dew_pool *const pool = open_pool(SIZE, DEW_RESET_AUTO);
    const uint64_t before = epoch(pool);
    set_read_only(true);
    assert_int_equal(borrow_and_write(pool), REFUSED);
    KIT_AWAIT(kit_stats(pool).retired_refresh == SIZE);
    KIT_AWAIT(kit_stats(pool).conns_idle == SIZE);
    set_read_only(false);
    (void)kit_borrow(pool, &conn[0]);
    assert_int_equal(dew_discard(&conn[0]), DEW_OK);
    KIT_AWAIT(epoch(pool) == before + 2);
    KIT_AWAIT(kit_stats(pool).retired_refresh == 2 * SIZE - 1);
    KIT_AWAIT(kit_stats(pool).conns_idle == SIZE);
    assert_int_equal(journal_warnings(&journal, "takes writes is back"), 1);
    for (size_t i = 0; i < SIZE; i++) {
        assert_int_equal(write_with(kit_borrow(pool, &conn[i])), 0);
    }
    for (size_t i = 0; i < SIZE; i++) {
        kit_return(&conn[i]);
    }
    assert_int_equal(epoch(pool), before + 2);
    kit_close(pool);
}

/* The name of the host may lead to another server by now. */
static void
writes_that_are_refused_on_look_for_another_server_once_a_second(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(1, DEW_RESET_AUTO);
    set_read_only(true);
    assert_int_equal(borrow_and_write(pool), REFUSED);
    KIT_AWAIT(kit_stats(pool).retired_refresh == 1);
    const uint64_t moved = epoch(pool);
    const int64_t since_ms = kit_now_ms();
    do {
        assert_int_equal(borrow_and_write(pool), REFUSED);
        assert_true(kit_now_ms() - since_ms < KIT_PATIENCE_MS);
    } while (kit_now_ms() - since_ms < 1500 ||
             kit_stats(pool).retired_refresh < 2);
    const int64_t took_ms = kit_now_ms() - since_ms;
    assert_in_range(kit_stats(pool).retired_refresh, 2, 2 + took_ms / 1000);
    assert_int_equal(epoch(pool), moved);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(refused_write_replaces_all_sessions_once,
                               make_writable),
        cmocka_unit_test_setup(role_is_noticed_without_an_error_to_be_seen,
                               make_writable),
        cmocka_unit_test_setup(role_is_noticed_where_nothing_is_cleaned,
                               make_writable),
        cmocka_unit_test_setup(
            transaction_that_may_only_read_is_no_change_of_the_server,
            make_writable),
        cmocka_unit_test_setup(pool_of_a_replica_is_left_alone, make_writable),
        cmocka_unit_test_setup(
            first_session_that_can_write_again_ends_it_for_all, make_writable),
        cmocka_unit_test_setup(
            writes_that_are_refused_on_look_for_another_server_once_a_second,
            make_writable),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
