/* SPDX-License-Identifier: MIT */
/* Goal: a deadline ends what runs also if the server confirms the KILL and goes
 * on, and leaves alone what has moved on since. Method: a scripted server that
 * confirms, and then sends rows without end, or nothing; and says, or does not,
 * that the session rests. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/prompt.h"
#include "fixture/scripted_kit.h"

/* As long as the KILL itself, and the look, may take: a crowded machine's second. */
#define LOOK_AFTER_MS 1000
#define DEADLINE_MS 20

static dew_script_server *server;

static dew_pool *
open_pool(void)
{
    dew_config config;

    script_config(&config, server, false);
    config.kill_timeout_ms = KIT_PATIENCE_MS;
    config.ping_timeout_ms = LOOK_AFTER_MS;
    config.read_timeout_ms = KIT_PATIENCE_MS;
    config.keepalive_ms = config.idle_timeout_ms = DEW_OFF;
    return kit_open(&config);
}

/* Reads until it ends, or for as long as the test has patience. */
static unsigned
run_never(MYSQL *mysql)
{
    const int64_t until_ms = kit_now_ms() + KIT_PATIENCE_MS;
    MYSQL_RES *result = NULL;

    if (mysql_query(mysql, "SELECT 'never'") == 0) {
        result = mysql_use_result(mysql);
    }
    while (result != NULL && mysql_fetch_row(result) != NULL) {
        assert_true(kit_now_ms() < until_ms);
    }
    const unsigned number = mysql_errno(mysql);
    mysql_free_result(result);
    return number;
}

static void
ends_although_the_server_goes_on(dew_script_say say, dew_script_then then)
{
    const dew_script_step step = {.moment = DEW_SCRIPT_ANSWER,
                                  .command = DEW_SCRIPT_QUERY,
                                  .like = "never",
                                  .say = say,
                                  .then = then};
    const uint64_t kills = dew_script_count(server, DEW_SCRIPT_KILLS);
    dew_conn conn;

    dew_pool *const pool = open_pool();
    MYSQL *const mysql = kit_borrow(pool, &conn);
    script_play(server, &step);
    const int64_t since_ms = kit_now_ms();
    assert_int_equal(dew_deadline(&conn, DEADLINE_MS, NULL), DEW_OK);
    assert_int_equal(run_never(mysql), 2013);
    ASSERT_PROMPT(since_ms, DEADLINE_MS + LOOK_AFTER_MS, KIT_PATIENCE_MS / 2);
    /* It had said that it did it. */
    assert_int_equal(dew_script_count(server, DEW_SCRIPT_KILLS), kills + 1);
    script_play(server, NULL);
    assert_int_equal(dew_deadline(&conn, -1, NULL), DEW_ECONNECT);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_broken, 1);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_return(&conn);
    kit_close(pool);
}

static void
rows_without_end_are_cut_though_the_kill_was_confirmed(void **state)
{
    (void)state;
    ends_although_the_server_goes_on(DEW_SCRIPT_ENDLESS, DEW_SCRIPT_GO_ON);
}

static void
silence_is_cut_though_the_kill_was_confirmed(void **state)
{
    (void)state;
    ends_although_the_server_goes_on(DEW_SCRIPT_NOTHING, DEW_SCRIPT_SILENCE);
}

/* A loan whose deadline has passed; its server is asked twice if it says "unsure"
 * (2) at first, and then `says`. Returns when that was asked, and the side
 * sessions are gone. */
static MYSQL *
rest_until_the_looks(dew_pool *pool, dew_conn *conn, bool is_unsure,
                     const char *says)
{
    const dew_script_step then = {.moment = DEW_SCRIPT_ANSWER,
                                  .command = DEW_SCRIPT_QUERY,
                                  .like = "PROCESSLIST",
                                  .say = DEW_SCRIPT_ROWS,
                                  .text = says};
    dew_script_step steps[2] = {then, then};
    MYSQL *const mysql = kit_borrow(pool, conn);
    const uint64_t ended = dew_script_count(server, DEW_SCRIPT_ENDED);

    steps[0].times = 1;
    steps[0].text = is_unsure ? "rests\n2" : says;
    assert_true(dew_script_play(server, steps, 2));
    assert_int_equal(dew_deadline(conn, 1, NULL), DEW_OK);
    assert_true(dew_script_await(server, DEW_SCRIPT_ENDED,
                                 ended + (is_unsure ? 3 : 2), KIT_PATIENCE_MS));
    return mysql;
}

static MYSQL *
rest_until_the_look(dew_pool *pool, dew_conn *conn, const char *says)
{
    return rest_until_the_looks(pool, conn, false, says);
}

