/* SPDX-License-Identifier: MIT */
/* Goal: the log says that a deadline cut a socket if one was cut, and only then.
 * Method: a scripted server refuses the KILL, or goes on after it, in the end; in
 * the meantime the loan is over, or is not. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/journal.h"
#include "fixture/scripted_kit.h"
#include "keeper/pool.h"

/* As long as the KILL itself, and the look, may take. */
#define LOOK_AFTER_MS 1500
/* Far longer than the end of a loan waits for a KILL, or this thread is kept off
 * its CPU; in time all the same. */
#define LATE_MS 700
/* Long enough for a close to come to its end, if it may. */
#define HELD_UP_MS 300

static dew_script_server *server;
static struct journal journal;

static void
configure(dew_config *config)
{
    script_config(config, server, false);
    config->name = "told";
    config->kill_timeout_ms = KIT_PATIENCE_MS;
    config->ping_timeout_ms = LOOK_AFTER_MS;
    config->keepalive_ms = config->idle_timeout_ms = DEW_OFF;
    journal_begin(&journal);
    config->on_log = journal_write;
    config->on_log_arg = &journal;
}

static dew_pool *
open_pool(void)
{
    dew_config config;

    configure(&config);
    return kit_open(&config);
}

/* Returns when the server has heard it, and is to answer. */
static void
pass_until_asked(dew_pool *pool, dew_conn *conn, const dew_script_step *answer)
{
    (void)kit_borrow(pool, conn);
    script_play(server, answer);
    assert_int_equal(dew_deadline(conn, 1, NULL), DEW_OK);
    KIT_AWAIT(dew_script_played(server, "asked") == 1);
}

/* The thread of deadlines has ended with its last pool: it says no more. */
static unsigned
cuts_told_by_the_end(dew_pool *pool)
{
    kit_close(pool);
    return journal_warnings(&journal, "socket is cut");
}

static const dew_script_step refusal = {.name = "asked",
                                        .moment = DEW_SCRIPT_ANSWER,
                                        .command = DEW_SCRIPT_QUERY,
                                        .like = "KILL QUERY",
                                        .say = DEW_SCRIPT_ERROR,
                                        .number = 1095,
                                        .text = "You are not owner",
                                        .after_ms = LATE_MS};
static const dew_script_step goes_on = {.name = "asked",
                                        .moment = DEW_SCRIPT_ANSWER,
                                        .command = DEW_SCRIPT_QUERY,
                                        .like = "PROCESSLIST",
                                        .say = DEW_SCRIPT_ROWS,
                                        .text = "rests\n0",
                                        .after_ms = LATE_MS};

static void
lost_loan_is_told_with_its_pool_and_why(void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *pool = open_pool();
    pass_until_asked(pool, &conn, &refusal);
    KIT_AWAIT(dew_ping(&conn, NULL) != DEW_OK);
    kit_return(&conn);
    assert_int_equal(cuts_told_by_the_end(pool), 1);
    assert_string_equal(journal_warning(&journal, "socket is cut"),
                        "told: a query past its deadline could not be killed "
                        "(You are not owner): its socket is cut");
    pool = open_pool();
    pass_until_asked(pool, &conn, &goes_on);
    KIT_AWAIT(dew_ping(&conn, NULL) != DEW_OK);
    kit_return(&conn);
    assert_int_equal(cuts_told_by_the_end(pool), 1);
    assert_string_equal(journal_warning(&journal, "socket is cut"),
                        "told: a query goes on although its KILL was "
                        "confirmed: its socket is cut");
}

/* on_log, whose pool is closed meanwhile: as far as a close may come. */
static struct {
    dew_pool *pool;
    order_u32 told;
    bool was_whole;
} telling;

static void
look_at_the_pool(int level, const char *line, void *arg)
{
    dew_stats stats = {.struct_size = sizeof(stats)};

    (void)level;
    (void)arg;
    if (strstr(line, "socket is cut") == NULL) {
        return;
    }
    order_store_seq_u32(&telling.told, 1);
    const int64_t until_ms = kit_now_ms() + HELD_UP_MS;
    while (kit_now_ms() < until_ms && pond_is_made(&telling.pool->pond)) {
        kit_look_again(INT64_MAX, "", __FILE__, __LINE__);
    }
    telling.was_whole = pond_is_made(&telling.pool->pond);
    dew_stats_read(telling.pool, &stats);
}

static void
pool_is_whole_while_its_log_is_told(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    configure(&config);
    config.on_log = look_at_the_pool;
    telling.pool = kit_open(&config);
    order_store_seq_u32(&telling.told, 0);
    pass_until_asked(telling.pool, &conn, &refusal);
    KIT_AWAIT(order_load_seq_u32(&telling.told) == 1);
    kit_return(&conn);
    kit_close(telling.pool);
    assert_true(telling.was_whole);
}

static void
connection_without_a_pool_is_told_by_the_name_of_its_config(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    configure(&config);
    assert_int_equal(dew_connect(&config, &conn, NULL), DEW_OK);
    script_play(server, &refusal);
    assert_int_equal(dew_deadline(&conn, 1, NULL), DEW_OK);
    KIT_AWAIT(dew_ping(&conn, NULL) != DEW_OK);
    kit_return(&conn);
    assert_memory_equal(journal_warning(&journal, "socket is cut"), "told: ",
                        6);
}

/* Its session is not lent again, which is no news. */
static void
loan_that_ends_while_its_kill_is_on_its_way_is_not_told_as_cut(void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    pass_until_asked(pool, &conn, &refusal);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_broken, 1);
    assert_int_equal(cuts_told_by_the_end(pool), 0);
}

static void
deadline_that_is_moved_while_its_server_is_asked_is_not_told_as_cut(
    void **state)
{
    dew_conn conn;

    (void)state;
    dew_pool *const pool = open_pool();
    pass_until_asked(pool, &conn, &goes_on);
    assert_int_equal(dew_deadline(&conn, -1, NULL), DEW_OK);
    /* Nor is it cut, however long one waits. */
    const uint64_t ended = dew_script_count(server, DEW_SCRIPT_ENDED);
    assert_true(ended == 2 || dew_script_await(server, DEW_SCRIPT_ENDED, 2,
                                               KIT_PATIENCE_MS));
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    assert_int_equal(cuts_told_by_the_end(pool), 0);
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
        ON_A_SERVER(lost_loan_is_told_with_its_pool_and_why),
        ON_A_SERVER(pool_is_whole_while_its_log_is_told),
        ON_A_SERVER(
            connection_without_a_pool_is_told_by_the_name_of_its_config),
        ON_A_SERVER(
            loan_that_ends_while_its_kill_is_on_its_way_is_not_told_as_cut),
        ON_A_SERVER(
            deadline_that_is_moved_while_its_server_is_asked_is_not_told_as_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
