/* SPDX-License-Identifier: MIT */
/* Goal: a session whose deadline has passed is lent again only when the KILL's
 * own answer was read: what the server has not confirmed may still hit the next
 * borrower. Method: a scripted server answers KILL QUERY late or at once; the
 * loan comes back in between, and the session's id tells what became of it. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/prompt.h"
#include "fixture/scripted_kit.h"
#include "keeper/deadline.h"
#include "keeper/pool.h"

#define LATE_MS 1000 /* far longer than a return waits for it */

static dew_script_server *server;

/* No socket is cut for being late. */
static dew_pool *
open_pool(void)
{
    dew_config config;

    script_config(&config, server, false);
    config.kill_timeout_ms = config.ping_timeout_ms = KIT_PATIENCE_MS;
    config.keepalive_ms = config.idle_timeout_ms = DEW_OFF;
    return kit_open(&config);
}

static unsigned long
borrow_and_let_the_deadline_pass(dew_pool *pool, dew_conn *conn,
                                 unsigned after_ms)
{
    const dew_script_step answer = {.moment = DEW_SCRIPT_ANSWER,
                                    .command = DEW_SCRIPT_QUERY,
                                    .like = "KILL QUERY",
                                    .after_ms = after_ms};
    const uint64_t kills = dew_script_count(server, DEW_SCRIPT_KILLS);
    const unsigned long id = mysql_thread_id(kit_borrow(pool, conn));

    script_play(server, &answer);
    assert_int_equal(dew_deadline(conn, 1, NULL), DEW_OK);
    /* It does what it was asked, and tells so later. */
    assert_true(
        dew_script_await(server, DEW_SCRIPT_KILLS, kills + 1, KIT_PATIENCE_MS));
    return id;
}

static void
session_whose_kill_is_not_confirmed_is_not_lent_again(void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    const unsigned long id =
        borrow_and_let_the_deadline_pass(pool, &conn, LATE_MS);
    kit_return(&conn);
    assert_int_not_equal(mysql_thread_id(kit_borrow(pool, &conn)), id);
    kit_answers_are_its_own(conn.mysql);
    assert_int_equal(kit_stats(pool).retired_broken, 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
session_whose_kill_was_confirmed_is_kept(void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    const unsigned long id = borrow_and_let_the_deadline_pass(pool, &conn, 0);
    /* The side session says goodbye when it has its answer. */
    const uint64_t ended = dew_script_count(server, DEW_SCRIPT_ENDED);
    assert_true(ended > 0 ||
                dew_script_await(server, DEW_SCRIPT_ENDED, 1, KIT_PATIENCE_MS));
    (void)dew_deadline(&conn, -1, NULL);
    kit_return(&conn);
    assert_int_equal(mysql_thread_id(kit_borrow(pool, &conn)), id);
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    kit_close(pool);
}

/* The thread of deadlines is through with it when nobody is asked any more. */
static void
wait_for_the_answer(const char *name, void *settings)
{
    if (strcmp(name, "deadline.late") == 0) {
        deadline_forget(settings);
    }
}

/* Its return has waited for as long as it may. The thread has the last word on it:
 * it would put it back among the deadlines that are still to come. */
static void
kill_that_is_answered_as_its_loan_ends_leaves_nothing_behind(void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    (void)borrow_and_let_the_deadline_pass(pool, &conn, LATE_MS);
    race_hook(wait_for_the_answer, (void *)(uintptr_t)pool->settings);
    kit_return(&conn);
    race_hook(NULL, NULL);
    deadline_forget(pool->settings);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_deadline(&conn, KIT_PATIENCE_MS, NULL), DEW_OK);
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    kit_close(pool);
}

/* It has no room for the KILL's own session. Nothing is to be waited for. */
static void
query_ends_at_once_whose_kill_is_refused(void **state)
{
    static const dew_script_step steps[] = {{.moment = DEW_SCRIPT_GREETING,
                                             .say = DEW_SCRIPT_ERROR,
                                             .number = 1040,
                                             .text = "Too many connections",
                                             .then = DEW_SCRIPT_CLOSE},
                                            {.moment = DEW_SCRIPT_ANSWER,
                                             .command = DEW_SCRIPT_QUERY,
                                             .like = "never",
                                             .say = DEW_SCRIPT_NOTHING,
                                             .then = DEW_SCRIPT_SILENCE}};
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    MYSQL *const mysql = kit_borrow(pool, &conn);
    assert_true(dew_script_play(server, steps, 2));
    const int64_t since_ms = kit_now_ms();
    assert_int_equal(dew_deadline(&conn, 20, NULL), DEW_OK);
    assert_int_not_equal(mysql_query(mysql, "SELECT 'never'"), 0);
    assert_int_equal(mysql_errno(mysql), 2013);
    ASSERT_PROMPT(since_ms, 20, KIT_PATIENCE_MS / 2);
    script_play(server, NULL);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_broken, 1);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_return(&conn);
    kit_close(pool);
}

static int
start(void **state)
{
    (void)state;
    server = script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    return 0;
}

static int
end_server(void **state)
{
    (void)state;
    script_stop(server);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            session_whose_kill_is_not_confirmed_is_not_lent_again, start, end_server),
        cmocka_unit_test_setup_teardown(
            session_whose_kill_was_confirmed_is_kept, start, end_server),
        cmocka_unit_test_setup_teardown(
            kill_that_is_answered_as_its_loan_ends_leaves_nothing_behind,
            start, end_server),
        cmocka_unit_test_setup_teardown(
            query_ends_at_once_whose_kill_is_refused, start, end_server),
    };

    prompt_watch();

    return cmocka_run_group_tests(tests, NULL, NULL);
}
