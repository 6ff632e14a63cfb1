/* SPDX-License-Identifier: MIT */
/* Goal: no policy hands on a session in the middle of a conversation; the next
 * borrower's answers are its own. Method: leave the only session of a pool in
 * each state that a borrower can leave the protocol in, under each policy, and
 * let the next borrower ask. */
/* ctest: timeout=120 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "session/flavour.h"

static struct test_server *server;

/* What the borrower still holds when it has returned the session. */
static MYSQL_STMT *kept_statement;
static MYSQL_RES *kept_result;

static void
query(MYSQL *mysql, const char *sql)
{
    assert_int_equal(mysql_query(mysql, sql), 0);
}

static void
reply_that_arrived_unread(MYSQL *mysql)
{
    loan_send(mysql, "SELECT 'stale'");
    loan_await_reply(mysql);
}

static void
reply_that_is_still_to_come(MYSQL *mysql)
{
    loan_send(mysql, "SELECT SLEEP(0.1), 'stale'");
}

/* Both have come before the first is read: the library receives them together,
 * which under NEVER is all that can show the second (see dewpond.h). */
static void
two_queries_sent_and_one_read(MYSQL *mysql)
{
    enum { BOTH = 60 }; /* bytes; the first has 11 */
    int there = 0;

    loan_send(mysql, "DO 0");
    loan_send(mysql, "SELECT 'stale'");
    for (int64_t until = kit_now_ms() + KIT_PATIENCE_MS; there < BOTH;) {
        kit_look_again(until, "both have come", __FILE__, __LINE__);
        assert_int_equal(ioctl(flavour_socket(mysql), FIONREAD, &there), 0);
    }
    assert_int_equal(mysql_read_query_result(mysql), 0);
}

/* The rest is on its way: nothing on this side shows it. */
static void
two_queries_sent_and_the_second_takes_time(MYSQL *mysql)
{
    loan_send(mysql, "DO 0");
    loan_send(mysql, "SELECT SLEEP(0.1), 'stale'");
    assert_int_equal(mysql_read_query_result(mysql), 0);
}

/* The close has no reply of its own, and is the last thing that was sent. */
static void
reply_behind_the_close_of_a_statement(MYSQL *mysql)
{
    MYSQL_STMT *const stmt = mysql_stmt_init(mysql);
    assert_int_equal(mysql_stmt_prepare(stmt, "DO 0", 4), 0);
    loan_send(mysql, "SELECT SLEEP(0.1), 'stale'");
    (void)mysql_stmt_close(stmt);
}

#if FLAVOUR_MARIADB
static void
nonblocking_call_abandoned(MYSQL *mysql)
{
    int result;
    assert_int_not_equal(
        mysql_query_start(&result, mysql, "SELECT SLEEP(0.05), 'stale'"), 0);
}
#endif

static void
unbuffered_result_half_read(MYSQL *mysql)
{
    query(mysql, "SELECT * FROM a");
    kept_result = mysql_use_result(mysql);
    assert_non_null(mysql_fetch_row(kept_result));
}

static void
stored_result_not_freed(MYSQL *mysql)
{
    query(mysql, "SELECT * FROM a");
    kept_result = mysql_store_result(mysql);
}

static void
second_result_pending(MYSQL *mysql)
{
    query(mysql, "SELECT 1; SELECT 'stale'");
    mysql_free_result(mysql_store_result(mysql));
}

static void
prepare(MYSQL *mysql, const char *sql)
{
    kept_statement = mysql_stmt_init(mysql);
    assert_int_equal(mysql_stmt_prepare(kept_statement, sql,
                                        (unsigned long)strlen(sql)),
                     0);
}

static void
statement_prepared(MYSQL *mysql)
{
    prepare(mysql, "SELECT 'stale'");
}

static void
statement_executed_not_fetched(MYSQL *mysql)
{
    prepare(mysql, "SELECT 'stale' FROM a");
    assert_int_equal(mysql_stmt_execute(kept_statement), 0);
}

static void
statement_half_fetched(MYSQL *mysql)
{
    statement_executed_not_fetched(mysql);
    (void)mysql_stmt_fetch(kept_statement);
}

static void
statement_with_an_open_cursor(MYSQL *mysql)
{
    const unsigned long cursor = CURSOR_TYPE_READ_ONLY;
    prepare(mysql, "SELECT 'stale' FROM a");
    (void)mysql_stmt_attr_set(kept_statement, STMT_ATTR_CURSOR_TYPE, &cursor);
    assert_int_equal(mysql_stmt_execute(kept_statement), 0);
}

static void
query_killed_in_its_result(MYSQL *mysql)
{
    char sql[64];
    (void)snprintf(sql, sizeof sql, "KILL QUERY %lu", mysql_thread_id(mysql));
    query(mysql, "SELECT REPEAT('stale', 2000) FROM a, a AS b, a AS c");
    kept_result = mysql_use_result(mysql);
    assert_non_null(mysql_fetch_row(kept_result));
    assert_int_equal(test_server_exec(server, sql), 0);
}

