/* SPDX-License-Identifier: MIT */
/* Goal: the clean-up is sent at return, costs no waiting there, and is proven
 * before the session is lent again. Method: look between give_back and settle
 * with a frozen, a refusing and a dying server, and at what the policies keep. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "fixture/loan.h"
#include "fixture/prompt.h"
#include "fixture/relay.h"
#include "session/flavour.h"
#include "session/quick.h"

/* What a busy machine may add. Who does not keep a limit takes 2 s. */
#define SLACK_MS 300

static struct test_server *server;

static struct io_limit
within_ms(int64_t ms)
{
    return (struct io_limit){
        .deadline_ns = clock_deadline_after_ms(ms),
        .cancel_fd = -1,
    };
}

static int64_t
ms_since(int64_t start_ns, int64_t most_ms)
{
    return prompt_ms(start_ns / CLOCK_NS_PER_MS,
                     (clock_now_ns() - start_ns) / CLOCK_NS_PER_MS, most_ms);
}

static struct session *
open_session(struct settings *settings, dew_reset policy)
{
    loan_settings(settings, server);
    settings->reset = policy;
    return loan_open(settings);
}

/* ---- the mark of an untouched loan ---- */


/* Each is one thing that a borrower can say to the server. */
enum {
    SAY_QUERY,
    SAY_WRONG_QUERY,
    SAY_SEND_QUERY,
    SAY_PING,
    SAY_DATABASE,
    SAY_CHARSET,
    SAY_OPTION,
    SAY_STATISTICS,
    SAY_REFRESH,
    SAY_KILL,
    SAY_RESET,
    SAY_CHANGE_USER,
    SAY_COMMIT,
    SAY_AUTOCOMMIT,
    SAY_FIELDS,
    SAY_LOAD_DATA,
    SAY_PREPARE,
    SAY_EXECUTE,
    SAY_LONG_DATA,
    SAY_STATEMENT_RESET,
    SAY_STATEMENT_CLOSE,
    SAY_END
};

static MYSQL_STMT *
prepared(MYSQL *mysql)
{
    MYSQL_STMT *const stmt = mysql_stmt_init(mysql);
    assert_int_equal(mysql_stmt_prepare(stmt, "DO LENGTH(?)", 12), 0);
    return stmt;
}

static void
bind_text(MYSQL_STMT *stmt)
{
    static char text[] = "x";
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING, .buffer = text,
                       .buffer_length = 1};
    assert_int_equal(mysql_stmt_bind_param(stmt, &bind), 0);
}

static void
say_with_statement(MYSQL_STMT *stmt, int what)
{
    switch (what) {
    case SAY_EXECUTE:
        (void)mysql_stmt_execute(stmt);
        break;
    case SAY_LONG_DATA:
        (void)mysql_stmt_send_long_data(stmt, 0, "x", 1);
        break;
    case SAY_STATEMENT_RESET:
        (void)mysql_stmt_reset(stmt);
        break;
    case SAY_STATEMENT_CLOSE:
        (void)mysql_stmt_close(stmt);
        break;
    default:
        (void)mysql_stmt_prepare(stmt, "SELECT 1", 8);
    }
}

static void
say(MYSQL *mysql, int what)
{
    static const char load[] =
        "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE a";
    switch (what) {
    case SAY_QUERY:
        loan_do(mysql, "SELECT * FROM a");
        break;
    case SAY_WRONG_QUERY:
        (void)mysql_query(mysql, "SELEC");
        break;
    case SAY_SEND_QUERY:
        loan_send(mysql, "DO 0");
        break;
    case SAY_PING:
        (void)mysql_ping(mysql);
        break;
    case SAY_DATABASE:
        (void)mysql_select_db(mysql, "t");
        break;
    case SAY_CHARSET:
        (void)mysql_set_character_set(mysql, "utf8mb4");
        break;
    case SAY_OPTION:
        (void)mysql_set_server_option(mysql,
                                      MYSQL_OPTION_MULTI_STATEMENTS_OFF);
        break;
    case SAY_STATISTICS:
        (void)mysql_stat(mysql);
        break;
#if FLAVOUR_MARIADB /* Oracle's library has dropped them */
    case SAY_REFRESH:
        (void)mysql_refresh(mysql, REFRESH_STATUS);
        break;
    case SAY_KILL:
        (void)mysql_kill(mysql, 4000000000UL);
        break;
#endif
    case SAY_RESET:
        (void)mysql_reset_connection(mysql);
        break;
    case SAY_CHANGE_USER:
        (void)mysql_change_user(mysql, "app", "app", "t");
        break;
    case SAY_COMMIT:
        (void)mysql_commit(mysql);
        break;
    case SAY_AUTOCOMMIT:
        (void)mysql_autocommit(mysql, 1);
        break;
    case SAY_FIELDS:
        mysql_free_result(mysql_list_tables(mysql, NULL));
        break;
    default:
        (void)mysql_query(mysql, load);
    }
}