static void
return_what_is_cut(dew_pool *pool, dew_conn *conn)
{
    KIT_AWAIT(mysql_query(conn->mysql, "SELECT 1") != 0 ||
              (mysql_free_result(mysql_store_result(conn->mysql)), false));
    kit_return(conn);
    assert_int_equal(kit_stats(pool).retired_broken, 1);
}

static void
loan_that_rests_is_left_alone(void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    kit_answers_are_its_own(rest_until_the_look(pool, &conn, "rests\n1"));
    assert_int_equal(dew_deadline(&conn, -1, NULL), DEW_OK);
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    kit_close(pool);
}

static void
no_from_the_server_is_taken_for_one(void **state)
{
    dew_conn conn;

    (void)state;
    for (int i = 0; i < 2; i++) {
        dew_pool *const pool = open_pool();
        (void)rest_until_the_look(pool, &conn,
                                  i == 0 ? "rests\n0" : "rests\n\\N");
        return_what_is_cut(pool, &conn);
        script_play(server, NULL);
        kit_close(pool);
    }
}

/* Whole seconds leave it open, at first, whether it is the same statement. */
static void
server_that_is_unsure_is_asked_once_more(void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    (void)rest_until_the_looks(pool, &conn, true, "rests\n1");
    assert_int_equal(dew_script_played(server, NULL), 2);
    kit_answers_are_its_own(conn.mysql);
    assert_int_equal(dew_deadline(&conn, -1, NULL), DEW_OK);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    kit_close(pool);
}

static void
server_that_stays_unsure_is_not_believed(void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    (void)rest_until_the_looks(pool, &conn, true, "rests\n2");
    return_what_is_cut(pool, &conn);
    kit_close(pool);
}

static void
server_that_cannot_be_asked_is_not_believed(void **state)
{
    const dew_script_step full = {.moment = DEW_SCRIPT_GREETING,
                                  .say = DEW_SCRIPT_ERROR,
                                  .number = 1040,
                                  .text = "Too many connections",
                                  .then = DEW_SCRIPT_CLOSE};
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    (void)kit_borrow(pool, &conn);
    const uint64_t ended = dew_script_count(server, DEW_SCRIPT_ENDED);
    assert_int_equal(dew_deadline(&conn, 1, NULL), DEW_OK);
    assert_true(
        dew_script_await(server, DEW_SCRIPT_ENDED, ended + 1, KIT_PATIENCE_MS));
    script_play(server, &full);
    return_what_is_cut(pool, &conn);
    assert_int_equal(dew_script_played(server, NULL), 1);
    script_play(server, NULL);
    kit_close(pool);
}

/* Moved, disarmed, or returned: then there is nothing to look for. */
static void
deadline_that_is_over_is_not_looked_after(void **state)
{
    const dew_script_step no = {.moment = DEW_SCRIPT_ANSWER,
                                .command = DEW_SCRIPT_QUERY,
                                .name = "asked",
                                .like = "PROCESSLIST",
                                .say = DEW_SCRIPT_ROWS,
                                .text = "rests\n0"};
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    MYSQL *const mysql = kit_borrow(pool, &conn);
    script_play(server, &no);
    for (int i = 0; i < 3; i++) {
        const uint64_t ended = dew_script_count(server, DEW_SCRIPT_ENDED);
        assert_int_equal(dew_deadline(&conn, 1, NULL), DEW_OK);
        assert_true(dew_script_await(server, DEW_SCRIPT_ENDED, ended + 1,
                                     KIT_PATIENCE_MS));
        assert_int_equal(dew_deadline(&conn, i == 1 ? -1 : 60000, NULL),
                         DEW_OK);
    }
    /* Longer than it would take. */
    assert_int_equal(mysql_query(mysql, "SELECT SLEEP(1.5)"), 0);
    mysql_free_result(mysql_store_result(mysql));
    assert_int_equal(dew_script_played(server, "asked"), 0);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
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

#define ON_A_SERVER(test)                                                      \
    cmocka_unit_test_setup_teardown(test, start, end_server)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_A_SERVER(rows_without_end_are_cut_though_the_kill_was_confirmed),
        ON_A_SERVER(silence_is_cut_though_the_kill_was_confirmed),
        ON_A_SERVER(loan_that_rests_is_left_alone),
        ON_A_SERVER(no_from_the_server_is_taken_for_one),
        ON_A_SERVER(server_that_is_unsure_is_asked_once_more),
        ON_A_SERVER(server_that_stays_unsure_is_not_believed),
        ON_A_SERVER(server_that_cannot_be_asked_is_not_believed),
        ON_A_SERVER(deadline_that_is_over_is_not_looked_after),
    };

    prompt_watch();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
