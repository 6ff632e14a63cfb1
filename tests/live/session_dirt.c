/* SPDX-License-Identifier: MIT */
/* Goal: a session that is not provably at rest is never handed on; one that
 * is, is kept. Method: leave the protocol in every state a borrower can leave
 * it in, return, and look at the verdict and at what the next borrower reads. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/loan.h"
#include "fixture/prompt.h"
#include "session/flavour.h"
#include "session/inside.h"

static struct test_server *server;

struct loan {
    struct settings settings;
    struct session *session;
    MYSQL *mysql;
    enum session_flaw flaw;
};

static struct loan
begin(dew_reset policy)
{
    struct loan loan = {.flaw = SESSION_SOUND};
    loan_settings(&loan.settings, server);
    loan.settings.reset = policy;
    loan.session = loan_open(&loan.settings);
    loan.mysql = loan_lend(loan.session);
    return loan;
}

/* It must come back broken, for this reason, and goes. */
static void
ends_broken(struct loan *loan, enum session_flaw why)
{
    const enum session_state state =
        loan_return(loan->session, &loan->settings, &loan->flaw);
    assert_int_equal(state, SESSION_BROKEN);
    assert_string_equal(session_flaw_name(loan->flaw),
                        session_flaw_name(why));
    (void)close(session_hang_up(loan->session, SESSION_CUT));
}

/* It must come back at rest, on the same connection and in step. */
static void
ends_at_rest(struct loan *loan)
{
    char text[LOAN_TEXT], id[24];
    loan_return_and_lend(loan->session, &loan->settings);
    (void)snprintf(id, sizeof id, "%lu", mysql_thread_id(loan->mysql));
    assert_string_equal(
        loan_ask(loan->mysql, "SELECT CONNECTION_ID()", text), id);
    loan_end(loan->session);
}

static void
kill_session(const MYSQL *mysql)
{
    char kill[64];
    (void)snprintf(kill, sizeof kill, "KILL %lu",
                   mysql_thread_id((MYSQL *)(uintptr_t)mysql));
    assert_int_equal(test_server_exec(server, kill), 0);
}

/* ---- kept ---- */

static void
untouched_loan_costs_nothing_and_is_kept(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        enum session_state back;
        const struct io_limit limit = {.deadline_ns = 0, .cancel_fd = -1};
        test_server_freeze(server);
        back = session_give_back(loan.session, &loan.settings, &limit,
                                 &loan.flaw);
        test_server_thaw(server);
        /* Only ALWAYS sent something. */
        assert_int_equal(back, policy == DEW_RESET_ALWAYS ? SESSION_PENDING
                                                          : SESSION_AT_REST);
        loan_end(loan.session);
    }
}

static void
stored_results_are_no_dirt(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        assert_int_equal(mysql_query(loan.mysql, "SELECT * FROM a"), 0);
        MYSQL_RES *const kept = mysql_store_result(loan.mysql);
        loan_return_and_lend(loan.session, &loan.settings);
        /* Its owner may free it later: it holds nothing of the session. */
        assert_int_equal(mysql_num_rows(kept), 100);
        mysql_free_result(kept);
        ends_at_rest(&loan);
    }
}

static void
results_that_nobody_took_are_drained(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        assert_int_equal(mysql_query(loan.mysql, "SELECT * FROM a"), 0);
        ends_at_rest(&loan);
    }
}

static void
multiple_results_half_read_are_drained(void **state)
{
    (void)state;
    struct loan loan = begin(DEW_RESET_NEVER);
    assert_int_equal(mysql_set_server_option(
                         loan.mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON),
                     0);
    assert_int_equal(
        mysql_query(loan.mysql, "SELECT 1; SELECT * FROM a; DO 3; SELECT 4"),
        0);
    mysql_free_result(mysql_store_result(loan.mysql));
    assert_true(mysql_more_results(loan.mysql));
    ends_at_rest(&loan);
}

static void
result_that_ends_in_an_error_is_drained(void **state)
{
    (void)state;
    struct loan loan = begin(DEW_RESET_NEVER);
    assert_int_equal(mysql_query(loan.mysql,
                                 "SELECT id, (SELECT id FROM a b WHERE b.id "
                                 "< a.id - 1) FROM a ORDER BY id"),
                     0);
    ends_at_rest(&loan);
}

