/* SPDX-License-Identifier: MIT */
/* Goal: every client flag that a pool takes, it serves; all others it refuses
 * when it is opened. Method: each bit alone: a dirty loan, and the next. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

static bool
opens(dew_pool **pool, uint64_t flags, bool over_tcp)
{
    dew_config config;
    dew_error error;

    kit_config(&config, server);
    if (over_tcp) {
        config.unix_socket = NULL;
        config.host = "127.0.0.1";
        config.port = test_server_port(server);
    }
    config.client_flags = flags;
    const dew_code code = dew_pool_open(pool, &config, &error);
    if (code == DEW_OK) {
        return true;
    }
    assert_int_equal(code, DEW_EINVAL);
    if (strstr(error.message, "client_flags is 0x") == NULL) {
        fail_msg("%s", error.message);
    }
    return false;
}

/* Compression by zstd is a file of its own, which may not be installed. */
static bool
lacks_its_plugin(const dew_error *error)
{
    return strstr(error->message, "loading plugin 'zstd'") != NULL;
}

/* One session, which answers, is cleaned and is lent again. */
static void
serves(dew_pool *pool, uint64_t flags)
{
    dew_conn conn;
    dew_error error;
    const dew_code code = dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error);

    if (code != DEW_OK && lacks_its_plugin(&error)) {
        (void)printf("not tried: %s\n", error.message);
        return;
    }
    if (code != DEW_OK) {
        fail_msg("0x%llx: %s", (unsigned long long)flags, error.message);
    }
    MYSQL *mysql = conn.mysql;
    kit_answers_are_its_own(mysql);
    assert_int_equal(mysql_query(mysql, "SET @dirt = 1"), 0);
    mysql = kit_next(pool, &conn);
    kit_answers_are_its_own(mysql);
    assert_int_equal(mysql_query(mysql, "SELECT @dirt"), 0);
    MYSQL_RES *const result = mysql_store_result(mysql);
    assert_non_null(result);
    assert_null(mysql_fetch_row(result)[0]);
    mysql_free_result(result);
    kit_return(&conn);
    if (kit_stats(pool).connects != 1) {
        fail_msg("0x%llx cost a session", (unsigned long long)flags);
    }
}

static unsigned
serves_or_refuses(uint64_t flags, bool over_tcp)
{
    dew_pool *pool = NULL;

    if (!opens(&pool, flags, over_tcp)) {
        return 0;
    }
    serves(pool, flags);
    kit_close(pool);
    return 1;
}

static void
each_flag_is_served_or_refused_at_once(void **state)
{
    unsigned served = 0;

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        served += serves_or_refuses(UINT64_C(1) << bit, false);
    }
    (void)printf("%u of 64 are served\n", served);
    assert_true(served > 16);
}

/* Where a client library begins TLS by itself, if it does. (The other flag of TLS
 * has Oracle's library check a certificate, and this server's is its own.) */
static void
so_is_that_of_tls_over_the_network(void **state)
{
    (void)state;
    (void)serves_or_refuses(CLIENT_SSL, true);
}

static int
set_up(void **state)
{
    (void)state;
    server = test_server_start(NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    test_server_stop(server);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flag_is_served_or_refused_at_once),
        cmocka_unit_test(so_is_that_of_tls_over_the_network),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
