/* SPDX-License-Identifier: MIT */
/* Goal: the user's callbacks run when the header says, decide what they may,
 * and cannot call their own pool. Method: callbacks that count, refuse, talk
 * to the server, and call the pool they serve. */
/* ctest: timeout=60 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

/* Shorter than the pool's own, which was set before. */
static int
read_for_a_second(MYSQL *mysql, void *arg)
{
    const unsigned one = 1;
    unsigned *const calls = arg;
    ++*calls;
    return mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &one);
}

static void
on_options_runs_once_for_each_connect_and_before_it(void **state)
{
    (void)state;
    unsigned calls = 0;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.on_options = read_for_a_second;
    config.on_options_arg = &calls;
    dew_pool *const pool = kit_open(&config);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    assert_int_equal(calls, 1);
    MYSQL *const mysql = kit_next(pool, &conn);
    assert_int_equal(calls, 1);
    assert_int_not_equal(mysql_query(mysql, "DO SLEEP(8)"), 0);
    assert_int_equal(mysql_errno(mysql), 2013);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(calls, 2);
    kit_return(&conn);
    kit_close(pool);
}

static int
refuse(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    return 1;
}

static void
refusal_of_either_is_a_failed_connect(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        dew_config config;
        dew_error error;
        dew_pool *pool = NULL;
        kit_config(&config, server);
        config.pre_create = 1;
        *(which == 0 ? &config.on_options : &config.on_connect) = refuse;
        assert_int_equal(dew_pool_open(&pool, &config, &error), DEW_ECONNECT);
        assert_int_equal(error.stage, DEW_STAGE_CONNECT);
        assert_non_null(strstr(error.message, which == 0 ? "on_options"
                                                         : "on_connect"));
        assert_null(pool);
    }
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static int
refuse_the_second(MYSQL *mysql, void *arg)
{
    unsigned *const calls = arg;
    (void)mysql;
    return ++*calls == 2;
}

/* After a reset: the session goes, the borrower gets another one. */
static void
session_that_on_connect_refuses_after_a_reset_is_replaced(void **state)
{
    (void)state;
    unsigned calls = 0;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.on_connect = refuse_the_second;
    config.on_connect_arg = &calls;
    dew_pool *const pool = kit_open(&config);
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    assert_int_not_equal(kit_server_id(kit_next(pool, &conn)), id);
    assert_int_equal(calls, 3);
    assert_int_equal(kit_stats(pool).connects, 2);
    assert_int_equal(kit_stats(pool).retired_broken, 1);
    kit_return(&conn);
    kit_close(pool);
}

static struct {
    pthread_mutex_t lock;
    unsigned lines, warnings;
    char last[512];
} journal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
write_down(int level, const char *line, void *arg)
{
    (void)pthread_mutex_lock(&journal.lock);
    assert_ptr_equal(arg, &journal);
    assert_in_range(level, 0, 3);
    journal.lines++;
    if (level <= 1) {
        journal.warnings++;
        (void)snprintf(journal.last, sizeof journal.last, "%s", line);
    }
    (void)pthread_mutex_unlock(&journal.lock);
}

static void
failing_connects_are_logged_once_as_a_warning(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    dew_error error;
    kit_config(&config, server);
    config.name = "diary";
    config.unix_socket = "/nonexistent/socket";
    config.on_log = write_down;
    config.on_log_arg = &journal;
    dew_pool *const pool = kit_open(&config);
    /* Refused when they have failed for fail_fast_after_ms, and then at once. */
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error),
                     DEW_ECONNECT);
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error),
                     DEW_ECONNECT);
    KIT_AWAIT(kit_stats(pool).connect_failures >= 3);
    kit_close(pool);
    assert_int_equal(journal.warnings, 1);
    assert_true(journal.lines >= 3);
    assert_int_equal(strncmp(journal.last, "diary: ", 7), 0);
    assert_non_null(strstr(journal.last, "/nonexistent/socket"));
    assert_null(strchr(journal.last, '\n'));
}

/* Set before the first callback that uses them can run. */
static dew_pool *own;
#define OWN_CALLS 10
static dew_conn own_loan; /* of another session than the callback's */
static dew_code own_codes[OWN_CALLS];