static void
every_command_takes_the_mark_away(void **state)
{
    (void)state;
    struct settings settings;
    for (int what = 0; what < SAY_END; what++) {
        struct session *const session =
            open_session(&settings, DEW_RESET_AUTO);
        MYSQL *const mysql = session_handle(session);
        MYSQL_STMT *stmt = what > SAY_PREPARE    ? prepared(mysql)
                           : what == SAY_PREPARE ? mysql_stmt_init(mysql)
                                                 : NULL;
        if (what == SAY_EXECUTE || what == SAY_LONG_DATA) {
            bind_text(stmt);
        }
        session_lend(session);
        const unsigned mark = mysql->net.pkt_nr;
        if (stmt != NULL) {
            say_with_statement(stmt, what);
        } else {
            say(mysql, what);
        }
        if (mysql->net.pkt_nr == mark) {
            fail_msg("command %d left the mark", what);
        }
        if (stmt != NULL && what != SAY_STATEMENT_CLOSE) {
            (void)mysql_stmt_close(stmt);
        }
        (void)close(session_hang_up(session, SESSION_CUT));
    }
}

static void
what_says_nothing_leaves_the_mark(void **state)
{
    (void)state;
    char quoted[8];
    struct settings settings;
    struct session *const session = open_session(&settings, DEW_RESET_AUTO);
    MYSQL *const mysql = loan_lend(session);
    const unsigned mark = mysql->net.pkt_nr;
    (void)mysql_real_escape_string(mysql, quoted, "'", 1);
    (void)mysql_store_result(mysql);
    (void)mysql_next_result(mysql);
    (void)mysql_more_results(mysql);
    (void)mysql_character_set_name(mysql);
    (void)mysql_get_server_info(mysql);
    (void)mysql_stmt_close(mysql_stmt_init(mysql));
    assert_int_equal(mysql->net.pkt_nr, mark);
    loan_end(session);
}

/* ---- between give_back and settle ---- */

static void
return_does_not_wait_for_a_frozen_server(void **state)
{
    (void)state;
    static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ALWAYS,
                                         DEW_RESET_ROLLBACK};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct settings settings;
        enum session_flaw flaw;
        dew_error error = {.code = DEW_OK};
        struct session *const session =
            open_session(&settings, policies[i]);
        struct io_limit limit = within_ms(2000);
        loan_do(loan_lend(session), "DO 1");
        test_server_freeze(server);
        int64_t start_ns = clock_now_ns();
        const enum session_state back =
            session_give_back(session, &settings, &limit, &flaw);
        const int64_t give_ms = ms_since(start_ns, SLACK_MS);
        start_ns = clock_now_ns();
        limit = within_ms(100);
        const enum session_state settled =
            session_settle(session, &settings, &limit, &flaw, &error);
        const int64_t settle_ms = ms_since(start_ns, 100 + SLACK_MS);
        test_server_thaw(server);
        assert_int_equal(back, SESSION_PENDING);
        assert_true(give_ms <= SLACK_MS);
        assert_int_equal(settled, SESSION_BROKEN);
        assert_int_equal(flaw, SESSION_RESET_REFUSED);
        assert_true(settle_ms >= 99 && settle_ms <= 100 + SLACK_MS);
        assert_int_equal(error.code, DEW_ECONNECT);
        assert_int_equal(error.stage, DEW_STAGE_RESET);
        (void)close(session_hang_up(session, SESSION_CUT));
    }
}

