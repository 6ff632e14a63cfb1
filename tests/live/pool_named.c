/* SPDX-License-Identifier: MIT */
/* Goal: a pool is found by its name as long as it is open, and a lookup is safe
 * beside any close. Method: open, close and look up pools of known names, in
 * one thread and in several at once. */
/* ctest: timeout=60 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

static dew_pool *
open_named(const char *name)
{
    dew_config config;
    kit_config(&config, server);
    config.name = name;
    return kit_open(&config);
}

static void
pool_is_found_by_its_name_until_it_closes(void **state)
{
    (void)state;
    dew_conn conn;
    dew_error error;
    assert_int_equal(dew_acquire_named("shop", 0, &conn, &error),
                     DEW_ENOTFOUND);
    dew_pool *const pool = open_named("shop");
    assert_int_equal(
        dew_acquire_named("shop", KIT_PATIENCE_MS, &conn, &error), DEW_OK);
    assert_ptr_equal(conn.pool, pool);
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    assert_int_equal(dew_acquire_named("Shop", 0, &conn, &error),
                     DEW_ENOTFOUND);
    assert_null(conn.mysql);
    assert_non_null(strstr(error.message, "Shop"));
    kit_close(pool);
    assert_int_equal(dew_acquire_named("shop", 0, &conn, &error),
                     DEW_ENOTFOUND);
}

static void
name_is_free_again_while_the_close_still_waits_for_a_loan(void **state)
{
    (void)state;
    dew_conn conn, other;
    dew_pool *const first = open_named("shop");
    (void)kit_borrow(first, &conn);
    assert_int_equal(dew_pool_close(first, DEW_NO_WAIT, NULL), DEW_EBUSY);
    assert_int_equal(dew_acquire_named("shop", 0, &other, NULL),
                     DEW_ENOTFOUND);
    dew_pool *const second = open_named("shop");
    assert_int_equal(
        dew_acquire_named("shop", KIT_PATIENCE_MS, &other, NULL), DEW_OK);
    assert_ptr_equal(other.pool, second);
    kit_return(&other);
    kit_return(&conn);
    kit_close(first);
    kit_close(second);
}

static void
only_a_name_that_was_asked_for_can_be_taken(void **state)
{
    (void)state;
    dew_config config;
    dew_error error;
    dew_pool *refused = NULL;
    dew_pool *const pool = open_named("shop");
    kit_config(&config, server);
    config.name = "shop";
    assert_int_equal(dew_pool_open(&refused, &config, &error), DEW_EEXIST);
    assert_null(refused);
    assert_non_null(strstr(error.message, "shop"));
    config.name = NULL;
    dew_pool *const second = kit_open(&config);
    dew_pool *const third = kit_open(&config);
    kit_close(third);
    kit_close(second);
    kit_close(pool);
}

struct seeker {
    unsigned loans, misses;
    pthread_t thread;
};

static struct {
    pthread_mutex_t lock;
    bool over;
} season = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool
is_over(void)
{
    (void)pthread_mutex_lock(&season.lock);
    const bool over = season.over;
    (void)pthread_mutex_unlock(&season.lock);
    return over;
}

static void *
seek(void *arg)
{
    struct seeker *const seeker = arg;
    while (!is_over()) {
        dew_conn conn;
        const dew_code code = dew_acquire_named("brief", 20, &conn, NULL);
        if (code == DEW_OK) {
            char text[LOAN_TEXT];
            assert_string_equal(loan_ask(conn.mysql, "SELECT 5", text), "5");
            kit_return(&conn);
            seeker->loans++;
        } else {
            assert_true(code == DEW_ENOTFOUND || code == DEW_ECLOSED ||
                        code == DEW_ETIMEDOUT);
            seeker->misses += code == DEW_ENOTFOUND;
        }
    }
    return NULL;
}

static void
lookups_are_safe_beside_opens_and_closes(void **state)
{
    (void)state;
    struct seeker seekers[3] = {{0, 0, 0}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            pthread_create(&seekers[i].thread, NULL, seek, &seekers[i]), 0);
    }
    for (int i = 0; i < 40; i++) {
        dew_pool *const pool = open_named("brief");
        KIT_AWAIT(kit_stats(pool).acquires >= 2);
        assert_int_equal(dew_pool_close(pool, KIT_PATIENCE_MS, NULL), DEW_OK);
    }
    (void)pthread_mutex_lock(&season.lock);
    season.over = true;
    (void)pthread_mutex_unlock(&season.lock);
    unsigned loans = 0, misses = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(seekers[i].thread, NULL), 0);
        loans += seekers[i].loans;
        misses += seekers[i].misses;
    }
    assert_true(loans >= 80);
    assert_true(misses >= 1);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_is_found_by_its_name_until_it_closes),
        cmocka_unit_test(
            name_is_free_again_while_the_close_still_waits_for_a_loan),
        cmocka_unit_test(only_a_name_that_was_asked_for_can_be_taken),
        cmocka_unit_test(lookups_are_safe_beside_opens_and_closes),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