static const struct {
    const char *sentence;
    void (*leave)(MYSQL *mysql);
    dew_reset last;     /* the last policy that sees it: NEVER has a gap */
    const char *unread; /* without `leave`: a query whose answer stays */
} states[] = {
    {"a reply that arrived unread",
     reply_that_arrived_unread, DEW_RESET_NEVER, NULL},
    {"a reply that is still to come",
     reply_that_is_still_to_come, DEW_RESET_NEVER, NULL},
    {"two queries sent and one read",
     two_queries_sent_and_one_read,
     FLAVOUR_MARIADB ? DEW_RESET_NEVER : DEW_RESET_ROLLBACK, NULL},
    {"two queries sent, the second takes time",
     two_queries_sent_and_the_second_takes_time, DEW_RESET_ROLLBACK, NULL},
    {"a reply behind the close of a statement",
     reply_behind_the_close_of_a_statement, DEW_RESET_NEVER, NULL},
#if FLAVOUR_MARIADB
    {"a non-blocking call abandoned",
     nonblocking_call_abandoned, DEW_RESET_NEVER, NULL},
#endif
    {"a result not stored", NULL, DEW_RESET_NEVER,
     "SELECT * FROM a"},
    {"an unbuffered result half read",
     unbuffered_result_half_read, DEW_RESET_NEVER, NULL},
    {"a stored result not freed",
     stored_result_not_freed, DEW_RESET_NEVER, NULL},
    {"a second result pending", second_result_pending, DEW_RESET_NEVER, NULL},
    {"many results pending", NULL, DEW_RESET_NEVER,
     "DO 1; SELECT 'a' FROM a; DO 2; SELECT 'b' FROM a; DO 3"},
    {"a failing statement behind a result", NULL, DEW_RESET_NEVER,
     "SELECT 1; SELECT * FROM no_such_table; SELECT 'stale'"},
    {"a statement prepared", statement_prepared, DEW_RESET_NEVER, NULL},
    {"a statement executed, not fetched",
     statement_executed_not_fetched, DEW_RESET_NEVER, NULL},
    {"a statement half fetched", statement_half_fetched, DEW_RESET_NEVER, NULL},
    {"a statement with an open cursor",
     statement_with_an_open_cursor, DEW_RESET_NEVER, NULL},
    {"a result too big to drain", NULL, DEW_RESET_NEVER,
     "SELECT REPEAT('stale', 20000) FROM a, a AS b, a AS c"},
    {"a query killed in its result",
     query_killed_in_its_result, DEW_RESET_NEVER, NULL},
};
#define STATES (sizeof states / sizeof states[0])

#if FLAVOUR_MARIADB
static int
allow_nonblocking(MYSQL *mysql, void *arg)
{
    (void)arg;
    return mysql_options(mysql, MYSQL_OPT_NONBLOCK, 0);
}
#endif

static dew_pool *
open_pool(dew_reset policy)
{
    dew_config config;
    kit_config(&config, server);
    config.reset = policy;
    config.client_flags = CLIENT_MULTI_STATEMENTS;
#if FLAVOUR_MARIADB
    config.on_options = allow_nonblocking;
#endif
    return kit_open(&config);
}

static void
leave(size_t which, MYSQL *mysql)
{
    if (states[which].leave == NULL) {
        query(mysql, states[which].unread);
    } else {
        states[which].leave(mysql);
    }
}

/* Late, as the header allows for statements and for stored results. An
 * unbuffered one is not to be freed late: its tie to the session is cut. */
static void
let_go_late(void)
{
    if (kept_statement != NULL) {
        (void)mysql_stmt_close(kept_statement);
        kept_statement = NULL;
    }
    if (kept_result != NULL) {
        if (kept_result->eof == 0 && kept_result->data == NULL) {
            kept_result->handle = NULL;
        }
        mysql_free_result(kept_result);
        kept_result = NULL;
    }
}

static void
next_borrower_gets_its_own_answers(void **state)
{
    const size_t which = (size_t)(uintptr_t)*state;
    for (int policy = DEW_RESET_AUTO; policy <= (int)states[which].last;
         policy++) {
        dew_pool *const pool = open_pool((dew_reset)policy);
        dew_conn conn;
        leave(which, kit_borrow(pool, &conn));
        MYSQL *const mysql = kit_next(pool, &conn);
        kit_answers_are_its_own(mysql);
        /* The late close comes while the next one's answer is on its way. */
        loan_send(mysql, "SELECT 4242");
        let_go_late();
        assert_int_equal(mysql_read_query_result(mysql), 0);
        MYSQL_RES *const result = mysql_store_result(mysql);
        assert_non_null(result);
        assert_string_equal(mysql_fetch_row(result)[0], "4242");
        mysql_free_result(result);
        kit_answers_are_its_own(mysql);
        kit_return(&conn);
        kit_close(pool);
    }
}

/* Twenty returns in a row: what is left of one would show in a later one. */
static void
returns_in_every_state_one_after_the_other_mix_nothing_up(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(DEW_RESET_AUTO);
    dew_conn conn;
    (void)kit_borrow(pool, &conn);
    for (size_t i = 0; i < STATES; i++) {
        leave(i, conn.mysql);
        kit_answers_are_its_own(kit_next(pool, &conn));
        let_go_late();
    }
    kit_return(&conn);
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.connects, stats.retired_broken + 1);
    kit_close(pool);
}

int
main(void)
{
    struct CMUnitTest tests[STATES + 1];
    for (size_t i = 0; i < STATES; i++) {
        tests[i] = (struct CMUnitTest){
            .name = states[i].sentence,
            .test_func = next_borrower_gets_its_own_answers,
            .initial_state = (void *)(uintptr_t)i,
        };
    }
    tests[STATES] = (struct CMUnitTest)cmocka_unit_test(
        returns_in_every_state_one_after_the_other_mix_nothing_up);
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