static void
settle_gives_up_at_once_when_it_is_cancelled(void **state)
{
    (void)state;
    int cancel[2];
    struct settings settings;
    enum session_flaw flaw;
    struct session *const session = open_session(&settings, DEW_RESET_AUTO);
    struct io_limit limit = within_ms(2000);
    assert_int_equal(pipe(cancel), 0);
    assert_int_equal(write(cancel[1], "x", 1), 1);
    loan_do(loan_lend(session), "DO 1");
    test_server_freeze(server);
    const enum session_state back =
        session_give_back(session, &settings, &limit, &flaw);
    const int64_t start_ns = clock_now_ns();
    limit.cancel_fd = cancel[0];
    const enum session_state settled =
        session_settle(session, &settings, &limit, &flaw, NULL);
    const int64_t took_ms = ms_since(start_ns, SLACK_MS);
    test_server_thaw(server);
    assert_int_equal(back, SESSION_PENDING);
    assert_int_equal(settled, SESSION_BROKEN);
    assert_true(took_ms <= SLACK_MS);
    (void)close(cancel[0]);
    (void)close(cancel[1]);
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
locks_are_free_before_anybody_settles(void **state)
{
    (void)state;
    static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ROLLBACK};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct settings settings;
        enum session_flaw flaw;
        const struct io_limit limit = within_ms(2000);
        struct session *const session =
            open_session(&settings, policies[i]);
        MYSQL *const mysql = loan_lend(session);
        loan_do(mysql, "BEGIN");
        loan_do(mysql, "UPDATE a SET v = 'dirty' WHERE id = 7");
        assert_int_equal(
            session_give_back(session, &settings, &limit, &flaw),
            SESSION_PENDING);
        /* Waits for the row's lock; an error if nobody lets go of it. */
        assert_int_equal(test_server_exec(server,
                                          "SET innodb_lock_wait_timeout = 5"),
                         0);
        assert_int_equal(
            test_server_exec(server, "UPDATE t.a SET v = 'row 7' "
                                     "WHERE id = 7"),
            0);
        assert_int_equal(session_settle(session, &settings, &limit, &flaw,
                                        NULL),
                         SESSION_AT_REST);
        loan_end(session);
    }
}

/* ---- what the flags deny ---- */

/* A procedure that fails in the middle: its error carries no flags, so the
 * handle still says "autocommit, no transaction". */
static int64_t
rows_kept_of_the_next_borrower(dew_reset policy, const char *procedure)
{
    char text[LOAN_TEXT];
    struct settings settings;
    struct session *const session = open_session(&settings, policy);
    MYSQL *mysql = loan_lend(session);
    assert_int_equal(test_server_exec(server, "DELETE FROM t.a WHERE id = "
                                              "2001"),
                     0);
    assert_string_equal(loan_ask(mysql, procedure, text), "error 1644");
    assert_int_equal(mysql->server_status & SERVER_STATUS_IN_TRANS, 0);
    assert_int_not_equal(mysql->server_status & SERVER_STATUS_AUTOCOMMIT, 0);
    mysql = loan_return_and_lend(session, &settings);
    loan_do(mysql, "INSERT INTO a VALUES (2001, 'committed')");
    loan_end(session);
    return test_server_scalar(server,
                              "SELECT COUNT(*) FROM t.a WHERE id = 2001");
}

static void
make_failing_procedures(void)
{
    assert_int_equal(
        test_server_exec(
            server, "CREATE PROCEDURE t.fail_open() BEGIN "
                    "START TRANSACTION; UPDATE t.a SET v = v WHERE id = 2; "
                    "SIGNAL SQLSTATE '45000'; END"),
        0);
    assert_int_equal(
        test_server_exec(
            server, "CREATE PROCEDURE t.fail_auto() BEGIN "
                    "SET autocommit = 0; SIGNAL SQLSTATE '45000'; END"),
        0);
}

static void
release_rolls_back_a_transaction_that_the_flags_deny(void **state)
{
    (void)state;
    static const char *const procedures[] = {"CALL fail_open()",
                                             "CALL fail_auto()"};
    make_failing_procedures();
    for (size_t i = 0; i < 2; i++) {
        for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_ROLLBACK;
             policy++) {
            assert_int_equal(rows_kept_of_the_next_borrower(
                                 (dew_reset)policy, procedures[i]),
                             1);
        }
        /* What the policies above are for: the write is lost. */
        assert_int_equal(rows_kept_of_the_next_borrower(DEW_RESET_NEVER,
                                                        procedures[i]),
                         0);
    }
}

/* ---- the cheaper policies ---- */

static void
rollback_clears_the_transaction_and_keeps_the_rest(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    struct settings settings;
    struct session *const session =
        open_session(&settings, DEW_RESET_ROLLBACK);
    MYSQL *const mysql = loan_lend(session);
    loan_do(mysql, "SET @kept = 'kept', autocommit = 0");
    loan_do(mysql, "INSERT INTO a VALUES (1003, 'lost')");
    loan_return_and_lend(session, &settings);
    assert_string_equal(
        loan_ask(mysql, "SELECT COUNT(*) FROM a WHERE id = 1003", text), "0");
    assert_string_equal(loan_ask(mysql, "SELECT @@autocommit", text), "1");
    assert_string_equal(loan_ask(mysql, "SELECT @kept", text), "kept");
    loan_end(session);
}

