/* SPDX-License-Identifier: MIT */
/* Goal: a server that stops answering costs a borrower its own deadline and
 * nothing more, a return and a close almost nothing, and nobody a wrong answer
 * when it goes on. Method: SIGSTOP the server in a handshake, a probe, a
 * clean-up, a query and a close; take the time; SIGCONT; borrow again. */
/* ctest: timeout=120 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "live/pool_frozen.h"
#include "session/flavour.h"

static void
open_fails_by_its_connect_timeout(void **state)
{
    (void)state;
    dew_config config;
    dew_error error;
    dew_pool *pool = NULL;
    config_for(&config);
    config.pre_create = 1;
    config.connect_timeout_ms = 300;
    test_server_freeze(server);
    const int64_t since_ms = kit_now_ms();
    const dew_code code = dew_pool_open(&pool, &config, &error);
    const int64_t took_ms = kit_now_ms() - since_ms;
    test_server_thaw(server);
    assert_int_equal(code, DEW_ECONNECT);
    assert_int_equal(error.stage, DEW_STAGE_CONNECT);
    assert_null(pool);
    assert_in_range(prompt_ms(since_ms, took_ms, 300 + LATE_ONCE_MS), 299,
                    300 + LATE_ONCE_MS);
}

static void
freeze(dew_pool *pool)
{
    (void)pool;
    test_server_freeze(server);
}

static void
acquire_keeps_its_deadline_while_a_handshake_hangs(void **state)
{
    (void)state;
    dew_config config;
    config_for(&config);
    try_each(&config, freeze);
}

static void
rest_and_freeze(dew_pool *pool)
{
    dew_conn conn;
    (void)kit_borrow(pool, &conn);
    kit_return(&conn); /* said nothing: nothing is pending */
    const int64_t since_ms = kit_now_ms();
    /* Longer than keepalive_ms, in ticks of the coarse clock. */
    KIT_AWAIT(kit_now_ms() - since_ms > 20);
    test_server_freeze(server);
}

static void
acquire_keeps_its_deadline_in_a_probe(void **state)
{
    (void)state;
    dew_config config;
    config_for(&config);
    config.bypass_ms = DEW_ZERO;
    config.keepalive_ms = 1;
    config.ping_timeout_ms = 3000;
    try_each(&config, rest_and_freeze);
}

static void
probe_of_a_silent_session_ends_by_ping_timeout(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    config_for(&config);
    config.bypass_ms = DEW_ZERO;
    config.keepalive_ms = 1;
    config.ping_timeout_ms = 200;
    dew_pool *const pool = kit_open(&config);
    rest_and_freeze(pool);
    struct kit_borrower borrower;
    kit_send_borrower(&borrower, pool, KIT_PATIENCE_MS);
    /* It gave up on the old one (not the first one that was silent, perhaps, on
     * a crowded machine), and waits for a connect. */
    KIT_AWAIT(kit_stats(pool).retired_broken >= 1 &&
              kit_stats(pool).conns_opening == 1);
    test_server_thaw(server);
    assert_int_equal(kit_join(&borrower), DEW_OK);
    conn = borrower.conn;
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    kit_close(pool);
}

static void
return_dirty_while_frozen(dew_pool *pool)
{
    dew_conn conn;
    loan_do(kit_borrow(pool, &conn), "SET @left = 1");
    test_server_freeze(server);
    const int64_t since_ms = kit_now_ms();
    kit_return(&conn);
    ASSERT_PROMPT(since_ms, 0, LATE_MS);
}

static void
acquire_keeps_its_deadline_while_a_reset_is_pending(void **state)
{
    (void)state;
    dew_config config;
    config_for(&config);
    config.ping_timeout_ms = 3000;
    try_each(&config, return_dirty_while_frozen);
}

/* Late is not dead: nobody knows yet, and most servers come back. */
static void
session_whose_answer_is_late_is_kept(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    config_for(&config);
    config.ping_timeout_ms = KIT_PATIENCE_MS;
    dew_pool *const pool = kit_open(&config);
    return_dirty_while_frozen(pool);
    (void)time_of_a_vain_acquire(pool);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL),
                     DEW_ETIMEDOUT);
    test_server_thaw(server);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).connects, 1);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    kit_close(pool);
}

/* The answers to what was sent at the return are here; init_sql, which had to
 * wait for them, is still to be sent when the server stops. */
static void
return_moved_and_freeze_behind_the_answers(dew_pool *pool)
{
    dew_conn conn;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    struct pollfd socket = {.fd = flavour_socket(mysql), .events = POLLIN};
    loan_do(mysql, "USE information_schema");
    kit_return(&conn);
    assert_true(flavour_has_answer(mysql) ||
                poll(&socket, 1, KIT_PATIENCE_MS) == 1);
    /* Where nothing can be sent behind the reset the database is still to be
     * put back, too. */
    const char *const database = (flavour_can() & FLAVOUR_CAN_PIPELINE) != 0
                                     ? "t"
                                     : "information_schema";
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT COUNT(*) FROM information_schema.processlist WHERE"
                   " user = 'app' AND command = 'Sleep' AND db = '%s'",
                   database);
    KIT_AWAIT(test_server_scalar(server, sql) == 1);
    test_server_freeze(server);
}

static void
acquire_keeps_its_deadline_in_the_repairs_behind_a_reset(void **state)
{
    (void)state;
    dew_config config;
    config_for(&config);
    config.init_sql = "SET @ready = 1";
    config.ping_timeout_ms = 3000;
    try_each(&config, return_moved_and_freeze_behind_the_answers);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        FROZEN(open_fails_by_its_connect_timeout),
        FROZEN(acquire_keeps_its_deadline_while_a_handshake_hangs),
        FROZEN(acquire_keeps_its_deadline_in_a_probe),
        FROZEN(probe_of_a_silent_session_ends_by_ping_timeout),
        FROZEN(acquire_keeps_its_deadline_while_a_reset_is_pending),
        FROZEN(session_whose_answer_is_late_is_kept),
        FROZEN(acquire_keeps_its_deadline_in_the_repairs_behind_a_reset),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