static void
query_killed_in_mid_result_does_not_end_the_session(void **state)
{
    (void)state;
    char kill[64];
    struct loan loan = begin(DEW_RESET_AUTO);
    assert_int_equal(
        mysql_query(loan.mysql,
                    "SELECT REPEAT('x', 20000), SLEEP(id > 3) FROM a"),
        0);
    MYSQL_RES *const result = mysql_use_result(loan.mysql);
    assert_non_null(mysql_fetch_row(result));
    (void)snprintf(kill, sizeof kill, "KILL QUERY %lu",
                   mysql_thread_id(loan.mysql));
    assert_int_equal(test_server_exec(server, kill), 0);
    while (mysql_fetch_row(result) != NULL) {
    }
    assert_int_equal(mysql_errno(loan.mysql), 1317);
    mysql_free_result(result);
    ends_at_rest(&loan);
}

static void
errors_of_the_application_are_no_dirt(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    struct loan loan = begin(DEW_RESET_NEVER);
    assert_string_equal(loan_ask(loan.mysql, "SELEC", text), "error 1064");
    ends_at_rest(&loan);
    loan = begin(DEW_RESET_NEVER);
    assert_string_equal(
        loan_ask(loan.mysql, "INSERT INTO a VALUES (1, 'x')", text),
        "error 1062");
    ends_at_rest(&loan);
}

static void
statement_closed_last_is_no_unread_reply(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        MYSQL_STMT *const stmt = mysql_stmt_init(loan.mysql);
        assert_int_equal(mysql_stmt_prepare(stmt, "SELECT 1", 8), 0);
        assert_int_equal(loan.mysql->net.pkt_nr > 1, 1);
        (void)mysql_stmt_close(stmt);
        assert_int_equal(loan.mysql->net.pkt_nr, 1);
        ends_at_rest(&loan);
    }
}

static void
counter_that_wrapped_is_no_unread_reply(void **state)
{
    (void)state;
    char sql[96];
    unsigned wrapped = 0;
    struct loan loan = begin(DEW_RESET_NEVER);
    /* Some sizes of a result end on packet 0 of the 8-bit counter. */
    for (int rows = 240; rows <= 260; rows++) {
        (void)snprintf(sql, sizeof sql,
                       "SELECT 1 FROM a, a b LIMIT %d", rows);
        loan_do(loan.mysql, sql);
        wrapped += loan.mysql->net.pkt_nr == 1;
        loan_return_and_lend(loan.session, &loan.settings);
    }
    /* Oracle's library counts further than 255. */
    assert_int_equal(wrapped > 0, FLAVOUR_MARIADB);
    ends_at_rest(&loan);
}

/* ---- not kept ---- */

/* Waits until this much can be read. */
static void
await_bytes(MYSQL *mysql, int bytes)
{
    const int64_t deadline_ns = clock_deadline_after_ms(5000);
    int there = 0;
    while (there < bytes && clock_now_ns() < deadline_ns) {
        loan_await_reply(mysql);
        assert_int_equal(ioctl(flavour_socket(mysql), FIONREAD, &there), 0);
    }
    assert_true(there >= bytes);
}

/* It must come back broken because the conversation is out of step. Oracle's
 * library often notices it first, by packet numbers, and drops the socket. */
static void
ends_out_of_step(struct loan *loan)
{
    assert_int_equal(loan_return(loan->session, &loan->settings, &loan->flaw),
                     SESSION_BROKEN);
    if (FLAVOUR_MARIADB || loan->flaw != SESSION_DEAD) {
        assert_string_equal(session_flaw_name(loan->flaw),
                            session_flaw_name(SESSION_UNREAD));
    }
    (void)close(session_hang_up(loan->session, SESSION_CUT));
}

/* The last policy that sees replies in the library's own buffer. */
#define LAST_TO_SEE_BUFFERS                                                   \
    (FLAVOUR_MARIADB ? DEW_RESET_NEVER : DEW_RESET_ROLLBACK)