static void
rollback_begins_no_new_transaction_and_does_not_hang_up(void **state)
{
    (void)state;
    static const char *const types[] = {"SET completion_type = 'CHAIN'",
                                        "SET completion_type = 'RELEASE'"};
    for (size_t i = 0; i < 2; i++) {
        struct settings settings;
        struct session *const session =
            open_session(&settings, DEW_RESET_ROLLBACK);
        MYSQL *const mysql = loan_lend(session);
        loan_do(mysql, types[i]);
        loan_do(mysql, "BEGIN");
        loan_return_and_lend(session, &settings);
        assert_int_equal(mysql->server_status & SERVER_STATUS_IN_TRANS, 0);
        loan_do(mysql, "DO 1");
        loan_end(session);
    }
}

static void
rollback_that_is_refused_ends_the_session(void **state)
{
    (void)state;
    struct settings settings;
    enum session_flaw flaw;
    struct session *const session =
        open_session(&settings, DEW_RESET_ROLLBACK);
    MYSQL *const mysql = loan_lend(session);
    loan_do(mysql, "XA START 'x'");
    loan_do(mysql, "UPDATE a SET v = v WHERE id = 3");
    assert_int_equal(loan_return(session, &settings, &flaw), SESSION_BROKEN);
    assert_int_equal(flaw, SESSION_RESET_REFUSED);
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
reset_never_leaves_everything_as_it_was(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    struct settings settings;
    struct session *const session = open_session(&settings, DEW_RESET_NEVER);
    MYSQL *const mysql = loan_lend(session);
    loan_do(mysql, "SET @kept = 'kept', autocommit = 0");
    loan_return_and_lend(session, &settings);
    assert_string_equal(
        loan_ask(mysql, "SELECT CONCAT(@kept, @@autocommit + 0)", text),
        "kept0");
    loan_end(session);
}

/* ---- refused ---- */

static void
count_the_line(int level, const char *line, void *arg)
{
    unsigned *const told = arg;
    (void)level;
    *told += strstr(line, "its returns wait") != NULL;
}

/* A server may also be replaced behind a proxy while the session lives: so
 * both from the beginning and from the second return on. */
static void
server_without_the_reset_command_gets_change_user(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    for (int from = 0; from < 2; from++) {
        unsigned told = 0;
        struct test_relay *const relay = test_relay_start(server);
        struct settings settings;
        loan_settings(&settings, server);
        settings.unix_socket = (char *)(uintptr_t)test_relay_socket(relay);
        settings.on_log = count_the_line;
        settings.on_log_arg = &told;
        if (from == 0) {
            test_relay_set(relay, RELAY_REFUSES);
        }
        struct session *const session = loan_open(&settings);
        MYSQL *const mysql = loan_lend(session);
        for (int i = 0; i < 3; i++) {
            loan_do(mysql, "CREATE TEMPORARY TABLE scratch (x INT)");
            loan_do(mysql, "SET @left = 1, autocommit = 0");
            loan_do(mysql, "USE information_schema");
            assert_int_equal(mysql_set_character_set(mysql, "latin1"), 0);
            loan_return_and_lend(session, &settings);
            assert_string_equal(
                loan_ask(mysql, "SELECT CONCAT_WS(' ', IFNULL(@left, 'no'), "
                                "@@autocommit + 0, DATABASE(), "
                                "@@character_set_client)",
                         text),
                "no 1 t utf8mb4");
            assert_string_equal(mysql_character_set_name(mysql), "utf8mb4");
            test_relay_set(relay, RELAY_REFUSES);
        }
        loan_end(session);
        /* Asked once, and remembered. */
        assert_int_equal(test_relay_tampered(relay), 1);
        assert_int_equal(told, 1);
        test_relay_stop(relay);
    }
}

static void
reset_that_did_nothing_is_not_believed(void **state)
{
    (void)state;
    enum session_flaw flaw;
    struct test_relay *const relay = test_relay_start(server);
    struct settings settings;
    loan_settings(&settings, server);
    settings.unix_socket = (char *)(uintptr_t)test_relay_socket(relay);
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    test_relay_set(relay, RELAY_IGNORES);
    loan_do(mysql, "BEGIN");
    loan_do(mysql, "INSERT INTO a VALUES (1004, 'open')");
    assert_int_equal(loan_return(session, &settings, &flaw), SESSION_BROKEN);
    assert_int_equal(flaw, SESSION_RESET_REFUSED);
    (void)close(session_hang_up(session, SESSION_CUT));
    test_relay_stop(relay);
}

static void
session_whose_database_is_gone_is_not_kept(void **state)
{
    (void)state;
    static char gone[] = "t_gone";
    struct settings settings;
    enum session_flaw flaw;
    assert_int_equal(test_server_exec(server, "CREATE DATABASE t_gone"), 0);
    assert_int_equal(
        test_server_exec(server, "GRANT ALL ON t_gone.* TO app"), 0);
    loan_settings(&settings, server);
    settings.database = gone;
    struct session *const session = loan_open(&settings);
    loan_do(loan_lend(session), "USE t");
    assert_int_equal(test_server_exec(server, "DROP DATABASE t_gone"), 0);
    assert_int_equal(loan_return(session, &settings, &flaw), SESSION_BROKEN);
    assert_int_equal(flaw, SESSION_RESET_REFUSED);
    loan_end(session);
}

/* init_sql writes into the session's own database: never into the one that
 * a borrower moved to, whatever the handle or the server believes. */
static void
init_sql_never_runs_in_another_database(void **state)
{
    (void)state;
    static char ours[] = "t_ours", init_sql[] = "INSERT INTO journal SELECT 1";
    static const char *const moves[] = {
        "USE t; DROP DATABASE t_ours",
        "SET session_track_schema = 0; USE t",
    };
    struct settings settings;
    enum session_flaw flaw;
    assert_int_equal(test_server_exec(server, "GRANT ALL ON t_ours.* TO app"),
                     0);
    assert_int_equal(test_server_exec(server, "CREATE TABLE t.journal (n INT)"),
                     0);
    loan_settings(&settings, server);
    settings.database = ours;
    settings.init_sql = init_sql;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            test_server_exec(server, "CREATE DATABASE IF NOT EXISTS t_ours"),
            0);
        assert_int_equal(test_server_exec(server, "CREATE TABLE IF NOT EXISTS "
                                                  "t_ours.journal (n INT)"),
                         0);
        struct session *const session = loan_open(&settings);
        MYSQL *const mysql = loan_lend(session);
        assert_int_equal(mysql_set_server_option(
                             mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON),
                         0);
        loan_do(mysql, moves[i]);
        const bool gone = i == 0;
        assert_int_equal(loan_return(session, &settings, &flaw),
                         gone ? SESSION_BROKEN : SESSION_AT_REST);
        assert_int_equal(flaw, gone ? SESSION_RESET_REFUSED : SESSION_SOUND);
        loan_end(session);
        assert_int_equal(
            test_server_scalar(server, "SELECT COUNT(*) FROM t.journal"), 0);
    }
    assert_int_equal(
        test_server_scalar(server, "SELECT COUNT(*) FROM t_ours.journal"), 2);
}

