/* SPDX-License-Identifier: MIT */
/* Goal: a return that takes the short way hides nothing from the next borrower,
 * and its session rests for as long as any other. Method: what can be changed
 * of a session without a word to its server is changed, and what only a look at
 * the handle tells is left behind; the next borrower is the witness. The polls
 * of a quiet pair are counted, the rest after a long loan is timed. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "session/flavour.h"

static struct test_server *server;

static dew_pool *
open_with(dew_reset policy, uint32_t buffer_max_kb)
{
    dew_config config;

    kit_config(&config, server);
    config.reset = policy;
    config.buffer_max_kb = buffer_max_kb;
    return kit_open(&config);
}

static int
my_infile(void **reader, const char *name, void *arg)
{
    (void)reader;
    (void)name;
    (void)arg;
    return 1;
}

static int
my_infile_read(void *reader, char *buffer, unsigned size)
{
    (void)reader;
    (void)buffer;
    (void)size;
    return -1;
}

static void
my_infile_end(void *reader)
{
    (void)reader;
}

static int
my_infile_error(void *reader, char *text, unsigned size)
{
    (void)reader;
    (void)text;
    (void)size;
    return 2000;
}

static void
option_that_was_only_set_is_put_back(void **state)
{
    (void)state;
    const unsigned on = 1;
    dew_conn conn;
    dew_pool *const pool = open_with(DEW_RESET_AUTO, 0);

    mysql_options(kit_borrow(pool, &conn), MYSQL_OPT_LOCAL_INFILE, &on);
    MYSQL *mysql = kit_next(pool, &conn);
    assert_int_equal(mysql->options.client_flag & CLIENT_LOCAL_FILES, 0);
    mysql_set_local_infile_handler(mysql, my_infile, my_infile_read,
                                   my_infile_end, my_infile_error, NULL);
    mysql = kit_next(pool, &conn);
    assert_ptr_equal(mysql->options.local_infile_init, flavour_default_infile);
#if FLAVOUR_MARIADB
    mysql->options.reconnect = 1;
#else
    mysql->reconnect = true;
#endif
    mysql = kit_next(pool, &conn);
    assert_false(flavour_reconnect_is_on(mysql));
#if !FLAVOUR_MARIADB
    const char *directory = NULL;
    mysql_options(mysql, MYSQL_OPT_LOAD_DATA_LOCAL_DIR, "/tmp");
    mysql = kit_next(pool, &conn);
    assert_int_equal(mysql_get_option(mysql, MYSQL_OPT_LOAD_DATA_LOCAL_DIR,
                                      &directory), 0);
    assert_null(directory);
#endif
    assert_int_equal(kit_stats(pool).connects, 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
statement_that_was_only_initialised_is_cut_off(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_with(DEW_RESET_AUTO, 0);
    MYSQL_STMT *const stmt = mysql_stmt_init(kit_borrow(pool, &conn));

    MYSQL *const mysql = kit_next(pool, &conn);
    assert_null(stmt->mysql);
    assert_null(mysql->stmts);
    (void)mysql_stmt_close(stmt);
    kit_answers_are_its_own(mysql);
    kit_return(&conn);
    kit_close(pool);
}

static void
ask(MYSQL *mysql, const char *sql)
{
    assert_int_equal(mysql_query(mysql, sql), 0);
    mysql_free_result(mysql_store_result(mysql));
}

static void
trusted_and_quiet_is_kept_without_a_system_call(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_with(DEW_RESET_NEVER, 0);

    ask(kit_borrow(pool, &conn), "SELECT 1");
    fault_arm(FAULT_POLL, 0, false);
    /* Once, a thread that is kept off its processor may outlast bypass_ms. */
    uint32_t polls = UINT32_MAX;
    for (int i = 0; i < 5 && polls != 0; i++) {
        polls = fault_passes(FAULT_POLL);
        MYSQL *const mysql = kit_next(pool, &conn);
        polls = fault_passes(FAULT_POLL) - polls;
        ask(mysql, "SELECT 1");
    }
    assert_int_equal(polls, 0);
    assert_int_equal(kit_stats(pool).connects, 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
leave_reply_unread(MYSQL *mysql)
{
    assert_int_equal(mysql_send_query(mysql, "SELECT 'stale'", 14), 0);
}

static void
leave_long_row(MYSQL *mysql)
{
    ask(mysql, "SELECT REPEAT('x', 400000)");
}

/* The counter, the errno and the transport each tell it. */
static void
leave_it_lost(MYSQL *mysql)
{
    assert_int_not_equal(mysql_query(mysql, "KILL CONNECTION_ID()"), 0);
    assert_int_not_equal(mysql_query(mysql, "SELECT 1"), 0);
}

static void
trusted_but_not_at_rest_is_not_lent_again(void **state)
{
    (void)state;
    static void (*const leave[])(MYSQL *) = {leave_reply_unread, leave_long_row,
                                             leave_it_lost};

    for (size_t i = 0; i < sizeof leave / sizeof leave[0]; i++) {
        dew_conn conn;
        dew_pool *const pool = open_with(DEW_RESET_NEVER, 64);

        MYSQL *const mysql = kit_borrow(pool, &conn);
        const int64_t id = kit_server_id(mysql);
        leave[i](mysql);
        assert_int_not_equal(kit_server_id(kit_next(pool, &conn)), id);
        kit_answers_are_its_own(conn.mysql);
        kit_return(&conn);
        kit_close(pool);
    }
}

static void
untouched_loan_is_reset_where_that_is_asked_for(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_with(DEW_RESET_ALWAYS, 0);

    (void)kit_borrow(pool, &conn);
    (void)kit_next(pool, &conn);
    assert_int_equal(kit_stats(pool).resets, 1);
    kit_return(&conn);
    kit_close(pool);
}

/* It is used or not, and its return does not look at the clock; the second loan
 * is of a session that was seen at rest before. */
static int64_t
lend_for_long(dew_pool *pool, bool used, int64_t long_ms)
{
    dew_conn conn;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    const int64_t since_ms = kit_now_ms();

    KIT_AWAIT(kit_now_ms() - since_ms > long_ms);
    if (used) {
        kit_answers_are_its_own(mysql);
    }
    const int64_t back_ms = kit_now_ms();
    kit_return(&conn);
    return back_ms;
}

static void
session_that_was_lent_for_long_rests_for_all_its_time(void **state)
{
    enum { IDLE_MS = 800 };

    (void)state;
    for (int used = 0; used < 2; used++) {
        dew_config config;
        kit_config(&config, server);
        config.idle_timeout_ms = IDLE_MS;
        config.reset = used ? DEW_RESET_NEVER : DEW_RESET_AUTO;
        dew_pool *const pool = kit_open(&config);
        int64_t back_ms = lend_for_long(pool, used, 2 * IDLE_MS);
        KIT_AWAIT(kit_now_ms() - back_ms > IDLE_MS / 2);
        back_ms = lend_for_long(pool, used, 2 * IDLE_MS);
        KIT_AWAIT(kit_stats(pool).retired_idle == 1);
        assert_true(kit_now_ms() - back_ms >= IDLE_MS - 20);
        assert_int_equal(kit_stats(pool).connects, 1);
        kit_close(pool);
    }
}

/* The sweep may come first, and its reason is the same. */
static void
session_whose_life_ended_in_a_loan_is_not_lent_again(void **state)
{
    enum { LIFETIME_MS = 800 };
    dew_config config;
    dew_conn conn;

    (void)state;
    for (int used = 0; used < 2; used++) {
        kit_config(&config, server);
        config.lifetime_ms = LIFETIME_MS;
        config.reset = used ? DEW_RESET_NEVER : DEW_RESET_AUTO;
        dew_pool *const pool = kit_open(&config);
        (void)lend_for_long(pool, used, 2 * LIFETIME_MS);
        (void)kit_borrow(pool, &conn);
        assert_int_equal(kit_stats(pool).retired_lifetime, 1);
        assert_int_equal(kit_stats(pool).connects, 2);
        kit_return(&conn);
        kit_close(pool);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(option_that_was_only_set_is_put_back),
        cmocka_unit_test(statement_that_was_only_initialised_is_cut_off),
        cmocka_unit_test(trusted_and_quiet_is_kept_without_a_system_call),
        cmocka_unit_test(trusted_but_not_at_rest_is_not_lent_again),
        cmocka_unit_test(untouched_loan_is_reset_where_that_is_asked_for),
        cmocka_unit_test(session_that_was_lent_for_long_rests_for_all_its_time),
        cmocka_unit_test(session_whose_life_ended_in_a_loan_is_not_lent_again),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
