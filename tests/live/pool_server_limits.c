/* SPDX-License-Identifier: MIT */
/* Goal: a session that rests is pinged, or leaves, before the server hangs up
 * on it, and the log says what the server's limits do to the pool. Method:
 * servers that hang up after 3 s and that take 20 connections; the server's
 * own counter of clients it lost is the witness. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/journal.h"
#include "fixture/pool_kit.h"

enum { ERROR_LEVEL, WARNING_LEVEL, INFO_LEVEL };
enum { CUT_MS = 3000 };

static struct test_server *server; /* wait_timeout 3, max_connections 20 */
static struct journal journal;

static void
configure(dew_config *config, const char *name)
{
    kit_config(config, server);
    journal_begin(&journal);
    config->name = name;
    config->on_log = journal_write;
    config->on_log_arg = &journal;
}

/* Clients that did not say goodbye, as the server counts them. */
static int64_t
cut_clients(void)
{
    return test_server_status(server, "Aborted_clients");
}

static void
rest_for(int64_t ms)
{
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > ms);
}

static void
session_that_may_rest_is_pinged_before_the_server_hangs_up(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    const int64_t cut = cut_clients();
    configure(&config, "cellar");
    config.idle_timeout_ms = DEW_OFF;
    dew_pool *const pool = kit_open(&config);
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    kit_return(&conn);
    rest_for(2 * CUT_MS);
    assert_int_equal(kit_server_id(kit_borrow(pool, &conn)), id);
    kit_return(&conn);
    assert_in_range(kit_stats(pool).pings, 2, 5);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    assert_int_equal(cut_clients(), cut);
    assert_int_equal(journal_warnings(&journal, "cellar: "), 1);
    assert_non_null(strstr(journal_warning(&journal, "wait_timeout 3 s"),
                           "s; keepalive_ms 120000 counts as 1500"));
    kit_close(pool);
}

static void
session_that_is_not_pinged_leaves_before_the_server_hangs_up(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    const int64_t cut = cut_clients();
    configure(&config, "cellar");
    config.keepalive_ms = DEW_OFF;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    assert_int_equal(kit_stats(pool).retired_idle, 1);
    assert_int_equal(kit_stats(pool).pings, 0);
    assert_int_equal(cut_clients(), cut);
    assert_int_equal(journal_warnings(&journal, "cellar: "), 1);
    assert_non_null(strstr(journal_warning(&journal, "wait_timeout 3 s"),
                           "s; idle_timeout_ms 600000 counts as 1500"));
    kit_close(pool);
}

/* Its idle_timeout_ms of ten minutes counts as no more than that either. */
static void
session_that_is_pinged_and_may_go_leaves_as_early(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, "cellar");
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    assert_int_equal(kit_stats(pool).retired_idle, 1);
    kit_close(pool);
}

/* Neither idle_timeout_ms nor pre_create can make the server keep them. */
static void
session_that_must_stay_and_is_not_pinged_is_replaced(void **state)
{
    (void)state;
    dew_config config;
    const int64_t cut = cut_clients();
    configure(&config, "cellar");
    config.size = config.maxsize = config.pre_create = 2;
    config.keepalive_ms = config.idle_timeout_ms = DEW_OFF;
    dew_pool *const pool = kit_open(&config);
    rest_for(2 * CUT_MS);
    KIT_AWAIT(kit_stats(pool).conns_idle == 2);
    assert_in_range(kit_stats(pool).retired_idle, 4, 8);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    assert_int_equal(cut_clients(), cut);
    assert_int_equal(journal_warnings(&journal, "cellar: "), 0);
    kit_close(pool);
}

static int
do_nothing(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    return 0;
}

/* Its reset's answer is unread, and whoever reads it must run on_connect: the
 * keeper cannot ping it. */
static void
session_that_only_a_borrower_may_touch_leaves_in_time(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    const int64_t cut = cut_clients();
    configure(&config, "cellar");
    config.idle_timeout_ms = DEW_OFF;
    config.on_connect = do_nothing;
    dew_pool *const pool = kit_open(&config);
    loan_do(kit_borrow(pool, &conn), "DO 1");
    kit_return(&conn);
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    assert_int_equal(kit_stats(pool).retired_idle, 1);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    assert_int_equal(cut_clients(), cut);
    kit_close(pool);
}

static void
limit_that_init_sql_sets_counts(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, "cellar");
    config.init_sql = "SET wait_timeout = 1000";
    config.idle_timeout_ms = 954000;
    config.keepalive_ms = 956000;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    assert_string_equal(
        journal_warning(&journal, "cellar: "),
        "cellar: the server hangs up on who rests for wait_timeout 1000 s; "
        "keepalive_ms 956000 counts as 955000");
    rest_for(CUT_MS / 2 + 500); /* the server's own would be over */
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    assert_int_equal(kit_stats(pool).pings, 0);
    kit_close(pool);
}