static void
unread_reply_ends_the_session(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        for (int arrived = 0; arrived < 2; arrived++) {
            struct loan loan = begin((dew_reset)policy);
            loan_send(loan.mysql, arrived ? "SELECT 'stale'"
                                          : "DO SLEEP(0.05)");
            if (arrived) {
                loan_await_reply(loan.mysql);
            }
            ends_broken(&loan, SESSION_UNREAD);
        }
    }
}

static void
read_one(MYSQL *mysql)
{
    assert_false(mysql_read_query_result(mysql));
    mysql_free_result(mysql_store_result(mysql));
}

static void
one_read_of_two_sent_ends_the_session(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= LAST_TO_SEE_BUFFERS; policy++) {
        struct loan loan = begin((dew_reset)policy);
        loan_send(loan.mysql, "DO 0");
        loan_send(loan.mysql, "SELECT 'stale'");
        /* Both are there before the first is read: one read takes both. */
        await_bytes(loan.mysql, 60);
        read_one(loan.mysql);
        ends_out_of_step(&loan);
    }
}

/* What no look at the handle can tell: nothing is there to be seen yet. */
static void
second_reply_still_in_flight_ends_the_session(void **state)
{
    (void)state;
    static const char *const late[] = {
        "SELECT SLEEP(0.1)",
        "SELECT SLEEP(0.1), 't'",
        "SELECT NULL FROM a WHERE SLEEP(0.001) = 0", /* rows of one 0xfb */
        "DO SLEEP(0.1)",
        "UPDATE a SET v = v WHERE id = 1 AND SLEEP(0.1) = 0",
        "USE t",
    };
    static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ALWAYS,
                                         DEW_RESET_ROLLBACK};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        for (size_t i = 0; i < sizeof late / sizeof late[0]; i++) {
            struct loan loan = begin(policies[p]);
            loan_send(loan.mysql, "DO SLEEP(0.02)");
            loan_send(loan.mysql, late[i]);
            read_one(loan.mysql);
            assert_int_not_equal(loan.mysql->net.pkt_nr, 1);
            ends_out_of_step(&loan);
        }
    }
}

/* The first result is drained; then the second reply comes to light. */
static void
reply_behind_a_drained_result_ends_the_session(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= LAST_TO_SEE_BUFFERS; policy++) {
        struct loan loan = begin((dew_reset)policy);
        loan_send(loan.mysql, "SELECT REPEAT('x', 1500) FROM a");
        loan_send(loan.mysql, "SELECT 'stale'");
        await_bytes(loan.mysql, 100 * 1507 + 100);
        assert_false(mysql_read_query_result(loan.mysql));
        ends_out_of_step(&loan);
    }
}

/* Some errors of the client library mean a broken stream though the handle
 * says READY: it does so before it reads the rows. */
static void
fatal_error_left_on_the_handle_ends_the_session(void **state)
{
    (void)state;
    static const unsigned fatal[] = {2008, 2013, 2027};
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
            struct loan loan = begin((dew_reset)policy);
            loan_do(loan.mysql, "SELECT 1");
            loan.mysql->net.last_errno = fatal[i];
            ends_broken(&loan, SESSION_DEAD);
        }
    }
}

/* RESET_NEVER asks nothing: what has arrived by then is all it can see. */
static void
second_reply_that_came_later_ends_the_session(void **state)
{
    (void)state;
    struct loan holder = begin(DEW_RESET_AUTO);
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        loan_do(holder.mysql, "DO GET_LOCK('later', 30)");
        loan_send(loan.mysql, "DO 0");
        loan_send(loan.mysql, "DO GET_LOCK('later', 30)");
        read_one(loan.mysql);
        loan_do(holder.mysql, "DO RELEASE_LOCK('later')");
        loan_await_reply(loan.mysql);
        ends_out_of_step(&loan);
    }
    ends_at_rest(&holder);
}

static void
reply_masked_by_a_statement_close_ends_the_session(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        MYSQL_STMT *const stmt = mysql_stmt_init(loan.mysql);
        assert_int_equal(mysql_stmt_prepare(stmt, "SELECT 1", 8), 0);
        loan_send(loan.mysql, "SELECT SLEEP(0.05), 't'");
        (void)mysql_stmt_close(stmt);
        ends_out_of_step(&loan);
    }
}