static void
each_failing_reset_ends_the_session_and_says_why(void **state)
{
    (void)state;
    uint32_t nth = 0;
    enum session_state last;
    do {
        struct settings settings;
        enum session_flaw flaw;
        struct session *const session =
            open_session(&settings, DEW_RESET_AUTO);
        loan_do(loan_lend(session), "DO 1");
        fault_arm(FAULT_RESET, ++nth, false);
        last = loan_return(session, &settings, &flaw);
        fault_arm(FAULT_RESET, 0, false);
        assert_int_equal(last == SESSION_BROKEN,
                         flaw == SESSION_RESET_REFUSED);
        (void)close(session_hang_up(session, SESSION_CUT));
    } while (last == SESSION_BROKEN && nth < 20);
    assert_true(nth >= 3 && nth <= 19);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_takes_the_mark_away),
        cmocka_unit_test(what_says_nothing_leaves_the_mark),
        cmocka_unit_test(return_does_not_wait_for_a_frozen_server),
        cmocka_unit_test(settle_gives_up_at_once_when_it_is_cancelled),
        cmocka_unit_test(locks_are_free_before_anybody_settles),
        cmocka_unit_test(release_rolls_back_a_transaction_that_the_flags_deny),
        cmocka_unit_test(rollback_clears_the_transaction_and_keeps_the_rest),
        cmocka_unit_test(
            rollback_begins_no_new_transaction_and_does_not_hang_up),
        cmocka_unit_test(rollback_that_is_refused_ends_the_session),
        cmocka_unit_test(reset_never_leaves_everything_as_it_was),
        cmocka_unit_test(server_without_the_reset_command_gets_change_user),
        cmocka_unit_test(reset_that_did_nothing_is_not_believed),
        cmocka_unit_test(session_whose_database_is_gone_is_not_kept),
        cmocka_unit_test(init_sql_never_runs_in_another_database),
        cmocka_unit_test(each_failing_reset_ends_the_session_and_says_why),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