/* The second session learns it; the reset brings it to the first one, too. */
static void
limit_that_the_newest_session_learnt_counts_for_older_ones(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn[2];
    assert_int_equal(test_server_exec(server, "SET GLOBAL wait_timeout = 900"),
                     0);
    configure(&config, "cellar");
    config.size = config.maxsize = 2;
    config.keepalive_ms = DEW_OFF;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn[0]);
    assert_int_equal(journal_warnings(&journal, "cellar: "), 0);
    assert_int_equal(test_server_exec(server, "SET GLOBAL wait_timeout = 3"),
                     0);
    const int64_t cut = cut_clients();
    (void)kit_borrow(pool, &conn[1]);
    assert_int_equal(journal_warnings(&journal, "wait_timeout 3 s"), 1);
    loan_do(conn[0].mysql, "DO 1");
    kit_return(&conn[0]);
    kit_return(&conn[1]);
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    assert_int_equal(kit_stats(pool).retired_idle, 2);
    assert_int_equal(cut_clients(), cut);
    kit_close(pool);
}

static void
server_is_introduced_once(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    char version[64];
    configure(&config, "cellar");
    config.uses_max = 1;
    dew_pool *const pool = kit_open(&config);
    for (int i = 0; i < 3; i++) {
        (void)kit_borrow(pool, &conn);
        kit_return(&conn);
    }
    assert_int_equal(kit_stats(pool).connects, 3);
    assert_int_equal(journal_lines(&journal, INFO_LEVEL, "the server is"), 1);
    assert_true(test_server_text(server,
                                 "SELECT SUBSTRING_INDEX(VERSION(), '-', 1)",
                                 version, sizeof version));
    assert_int_equal(journal_lines(&journal, INFO_LEVEL, version), 1);
    assert_int_equal(journal_lines(&journal, INFO_LEVEL,
                                   "writable, wait_timeout 3 s, "
                                   "max_connections 20"),
                     1);
    kit_close(pool);
}

static dew_pool *
open_with(dew_config *config, const char *name, uint32_t maxsize)
{
    dew_conn conn;
    config->name = name;
    config->size = 1;
    config->maxsize = maxsize;
    dew_pool *const pool = kit_open(config);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    return pool;
}

static void
renew_a_session(dew_pool *pool)
{
    dew_conn conn;
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
}

static void
pools_that_the_server_cannot_hold_are_told_once_each(void **state)
{
    enum { NEWS = 3 };
    static const char told[] = "which takes max_connections 20: ";
    (void)state;
    dew_config config;
    configure(&config, "attic");
    config.idle_timeout_ms = config.keepalive_ms = 1000;
    dew_pool *const attic = open_with(&config, "attic", 12);
    assert_int_equal(journal_warnings(&journal, told), 0);
    /* By TCP: it is the same server all the same. */
    config.unix_socket = NULL;
    config.host = "127.0.0.1";
    config.port = test_server_port(server);
    dew_pool *const cellar = open_with(&config, "cellar", 9);
    assert_int_equal(journal_warnings(&journal, told), 1);
    const char *const line = journal_warning(&journal, told);
    assert_int_equal(strncmp(line, "cellar: ", 8), 0);
    assert_non_null(strstr(line, " 21 sessions "));
    assert_non_null(strstr(line, "attic 12"));
    assert_non_null(strstr(line, "cellar 9"));
    renew_a_session(cellar);
    assert_int_equal(journal_warnings(&journal, told), 1);
    renew_a_session(attic);
    assert_int_equal(journal_warnings(&journal, told), 2);
    dew_pool *const shed = open_with(&config, "shed", 1);
    renew_a_session(cellar);
    assert_int_equal(journal_warnings(&journal, " 22 sessions "), 2);
    kit_close(shed);
    kit_close(attic);
    renew_a_session(cellar); /* fits again, and that is no news */
    assert_int_equal(journal_warnings(&journal, told), NEWS + 1);
    kit_close(cellar);
}

static void
pools_of_different_servers_are_not_added_up(void **state)
{
    (void)state;
    static const char *const args[] = {"--max-connections=20", NULL};
    struct test_server *const other = test_server_start(args);
    dew_config config;
    configure(&config, "attic");
    dew_pool *const attic = open_with(&config, "attic", 20);
    config.unix_socket = test_server_socket(other);
    dew_pool *const cellar = open_with(&config, "cellar", 20);
    assert_int_equal(journal_warnings(&journal, "max_connections"), 0);
    kit_close(cellar);
    kit_close(attic);
    test_server_stop(other);
}

int
main(void)
{
    static const char *const args[] = {"--wait-timeout=3",
                                       "--max-connections=20", NULL};
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            session_that_may_rest_is_pinged_before_the_server_hangs_up),
        cmocka_unit_test(
            session_that_is_not_pinged_leaves_before_the_server_hangs_up),
        cmocka_unit_test(session_that_is_pinged_and_may_go_leaves_as_early),
        cmocka_unit_test(session_that_must_stay_and_is_not_pinged_is_replaced),
        cmocka_unit_test(session_that_only_a_borrower_may_touch_leaves_in_time),
        cmocka_unit_test(limit_that_init_sql_sets_counts),
        cmocka_unit_test(
            limit_that_the_newest_session_learnt_counts_for_older_ones),
        cmocka_unit_test(server_is_introduced_once),
        cmocka_unit_test(pools_that_the_server_cannot_hold_are_told_once_each),
        cmocka_unit_test(pools_of_different_servers_are_not_added_up),
    };
    server = test_server_start(args);
    /* The fixture's own connection rests, too. */
    (void)test_server_exec(server, "SET SESSION wait_timeout = 28800");
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