static void
huge_query_without_a_read_ends_the_session(void **state)
{
    (void)state;
    const size_t size = (size_t)17 << 20;
    char *const sql = malloc(size);
    assert_non_null(sql);
    memset(sql, ' ', size);
    memcpy(sql, "DO SLEEP(0.3)", 13);
    struct loan loan = begin(DEW_RESET_AUTO);
    assert_int_equal(
        mysql_send_query(loan.mysql, sql, (unsigned long)size), 0);
    free(sql);
    assert_int_equal(loan_return(loan.session, &loan.settings, &loan.flaw),
                     SESSION_BROKEN);
    (void)close(session_hang_up(loan.session, SESSION_CUT));
}

static void
call_abandoned_half_way_ends_the_session(void **state)
{
    (void)state;
    struct loan loan = begin(DEW_RESET_AUTO);
#if FLAVOUR_MARIADB
    int result;
    assert_int_equal(mysql_options(loan.mysql, MYSQL_OPT_NONBLOCK, NULL), 0);
    assert_int_not_equal(
        mysql_query_start(&result, loan.mysql, "SELECT SLEEP(0.05), 't'"), 0);
#else
    static const char sql[] = "SELECT SLEEP(0.05), 't'";
    assert_int_equal(mysql_real_query_nonblocking(loan.mysql, sql,
                                                  sizeof sql - 1),
                     NET_ASYNC_NOT_READY);
#endif
    ends_out_of_step(&loan);
}

static void
unbuffered_result_that_somebody_owns_ends_the_session(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        assert_int_equal(mysql_query(loan.mysql, "SELECT * FROM a"), 0);
        MYSQL_RES *const result = mysql_use_result(loan.mysql);
        assert_non_null(mysql_fetch_row(result));
        const enum session_state back =
            loan_return(loan.session, &loan.settings, &loan.flaw);
        mysql_free_result(result);
        assert_int_equal(back, SESSION_BROKEN);
        assert_int_equal(loan.flaw, SESSION_MID_RESULT);
        (void)close(session_hang_up(loan.session, SESSION_CUT));
    }
}

static void
statement_executed_but_not_fetched_ends_the_session(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        MYSQL_STMT *const stmt = mysql_stmt_init(loan.mysql);
        assert_int_equal(mysql_stmt_prepare(stmt, "SELECT * FROM a", 15), 0);
        assert_int_equal(mysql_stmt_execute(stmt), 0);
        ends_broken(&loan, SESSION_MID_RESULT);
        (void)mysql_stmt_close(stmt); /* after the session: still safe */
    }
}

static void
result_too_big_to_drain_ends_the_session(void **state)
{
    (void)state;
    static const char *const big[] = {
        "SELECT 1 FROM a, a b, a c", /* rows */
        "SELECT REPEAT('x', 20000) FROM a", /* bytes */
    };
    for (size_t i = 0; i < sizeof big / sizeof big[0]; i++) {
        struct loan loan = begin(DEW_RESET_AUTO);
        assert_int_equal(mysql_query(loan.mysql, big[i]), 0);
        ends_broken(&loan, SESSION_MID_RESULT);
    }
}

static void
result_too_slow_to_drain_ends_the_session_in_time(void **state)
{
    (void)state;
    struct loan loan = begin(DEW_RESET_AUTO);
    assert_int_equal(
        mysql_query(loan.mysql, "SELECT REPEAT('x',9000), SLEEP(a.id > 1) "
                                "FROM a"),
        0);
    const int64_t start_ns = clock_now_ns();
    const struct io_limit limit = {
        .deadline_ns = clock_deadline_after_ms(100),
        .cancel_fd = -1,
    };
    const enum session_state back = session_give_back(
        loan.session, &loan.settings, &limit, &loan.flaw);
    ASSERT_PROMPT(start_ns / CLOCK_NS_PER_MS, 99, 400);
    assert_int_equal(back, SESSION_BROKEN);
    assert_int_equal(loan.flaw, SESSION_MID_RESULT);
    (void)close(session_hang_up(loan.session, SESSION_CUT));
}