static int
call_its_own_pool(MYSQL *mysql, void *arg)
{
    dew_conn conn;
    dew_error error;
    (void)mysql;
    (void)arg;
    own_codes[0] = dew_acquire(own, 5000, &conn, &error);
    own_codes[1] = dew_pool_close(own, 0, &error);
    own_codes[2] = dew_acquire_named("mine", 5000, &conn, &error);
    own_codes[3] = dew_pool_set_credentials(own, "a", "b", &error);
    own_codes[4] = dew_pool_resize(own, 1, 1, &error);
    own_codes[5] = dew_release(&own_loan);
    own_codes[6] = dew_ping(&own_loan, &error);
    own_codes[7] = dew_deadline(&own_loan, 1000, &error);
    own_codes[8] = dew_detach(&own_loan) == NULL ? DEW_EINVAL : DEW_OK;
    own_codes[9] = dew_discard(&own_loan);
    /* Without a code to tell: nothing happens. */
    dew_pool_refresh(own);
    dew_pool_suspend(own);
    return 0;
}

static void
callback_cannot_call_its_own_pool(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.name = "mine";
    config.size = config.maxsize = 2;
    config.on_connect = call_its_own_pool;
    own = kit_open(&config);
    (void)kit_borrow(own, &own_loan);
    kit_answers_are_its_own(kit_borrow(own, &conn)); /* by an opener */
    for (size_t i = 0; i < OWN_CALLS; i++) {
        assert_int_equal(own_codes[i], DEW_EINVAL);
        own_codes[i] = DEW_OK;
    }
    kit_answers_are_its_own(kit_next(own, &conn)); /* by the borrower */
    for (size_t i = 0; i < OWN_CALLS; i++) {
        assert_int_equal(own_codes[i], DEW_EINVAL);
    }
    assert_int_equal(kit_stats(own).retired_refresh, 0);
    kit_return(&conn);
    kit_return(&own_loan);
    kit_close(own);
}

/* A pool without threads, whose server does not exist: its borrower connects
 * himself, and logs that it failed. */
static dew_pool *other;
static unsigned calls_back;

static void
call_the_first_pool(int level, const char *line, void *arg)
{
    dew_conn conn;
    (void)level;
    (void)line;
    (void)arg;
    calls_back++;
    own_codes[0] = dew_acquire(own, 50, &conn, NULL);
}

static int
borrow_from_the_other(MYSQL *mysql, void *arg)
{
    dew_conn conn;
    (void)mysql;
    (void)arg;
    /* At once: it connects for itself. */
    assert_int_equal(dew_acquire(other, KIT_PATIENCE_MS, &conn, NULL),
                     DEW_ECONNECT);
    own_codes[1] = dew_acquire(own, 50, &conn, NULL);
    return 0;
}

static void
callback_of_a_pool_in_a_callback_of_another_cannot_call_the_first(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.unix_socket = "/nonexistent/socket";
    config.flags = DEW_NO_THREADS;
    config.on_log = call_the_first_pool;
    other = kit_open(&config);
    kit_config(&config, server);
    config.size = config.maxsize = 2;
    config.on_connect = borrow_from_the_other;
    own = kit_open(&config);
    own_codes[0] = own_codes[1] = DEW_OK;
    (void)kit_borrow(own, &conn);
    assert_true(calls_back > 0);
    assert_int_equal(own_codes[0], DEW_EINVAL);
    assert_int_equal(own_codes[1], DEW_EINVAL);
    kit_return(&conn);
    kit_close(own);
    kit_close(other);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_options_runs_once_for_each_connect_and_before_it),
        cmocka_unit_test(refusal_of_either_is_a_failed_connect),
        cmocka_unit_test(
            session_that_on_connect_refuses_after_a_reset_is_replaced),
        cmocka_unit_test(failing_connects_are_logged_once_as_a_warning),
        cmocka_unit_test(callback_cannot_call_its_own_pool),
        cmocka_unit_test(
            callback_of_a_pool_in_a_callback_of_another_cannot_call_the_first),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
