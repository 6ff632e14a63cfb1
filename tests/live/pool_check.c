/* SPDX-License-Identifier: MIT */
/* Goal: dew_pool_check tells a pool whose counts are wrong, and one that moves
 * too fast to say, from one that is well. Method: behind the pool's back a place
 * is given back, or one is taken and given back on and on. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "keeper/pool.h"

static struct test_server *server;

static dew_pool *
open_with(uint32_t maxsize)
{
    dew_config config;

    kit_config(&config, server);
    config.name = "cellar";
    config.maxsize = maxsize;
    return kit_open(&config);
}

static void
session_without_a_place_is_told(void **state)
{
    (void)state;
    dew_error error = {.code = DEW_OK};
    dew_conn conn;
    dew_pool *const pool = open_with(2);

    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_pool_check(pool, &error), DEW_OK);
    quota_return(&pool->pond.quota); /* planted */
    assert_int_equal(dew_pool_check(pool, &error), DEW_ESYSTEM);
    assert_int_equal(error.code, DEW_ESYSTEM);
    assert_non_null(strstr(error.message, "cellar: invariant violated: "));
    assert_true(quota_reserve(&pool->pond.quota, UINT32_MAX));
    assert_int_equal(dew_pool_check(pool, &error), DEW_OK);
    kit_return(&conn);
    kit_close(pool);
}

/* Something moves in each look at the slots, whoever has a CPU. */
static void
take_and_give_back(const char *name, void *arg)
{
    struct quota *const quota = arg;

    if (strcmp(name, "slot.loans_seen") == 0) {
        assert_true(quota_reserve(quota, UINT32_MAX));
        quota_return(quota);
    }
}

static void
pool_that_moves_all_the_time_is_not_judged(void **state)
{
    (void)state;
    dew_error error = {.code = DEW_OK};
    dew_pool *const pool = open_with(4);

    race_hook(take_and_give_back, &pool->pond.quota);
    const dew_code code = dew_pool_check(pool, &error);
    race_hook(NULL, NULL);
    assert_int_equal(code, DEW_EBUSY);
    assert_int_equal(error.code, DEW_EBUSY);
    assert_non_null(strstr(error.message, "cellar: the pool grew and shrank"));
    assert_int_equal(dew_pool_check(pool, &error), DEW_OK);
    kit_close(pool);
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
        cmocka_unit_test(session_without_a_place_is_told),
        cmocka_unit_test(pool_that_moves_all_the_time_is_not_judged),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