/* A result without rows counts as one. */
static void
too_many_results_to_drain_end_the_session(void **state)
{
    (void)state;
    enum { RESULTS = SESSION_DRAIN_ROWS + 2 };
    static char sql[RESULTS * 5 + 1];
    for (int i = 0; i < RESULTS; i++) {
        memcpy(sql + 5 * i, "DO 0;", 5);
    }
    struct loan loan = begin(DEW_RESET_AUTO);
    mysql_set_server_option(loan.mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON);
    assert_int_equal(mysql_query(loan.mysql, sql), 0);
    ends_broken(&loan, SESSION_MID_RESULT);
}

/* Letting go of the rest must not read it: the next row takes an hour. */
static void
rest_of_a_result_too_big_is_not_read(void **state)
{
    (void)state;
    struct loan loan = begin(DEW_RESET_AUTO);
    assert_int_equal(
        mysql_query(loan.mysql, "SELECT REPEAT('x', 600000), "
                                "IF(id > 3, SLEEP(3600), 0) FROM a"),
        0);
    const int64_t start_ns = clock_now_ns();
    const struct io_limit limit = {
        .deadline_ns = clock_deadline_after_ms(3000),
        .cancel_fd = -1,
    };
    assert_int_equal(session_give_back(loan.session, &loan.settings, &limit,
                                       &loan.flaw),
                     SESSION_BROKEN);
    ASSERT_PROMPT(start_ns / CLOCK_NS_PER_MS, 0, 1500);
    assert_int_equal(loan.flaw, SESSION_MID_RESULT);
    kill_session(loan.mysql);
    (void)close(session_hang_up(loan.session, SESSION_CUT));
}

static void
overgrown_buffer_ends_the_session(void **state)
{
    (void)state;
    for (int limited = 0; limited < 2; limited++) {
        struct loan loan = begin(DEW_RESET_AUTO);
        loan.settings.buffer_max_kb = limited ? 1024 : SETTINGS_OFF;
        loan_do(loan.mysql, "SELECT REPEAT('x', 2000000)");
        if (limited) {
            ends_broken(&loan, SESSION_OVERGROWN);
        } else {
            ends_at_rest(&loan);
        }
    }
}

static void
killed_while_lent_is_dead(void **state)
{
    (void)state;
    struct loan loan;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        loan = begin((dew_reset)policy);
        loan_do(loan.mysql, "DO 1");
        kill_session(loan.mysql);
        loan_await_reply(loan.mysql); /* the end of file */
        ends_broken(&loan, SESSION_DEAD);
    }
    loan = begin(DEW_RESET_NEVER);
    kill_session(loan.mysql);
    loan_await_reply(loan.mysql);
    assert_int_not_equal(mysql_query(loan.mysql, "DO 1"), 0);
    ends_broken(&loan, SESSION_DEAD);
}

static void
killed_in_a_result_is_dead(void **state)
{
    (void)state;
    struct loan loan = begin(DEW_RESET_AUTO);
    assert_int_equal(
        mysql_query(loan.mysql, "SELECT REPEAT('x',9000), SLEEP(a.id > 1) "
                                "FROM a"),
        0);
    kill_session(loan.mysql);
    assert_null(mysql_store_result(loan.mysql));
    ends_broken(&loan, SESSION_DEAD);
}

static void
killed_before_the_answer_to_the_reset_is_dead(void **state)
{
    (void)state;
    struct loan loan = begin(DEW_RESET_AUTO);
    dew_error error = {.code = DEW_OK};
    const struct io_limit limit = {
        .deadline_ns = clock_deadline_after_ms(5000),
        .cancel_fd = -1,
    };
    loan_do(loan.mysql, "DO 1");
    test_server_freeze(server);
    assert_int_equal(session_give_back(loan.session, &loan.settings, &limit,
                                       &loan.flaw),
                     SESSION_PENDING);
    test_server_kill(server);
    assert_int_equal(session_settle(loan.session, &loan.settings, &limit,
                                    &loan.flaw, &error),
                     SESSION_BROKEN);
    assert_int_equal(loan.flaw, SESSION_DEAD);
    assert_int_equal(error.stage, DEW_STAGE_RESET);
    assert_int_not_equal(error.mysql_errno, 0);
    (void)close(session_hang_up(loan.session, SESSION_CUT));
    test_server_restart(server);
}

/* ---- statements ---- */

