/* SPDX-License-Identifier: MIT */
/* Goal: a session leaves when its time, its uses, its rest, its buffer or its
 * user is over, for that reason and no other, and the pool keeps what it was
 * told to keep. Method: pools with tiny limits; the counters tell the reason,
 * the server's own ids tell the session. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "fixture/relay.h"

static struct test_server *server;

/* Than by their lifetime. */
static uint64_t
retired_otherwise(const dew_pool *pool)
{
    const dew_stats stats = kit_stats(pool);
    return stats.retired_idle + stats.retired_broken +
           stats.retired_refresh + stats.retired_shrink;
}

static void
session_rests_no_longer_than_its_lifetime(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.lifetime_ms = 200;
    dew_pool *const pool = kit_open(&config);
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    kit_return(&conn);
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    assert_int_equal(kit_stats(pool).retired_lifetime, 1);
    assert_int_not_equal(kit_server_id(kit_borrow(pool, &conn)), id);
    kit_return(&conn);
    assert_int_equal(retired_otherwise(pool), 0);
    kit_close(pool);
}

/* A loan is not cut; the session goes when it comes back. */
static void
session_that_comes_back_too_old_is_replaced(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.lifetime_ms = 100;
    dew_pool *const pool = kit_open(&config);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    const int64_t id = kit_server_id(mysql), since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > 150);
    assert_int_equal(kit_server_id(mysql), id);
    assert_int_equal(retired_otherwise(pool), 0);
    assert_int_equal(kit_stats(pool).retired_lifetime, 0);
    assert_int_not_equal(kit_server_id(kit_next(pool, &conn)), id);
    assert_int_equal(kit_stats(pool).retired_lifetime, 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
session_is_replaced_after_its_uses(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    int64_t ids[7];
    kit_config(&config, server);
    config.uses_max = 3;
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < 7; i++) {
        ids[i] = kit_server_id(kit_borrow(pool, &conn));
        kit_return(&conn);
    }
    for (size_t i = 1; i < 7; i++) {
        assert_int_equal(ids[i] != ids[i - 1], i % 3 == 0);
    }
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.retired_lifetime, 2);
    assert_int_equal(stats.connects, 3);
    kit_close(pool);
}

static void
idle_sessions_go_down_to_pre_create(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn[4];
    kit_config(&config, server);
    config.size = config.maxsize = 4;
    config.pre_create = 1;
    config.idle_timeout_ms = 150;
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < 4; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    assert_int_equal(kit_stats(pool).conns_open, 4);
    for (size_t i = 0; i < 4; i++) {
        kit_return(&conn[i]);
    }
    KIT_AWAIT(kit_stats(pool).conns_open == 1);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > 500); /* several looks later */
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.conns_open, 1);
    assert_int_equal(stats.retired_idle, 3);
    assert_int_equal(stats.connects, 4);
    assert_true(test_server_await_count(server, "app", 1, KIT_PATIENCE_MS));
    kit_close(pool);
}

static void
pre_create_is_held_after_a_kill(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = 2;
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(test_server_kill_user(server, "app"), 0);
    KIT_AWAIT(kit_stats(pool).retired_broken == 2);
    KIT_AWAIT(kit_stats(pool).conns_idle == 2);
    assert_true(test_server_await_count(server, "app", 2, KIT_PATIENCE_MS));
    kit_close(pool);
}

static void
session_whose_buffer_grew_is_replaced(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    char text[LOAN_TEXT];
    kit_config(&config, server);
    config.buffer_max_kb = 64;
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    const int64_t id = kit_server_id(mysql);
    loan_ask(mysql, "SELECT REPEAT('x', 1000)", text);
    mysql = kit_next(pool, &conn);
    assert_int_equal(kit_server_id(mysql), id);
    loan_ask(mysql, "SELECT REPEAT('x', 300000)", text);
    assert_int_not_equal(kit_server_id(kit_next(pool, &conn)), id);
    assert_int_equal(kit_stats(pool).connects, 2);
    kit_return(&conn);
    kit_close(pool);
}

static const char *
user_of(MYSQL *mysql, char text[LOAN_TEXT])
{
    return loan_ask(mysql, "SELECT SUBSTRING_INDEX(USER(), '@', 1)", text);
}

