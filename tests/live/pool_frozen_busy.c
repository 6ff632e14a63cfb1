/* SPDX-License-Identifier: MIT */
/* Goal: a server that stops in the middle of a query or of a close holds up
 * neither returns nor closes, nor those who borrow meanwhile. Method: SIGSTOP
 * it there, take the time, SIGCONT, and look for wrong answers. */
/* ctest: timeout=60 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "live/pool_frozen.h"

static void
return_with_a_reply_to_come(dew_pool *pool)
{
    dew_conn conn;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    test_server_freeze(server);
    loan_send(mysql, "SELECT 'stale'");
    const int64_t since_ms = kit_now_ms();
    kit_return(&conn);
    ASSERT_PROMPT(since_ms, 0, LATE_MS);
}

static void
return_in_mid_query_is_at_once_and_nobody_gets_its_answer(void **state)
{
    (void)state;
    dew_config config;
    config_for(&config);
    try_each(&config, return_with_a_reply_to_come);
}

#define ASKED "SELECT 98 +"

static bool
is_asked(void)
{
    return test_server_scalar(
               server, "SELECT COUNT(*) FROM information_schema.processlist"
                       " WHERE info LIKE '" ASKED "%'") == 1;
}

/* Until root opens the door. */
static void *
ask_slowly(void *arg)
{
    char text[LOAN_TEXT];
    dew_conn *const conn = arg;
    assert_string_equal(
        loan_ask(conn->mysql, ASKED " GET_LOCK('door', 20)", text), "99");
    kit_return(conn);
    return NULL;
}

static void
others_keep_their_deadline_while_a_query_runs(void **state)
{
    (void)state;
    dew_config config;
    int64_t times[TRIES];
    config_for(&config);
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < TRIES; i++) {
        pthread_t thread;
        dew_conn conn;
        (void)kit_borrow(pool, &conn);
        assert_int_equal(test_server_exec(server, "DO GET_LOCK('door', 9)"),
                         0);
        assert_int_equal(pthread_create(&thread, NULL, ask_slowly, &conn), 0);
        KIT_AWAIT(is_asked());
        test_server_freeze(server);
        times[i] = time_of_a_vain_acquire(pool);
        test_server_thaw(server);
        assert_int_equal(test_server_exec(server, "DO RELEASE_LOCK('door')"),
                         0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_int_equal(kit_stats(pool).connects, 1);
    works_again(pool);
    keeps_the_deadline(times);
}

static void
close_ends_although_nobody_answers(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn[4];
    config_for(&config);
    config.size = config.maxsize = 4;
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < 4; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    loan_do(conn[0].mysql, "SET @left = 1");
    loan_do(conn[1].mysql, "BEGIN");
    test_server_freeze(server);
    for (size_t i = 0; i < 4; i++) {
        kit_return(&conn[i]);
    }
    /* It did wait for the server's own close, only not for long. */
    assert_true(close_frozen_then_thaw(pool) >= 50);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        FROZEN(return_in_mid_query_is_at_once_and_nobody_gets_its_answer),
        FROZEN(others_keep_their_deadline_while_a_query_runs),
        FROZEN(close_ends_although_nobody_answers),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
