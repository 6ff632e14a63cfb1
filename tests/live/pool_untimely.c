/* SPDX-License-Identifier: MIT */
/* Goal: what a pool is told between two steps of one of its threads is heard.
 * Method: the thread is held up there, at a race point, until it was told. */
/* ctest: timeout=90 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "fixture/prompt.h"
#include "keeper/pool.h"

static struct test_server *server;

/* --- the keeper, who is to end -------------------------------------------------- */

static order_u32 has_begun, was_told;

static void
tell_the_keeper_as_his_round_begins(const char *name, void *arg)
{
    (void)arg;
    if (strcmp(name, "keeper.stopping") == 0) {
        order_store_seq_u32(&was_told, 1);
    } else if (strcmp(name, "keeper.round") == 0) {
        order_store_seq_u32(&has_begun, 1);
        KIT_AWAIT(order_load_seq_u32(&was_told) == 1);
    }
}

/* Nothing is in the pool. A keeper who has missed it sleeps to his next regular
 * look, a second later, and the close waits for him. */
static void
keeper_that_is_told_to_end_as_his_round_begins_ends_at_once(void **state)
{
    dew_config config;

    (void)state;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    order_store_seq_u32(&has_begun, 0);
    order_store_seq_u32(&was_told, 0);
    race_hook(tell_the_keeper_as_his_round_begins, NULL);
    dew_pool_refresh(pool);
    KIT_AWAIT(order_load_seq_u32(&has_begun) == 1);
    const int64_t since_ms = kit_now_ms();
    kit_close(pool);
    ASSERT_PROMPT(since_ms, 0, 500);
}

/* --- an opener, whose connect has failed ---------------------------------------- */

static void
change_the_password_as_a_failure_is_told(const char *name, void *arg)
{
    order_ptr *const changing = arg;

    if (strcmp(name, "opener.failed") != 0) {
        return;
    }
    dew_pool *const pool = order_swap_seq_ptr(changing, NULL);
    if (pool != NULL &&
        dew_pool_set_credentials(pool, "app", "app", NULL) != DEW_OK) {
        abort();
    }
}

/* It was the old one's, looked at before the change and told after it. */
static void
failure_of_the_old_password_that_is_told_late_does_not_count(void **state)
{
    dew_config config;
    dew_conn conn;
    order_ptr changing;

    (void)state;
    kit_config(&config, server);
    config.password = "no";
    dew_pool *const pool = kit_open(&config);
    order_init_ptr(&changing, pool);
    race_hook(change_the_password_as_a_failure_is_told, &changing);
    const int64_t since_ms = kit_now_ms();
    (void)kit_borrow(pool, &conn);
    ASSERT_PROMPT(since_ms, 0, 3000); /* the pause would be 4 s */
    assert_null(order_load_seq_ptr(&changing));
    assert_int_equal(kit_stats(pool).connect_failures, 1);
    kit_return(&conn);
    kit_close(pool);
}

static int
unhook(void **state)
{
    (void)state;
    race_hook(NULL, NULL);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            keeper_that_is_told_to_end_as_his_round_begins_ends_at_once,
            unhook),
        cmocka_unit_test_teardown(
            failure_of_the_old_password_that_is_told_late_does_not_count,
            unhook),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