static void
new_credentials_replace_sessions_when_they_are_free(void **state)
{
    (void)state;
    dew_config config;
    dew_conn lent, conn;
    dew_error error;
    char text[LOAN_TEXT];
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = 2;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &lent);
    assert_int_equal(dew_pool_set_credentials(pool, "root", "", &error),
                     DEW_OK);
    assert_string_equal(user_of(lent.mysql, text), "app"); /* not cut */
    assert_string_equal(user_of(kit_borrow(pool, &conn), text), "root");
    kit_return(&conn);
    assert_string_equal(user_of(kit_next(pool, &lent), text), "root");
    kit_return(&lent);
    KIT_AWAIT(kit_stats(pool).retired_refresh == 2);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
    kit_close(pool);
}

static void
wrong_new_credentials_are_told_and_right_ones_heal_the_pool(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    dew_error error;
    char text[LOAN_TEXT];
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    assert_int_equal(dew_pool_set_credentials(pool, "app", "no", &error),
                     DEW_OK);
    assert_int_equal(dew_acquire(pool, 3000, &conn, &error), DEW_ECONNECT);
    assert_int_equal(error.mysql_errno, 1045);
    assert_int_equal(dew_pool_set_credentials(pool, "app", "app", &error),
                     DEW_OK);
    KIT_AWAIT(dew_acquire(pool, 1000, &conn, &error) == DEW_OK);
    assert_string_equal(user_of(conn.mysql, text), "app");
    kit_return(&conn);
    kit_close(pool);
}

static void
a_closing_pool_takes_no_new_credentials(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    dew_error error = {.code = DEW_OK};
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_EBUSY);
    assert_int_equal(dew_pool_set_credentials(pool, "root", "", &error),
                     DEW_ECLOSED);
    assert_int_equal(error.code, DEW_ECLOSED);
    assert_non_null(strstr(error.message, "closed or closing"));
    kit_return(&conn);
    kit_close(pool);
}

static void
reset_that_logs_in_again_keeps_the_new_login(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    dew_error error;
    char text[LOAN_TEXT];
    struct test_relay *const relay = test_relay_start(server);
    test_relay_set(relay, RELAY_REFUSES);
    kit_config(&config, server);
    config.unix_socket = test_relay_socket(relay);
    config.user = "root";
    config.password = "";
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(dew_pool_set_credentials(pool, "app", "app", &error),
                     DEW_OK);
    MYSQL *mysql = kit_borrow(pool, &conn);
    loan_do(mysql, "SET @mine = 1");
    const int64_t id = kit_server_id(mysql);
    mysql = kit_next(pool, &conn);
    assert_int_equal(kit_server_id(mysql), id);
    assert_string_equal(loan_ask(mysql, "SELECT @mine", text), "NULL");
    assert_string_equal(user_of(mysql, text), "app");
    kit_return(&conn);
    kit_close(pool);
    test_relay_stop(relay);
}

static void
long_idle_session_is_probed(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.keepalive_ms = 100;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    /* By the keeper: nobody borrows. */
    KIT_AWAIT(kit_stats(pool).pings >= 2);
    KIT_AWAIT(kit_stats(pool).conns_idle == 1); /* the keeper holds it */
    assert_int_equal(kit_stats(pool).connects, 1);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_rests_no_longer_than_its_lifetime),
        cmocka_unit_test(session_that_comes_back_too_old_is_replaced),
        cmocka_unit_test(session_is_replaced_after_its_uses),
        cmocka_unit_test(idle_sessions_go_down_to_pre_create),
        cmocka_unit_test(pre_create_is_held_after_a_kill),
        cmocka_unit_test(session_whose_buffer_grew_is_replaced),
        cmocka_unit_test(new_credentials_replace_sessions_when_they_are_free),
        cmocka_unit_test(
            wrong_new_credentials_are_told_and_right_ones_heal_the_pool),
        cmocka_unit_test(a_closing_pool_takes_no_new_credentials),
        cmocka_unit_test(reset_that_logs_in_again_keeps_the_new_login),
        cmocka_unit_test(long_idle_session_is_probed),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