static void
statements_left_open_are_let_go_or_end_the_session(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    static const char open_statements[] =
        "SHOW GLOBAL STATUS WHERE Variable_name = 'Prepared_stmt_count' AND "
        "Value > 0";
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        MYSQL_STMT *const first = mysql_stmt_init(loan.mysql);
        MYSQL_STMT *const second = mysql_stmt_init(loan.mysql);
        assert_int_equal(mysql_stmt_prepare(first, "SELECT 1", 8), 0);
        assert_int_equal(mysql_stmt_prepare(second, "SELECT 2", 8), 0);
        assert_true(test_server_text(server, open_statements, text,
                                     sizeof text));
        if (policy >= DEW_RESET_ROLLBACK) {
            ends_broken(&loan, SESSION_STATEMENTS);
            (void)mysql_stmt_close(first);
            (void)mysql_stmt_close(second);
            continue;
        }
        loan_return_and_lend(loan.session, &loan.settings);
        assert_false(test_server_text(server, open_statements, text,
                                      sizeof text));
        /* The old borrower's late close says nothing to the server. */
        loan_send(loan.mysql, "SELECT 'mine'");
        assert_int_not_equal(mysql_stmt_execute(first), 0);
        (void)mysql_stmt_close(first);
        (void)mysql_stmt_close(second);
        assert_false(mysql_read_query_result(loan.mysql));
        mysql_free_result(mysql_store_result(loan.mysql));
        ends_at_rest(&loan);
    }
}

static void
statement_that_was_only_initialised_is_let_go(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        struct loan loan = begin((dew_reset)policy);
        MYSQL_STMT *const stmt = mysql_stmt_init(loan.mysql);
        loan_return_and_lend(loan.session, &loan.settings);
        assert_int_not_equal(mysql_stmt_prepare(stmt, "SELECT 1", 8), 0);
        (void)mysql_stmt_close(stmt);
        ends_at_rest(&loan);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_loan_costs_nothing_and_is_kept),
        cmocka_unit_test(stored_results_are_no_dirt),
        cmocka_unit_test(results_that_nobody_took_are_drained),
        cmocka_unit_test(multiple_results_half_read_are_drained),
        cmocka_unit_test(result_that_ends_in_an_error_is_drained),
        cmocka_unit_test(query_killed_in_mid_result_does_not_end_the_session),
        cmocka_unit_test(errors_of_the_application_are_no_dirt),
        cmocka_unit_test(statement_closed_last_is_no_unread_reply),
        cmocka_unit_test(counter_that_wrapped_is_no_unread_reply),
        cmocka_unit_test(unread_reply_ends_the_session),
        cmocka_unit_test(one_read_of_two_sent_ends_the_session),
        cmocka_unit_test(second_reply_still_in_flight_ends_the_session),
        cmocka_unit_test(reply_behind_a_drained_result_ends_the_session),
        cmocka_unit_test(fatal_error_left_on_the_handle_ends_the_session),
        cmocka_unit_test(second_reply_that_came_later_ends_the_session),
        cmocka_unit_test(reply_masked_by_a_statement_close_ends_the_session),
        cmocka_unit_test(huge_query_without_a_read_ends_the_session),
        cmocka_unit_test(call_abandoned_half_way_ends_the_session),
        cmocka_unit_test(
            unbuffered_result_that_somebody_owns_ends_the_session),
        cmocka_unit_test(statement_executed_but_not_fetched_ends_the_session),
        cmocka_unit_test(result_too_big_to_drain_ends_the_session),
        cmocka_unit_test(too_many_results_to_drain_end_the_session),
        cmocka_unit_test(result_too_slow_to_drain_ends_the_session_in_time),
        cmocka_unit_test(rest_of_a_result_too_big_is_not_read),
        cmocka_unit_test(overgrown_buffer_ends_the_session),
        cmocka_unit_test(killed_while_lent_is_dead),
        cmocka_unit_test(killed_in_a_result_is_dead),
        cmocka_unit_test(killed_before_the_answer_to_the_reset_is_dead),
        cmocka_unit_test(statements_left_open_are_let_go_or_end_the_session),
        cmocka_unit_test(statement_that_was_only_initialised_is_let_go),
    };
    prompt_watch();
    static const char *const arguments[] = {"--max-allowed-packet=64M", NULL};
    server = test_server_start(arguments);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
