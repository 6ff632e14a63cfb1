/* SPDX-License-Identifier: MIT */
/* Goal: after connects have failed the pool opens again, whatever threads met
 * on the way. Method: connects fail at a fault point, and threads are held up
 * at race points until another one has overtaken them. */
/* ctest: timeout=90 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bell.h"
#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "keeper/pool.h"

/* Long enough for the others to go by, if they can. */
#define HELD_UP_MS 300

static struct test_server *server;
static order_u32 held_up;
static _Thread_local unsigned refusals;

static bool
looks_again_until(int64_t until_ms)
{
    if (kit_now_ms() >= until_ms) {
        return false;
    }
    kit_look_again(INT64_MAX, "", __FILE__, __LINE__);
    return true;
}

/* The first thread that tells of a failure waits until another one's success
 * has been told, if it may overtake. */
static void
hold_up_the_failure(const char *name, void *arg)
{
    dew_pool *const pool = arg;
    const int64_t until_ms = kit_now_ms() + HELD_UP_MS;

    if (strcmp(name, "pond.raised") != 0 || !bell_try(&held_up)) {
        return;
    }
    while (kit_stats(pool).conns_open == 0 && looks_again_until(until_ms)) {
    }
}

static void
failure_told_late_does_not_undo_a_success(void **state)
{
    enum { BORROWERS = 2 };
    struct kit_borrower borrowers[BORROWERS];
    dew_config config;
    dew_conn conn[BORROWERS];

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = config.connects_max = BORROWERS;
    config.fail_fast_after_ms = DEW_ZERO;
    dew_pool *const pool = kit_open(&config);
    race_hook(hold_up_the_failure, pool);
    fault_arm(FAULT_CONNECT, 1, false);
    for (size_t i = 0; i < BORROWERS; i++) {
        kit_send_borrower(&borrowers[i], pool, KIT_PATIENCE_MS);
    }
    for (size_t i = 0; i < BORROWERS; i++) {
        if (kit_join(&borrowers[i]) == DEW_OK) {
            kit_return(&borrowers[i].conn);
        }
    }
    race_hook(NULL, NULL);
    fault_arm(FAULT_CONNECT, 0, false);
    for (size_t i = 0; i < BORROWERS; i++) {
        while (dew_acquire(pool, KIT_PATIENCE_MS, &conn[i], NULL) != DEW_OK) {
            KIT_AWAIT(kit_stats(pool).timeouts == 0);
        }
    }
    for (size_t i = 0; i < BORROWERS; i++) {
        kit_return(&conn[i]);
    }
    kit_close(pool);
}

/* A borrower that was refused finds out only when all is well again. */
static void
recover_before_the_refused_looks(const char *name, void *arg)
{
    dew_pool *const pool = arg;

    if (strcmp(name, "pond.hopeless") != 0 || refusals++ != 0) {
        return;
    }
    fault_arm(FAULT_CONNECT, 0, false);
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
}

static void
who_was_refused_while_the_server_came_back_waits_on(void **state)
{
    dew_config config;
    dew_conn conn;
    dew_error error = {.code = DEW_OK};

    (void)state;
    kit_config(&config, server);
    config.pre_create = 1;
    config.fail_fast_after_ms = DEW_ZERO;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    fault_arm(FAULT_CONNECT, 1, true);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    KIT_AWAIT(kit_stats(pool).connect_failures >= 2);
    refusals = 0;
    race_hook(recover_before_the_refused_looks, pool);
    const dew_code code = dew_acquire(pool, DEW_WAIT_FOREVER, &conn, &error);
    race_hook(NULL, NULL);
    fault_arm(FAULT_CONNECT, 0, false);
    assert_true(refusals > 0);
    assert_string_equal(error.message, "");
    assert_int_equal(code, DEW_OK);
    assert_int_equal(kit_stats(pool).timeouts, 0);
    kit_return(&conn);
    kit_close(pool);
}

/* The keeper hears of the success, looks, and finds no room to order more. */
static void
pause_before_the_place_is_free(const char *name, void *arg)
{
    (void)arg;
    if (strcmp(name, "opener.done") == 0) {
        kit_look_again(INT64_MAX, "", __FILE__, __LINE__);
    }
}

static void
place_that_comes_free_behind_a_success_is_filled_at_once(void **state)
{
    enum { MANY = 16 };
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = MANY;
    config.connects_max = 1;
    race_hook(pause_before_the_place_is_free, NULL);
    const int64_t since_ms = kit_now_ms();
    dew_pool *const pool = kit_open(&config);
    race_hook(NULL, NULL);
    /* Not one of them in each round of the keeper's, which are a second. */
    assert_in_range(kit_now_ms() - since_ms, 0, (MANY - 2) * 1000);
    kit_close(pool);
}

static bool
connects_fail(dew_pool *pool)
{
    dew_error error;
    int64_t age_ms;

    return breaker_error(&pool->breaker, 0, &error, &age_ms);
}

static void
refusal_with_the_servers_error_is_no_timeout(void **state)
{
    dew_config config;
    dew_conn conn, refused;

    (void)state;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    fault_arm(FAULT_CONNECT, 1, true);
    /* Ordered by one who does not wait: the first failure may take its time. */
    assert_int_not_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL), DEW_OK);
    KIT_AWAIT(connects_fail(pool));
    const uint64_t timeouts = kit_stats(pool).timeouts;
    assert_int_equal(dew_acquire(pool, 50, &conn, NULL), DEW_ECONNECT);
    assert_int_equal(kit_stats(pool).timeouts, timeouts);
    fault_arm(FAULT_CONNECT, 0, false);
    /* They may have failed for long enough that he is refused once more. */
    KIT_AWAIT(dew_acquire(pool, KIT_PATIENCE_MS, &conn, NULL) == DEW_OK);
    assert_int_equal(dew_acquire(pool, 50, &refused, NULL), DEW_ETIMEDOUT);
    assert_int_equal(kit_stats(pool).timeouts, timeouts + 1);
    kit_return(&conn);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(failure_told_late_does_not_undo_a_success),
        cmocka_unit_test(who_was_refused_while_the_server_came_back_waits_on),
        cmocka_unit_test(
            place_that_comes_free_behind_a_success_is_filled_at_once),
        cmocka_unit_test(refusal_with_the_servers_error_is_no_timeout),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
