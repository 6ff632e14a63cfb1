/* SPDX-License-Identifier: MIT */
/* Goal: a session comes back, however dirty and whatever fails, and the next
 * borrower has a clean one.
 * Method: see fixture/countdown.h; a stage is one kind of dirt, returned and
 * borrowed again, under one way to clean it. */
/* ctest: timeout=600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/countdown.h"

#define MUST(point) COUNTDOWN_POINT(FAULT_##point)
#define MUST_CLOCK MUST(CLOCK_JUMP) | MUST(CLOCK_STILL)

/* Nor a session that is taken for alive since it came back a moment ago: the
 * borrow polls, as the return does not. */
static void
without_resets(dew_config *config)
{
    config->reset = DEW_RESET_NEVER;
    config->bypass_ms = DEW_ZERO;
}

static void
with_rollbacks(dew_config *config)
{
    config->reset = DEW_RESET_ROLLBACK;
}

static void
with_init_sql(dew_config *config)
{
    config->reset = DEW_RESET_ALWAYS;
    config->init_sql = "SET @a = 1";
}

/* --- dirt ------------------------------------------------------------------------- */

static void
borrow_and_run(struct countdown *run, const char *sql)
{
    MYSQL *const mysql = kit_borrow(run->pool, &run->conn[0]);

    assert_int_equal(mysql_query(mysql, sql), 0);
}

static void
with_a_variable(struct countdown *run)
{
    borrow_and_run(run, "SET @a = 2");
}

static void
with_a_database(struct countdown *run)
{
    borrow_and_run(run, "USE information_schema");
}

static void
with_a_begin(struct countdown *run)
{
    borrow_and_run(run, "BEGIN");
    assert_int_equal(mysql_query(run->conn[0].mysql,
                                 "UPDATE a SET v = 'dirty' WHERE id = 1"),
                     0);
}

static void
with_an_unread_result(struct countdown *run)
{
    borrow_and_run(run, "SELECT id FROM a");
}

static void
with_a_statement(struct countdown *run)
{
    static const char sql[] = "SELECT 1";
    MYSQL_STMT *const statement =
        mysql_stmt_init(kit_borrow(run->pool, &run->conn[0]));

    assert_non_null(statement);
    assert_int_equal(mysql_stmt_prepare(statement, sql, strlen(sql)), 0);
    run->own = statement;
}

static void
close_statement(struct countdown *run)
{
    assert_int_equal(mysql_stmt_close(run->own), 0);
}

static void
with_a_dead_session(struct countdown *run)
{
    MYSQL *const mysql = kit_borrow(run->pool, &run->conn[0]);

    /* By itself: the error is read, the socket is known to be gone. */
    (void)mysql_query(mysql, "KILL CONNECTION_ID()");
}

static void
with_nothing_done(struct countdown *run)
{
    (void)kit_borrow(run->pool, &run->conn[0]);
}

/* --- and its return ---------------------------------------------------------------- */

/* Whoever comes next sees nothing of it: no variable, database, transaction. */
static void
is_clean(const struct countdown *run, MYSQL *mysql)
{
    char text[LOAN_TEXT];

    /* The flags that come with an answer are true, and every server has them. */
    assert_string_equal(loan_ask(mysql, "SELECT 1", text), "1");
    assert_int_equal(mysql->server_status & SERVER_STATUS_IN_TRANS, 0);
    if (run->config.reset == DEW_RESET_NEVER ||
        run->config.reset == DEW_RESET_ROLLBACK) {
        return;
    }
    assert_string_equal(loan_ask(mysql, "SELECT DATABASE()", text), "t");
    assert_string_equal(loan_ask(mysql, "SELECT IFNULL(@a, 0)", text),
                        run->config.init_sql != NULL ? "1" : "0");
}

static void
return_and_borrow(struct countdown *run)
{
    kit_return(&run->conn[0]);
    if (countdown_borrow(run, 0)) {
        is_clean(run, run->conn[0].mysql);
        kit_return(&run->conn[0]);
    }
}

static void
discard_and_borrow(struct countdown *run)
{
    assert_int_equal(dew_discard(&run->conn[0]), DEW_OK);
    if (countdown_borrow(run, 0)) {
        is_clean(run, run->conn[0].mysql);
        kit_return(&run->conn[0]);
    }
}

static void
detach_and_borrow(struct countdown *run)
{
    MYSQL *const mysql = dew_detach(&run->conn[0]);

    assert_non_null(mysql);
    kit_answers_are_its_own(mysql);
    mysql_close(mysql);
    if (countdown_borrow(run, 0)) {
        kit_return(&run->conn[0]);
    }
}

static const struct countdown_stage stages[] = {
    {.name = "return_of_an_untouched_session_survives",
     .before = with_nothing_done,
     .act = return_and_borrow},
    {.name = "return_of_a_changed_session_survives",
     .must = MUST(RESET) | MUST(POLL) | MUST(SIGNAL) | MUST_CLOCK,
     .before = with_a_variable,
     .act = return_and_borrow},
    {.name = "return_without_threads_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(RESET) | MUST(POLL) | MUST_CLOCK,
     .before = with_a_variable,
     .act = return_and_borrow},
    {.name = "return_that_runs_init_sql_survives",
     .must = MUST(RESET) | MUST(POLL) | MUST_CLOCK,
     .configure = with_init_sql,
     .before = with_a_variable,
     .act = return_and_borrow},
    {.name = "return_from_another_database_survives",
     .must = MUST(RESET) | MUST(POLL),
     .before = with_a_database,
     .act = return_and_borrow},
    {.name = "return_amid_a_transaction_survives",
     .must = MUST(RESET) | MUST(POLL),
     .before = with_a_begin,
     .act = return_and_borrow},
    {.name = "return_that_rolls_back_survives",
     .must = MUST(RESET) | MUST(POLL),
     .configure = with_rollbacks,
     .before = with_a_begin,
     .act = return_and_borrow},
    {.name = "return_without_resets_survives",
     .must = MUST(POLL),
     .configure = without_resets,
     .before = with_a_variable,
     .act = return_and_borrow},
    {.name = "return_of_an_unread_result_survives",
     .must = MUST(RESET) | MUST(POLL) | MUST_CLOCK,
     .before = with_an_unread_result,
     .act = return_and_borrow},
    {.name = "return_of_an_open_statement_survives",
     .must = MUST(RESET) | MUST(POLL),
     .before = with_a_statement,
     .act = return_and_borrow,
     .after = close_statement},
    {.name = "return_of_a_dead_session_survives",
     .must = MUST(ALLOC) | MUST(CONNECT),
     .before = with_a_dead_session,
     .act = return_and_borrow},
    {.name = "discard_survives",
     .must = MUST(ALLOC) | MUST(CONNECT) | MUST(DESCRIPTOR),
     .before = with_a_variable,
     .act = discard_and_borrow},
    {.name = "discard_without_threads_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(ALLOC) | MUST(CONNECT) | MUST(DESCRIPTOR),
     .before = with_a_variable,
     .act = discard_and_borrow},
    {.name = "detach_survives",
     .must = MUST(ALLOC) | MUST(CONNECT),
     .before = with_a_variable,
     .act = detach_and_borrow},
};

int
main(void)
{
    return countdown_run(stages, sizeof stages / sizeof stages[0]);
}
