/* SPDX-License-Identifier: MIT */
/* Goal: close returns neither too early nor too late, whoever is at work on
 * the pool. Method: a thread is held up at a race point in the middle of its
 * call until the close of another one has come as far as it can. */
/* ctest: timeout=90 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bell.h"
#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "keeper/pool.h"

/* Long enough for a close to come to its end, if it may. */
#define HELD_UP_MS 300

static struct test_server *server;
static order_u32 held_up;

struct closing {
    dew_pool *pool;
    pthread_t thread;
    order_u32 over;
    dew_code code;
    dew_conn *lent;
};

static bool
is_over(struct closing *closing)
{
    return order_load_seq_u32(&closing->over) != 0;
}

static void
wait_for_the_close(struct closing *closing)
{
    const int64_t until_ms = kit_now_ms() + HELD_UP_MS;

    while (!is_over(closing) && kit_now_ms() < until_ms) {
        kit_look_again(INT64_MAX, "", __FILE__, __LINE__);
    }
}

static void *
close_patiently(void *arg)
{
    struct closing *const closing = arg;

    closing->code = dew_pool_close(closing->pool, KIT_PATIENCE_MS, NULL);
    order_store_seq_u32(&closing->over, 1);
    return NULL;
}

static bool
refuses_new_ones(dew_pool *pool)
{
    dew_conn conn;
    const dew_code code = dew_acquire(pool, DEW_NO_WAIT, &conn, NULL);

    if (code == DEW_OK) {
        kit_return(&conn); /* the close has not begun */
    }
    return code == DEW_ECLOSED;
}

static void
release_while_it_aborts(const char *name, void *arg)
{
    struct closing *const closing = arg;

    if (strcmp(name, "loans.cut") == 0 && bell_try(&held_up)) {
        assert_int_equal(dew_release(closing->lent), DEW_OK);
        wait_for_the_close(closing);
        assert_false(is_over(closing));
    }
}

static void
abort_that_began_before_keeps_the_pool_until_it_is_done(void **state)
{
    dew_config config;
    dew_conn lent;

    (void)state;
    kit_config(&config, server);
    struct closing closing = {.pool = kit_open(&config), .lent = &lent};
    (void)kit_borrow(closing.pool, &lent);
    assert_int_equal(pthread_create(&closing.thread, NULL, close_patiently,
                                    &closing), 0);
    KIT_AWAIT(refuses_new_ones(closing.pool));
    race_hook(release_while_it_aborts, &closing);
    dew_pool_abort(closing.pool);
    race_hook(NULL, NULL);
    assert_int_equal(pthread_join(closing.thread, NULL), 0);
    assert_int_equal(closing.code, DEW_OK);
}

static void
close_it_meanwhile(const char *name, void *arg)
{
    struct closing *const closing = arg;

    if (strcmp(name, "close.busy") == 0 && bell_try(&held_up)) {
        assert_int_equal(dew_release(closing->lent), DEW_OK);
        closing->code =
            dew_pool_close(closing->pool, KIT_PATIENCE_MS, NULL);
    }
}

static void
close_that_gives_up_does_not_touch_the_pool_any_more(void **state)
{
    dew_config config;
    dew_conn lent;
    dew_error error;

    (void)state;
    kit_config(&config, server);
    config.name = "that one";
    struct closing closing = {
        .pool = kit_open(&config), .lent = &lent, .code = DEW_EBUSY};
    (void)kit_borrow(closing.pool, &lent);
    race_hook(close_it_meanwhile, &closing);
    assert_int_equal(dew_pool_close(closing.pool, DEW_NO_WAIT, &error),
                     DEW_EBUSY);
    race_hook(NULL, NULL);
    assert_int_equal(closing.code, DEW_OK);
    assert_non_null(strstr(error.message, "that one: sessions are still out: 1 "
                                          "lent"));
}

/* Holds a session that no borrower has, while another thread closes. */
static void
close_finds_it_held(const char *name, void *arg)
{
    struct closing *const closing = arg;

    if (strcmp(name, "pond.suspect") == 0 && bell_try(&held_up)) {
        order_store_seq_u32(&closing->over, 0);
        KIT_AWAIT(refuses_new_ones(closing->pool));
        wait_for_the_close(closing);
    }
}

static void
session_that_is_only_looked_at_is_no_loan_to_close(void **state)
{
    struct kit_borrower borrower;
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    config.bypass_ms = DEW_ZERO;
    config.idle_timeout_ms = config.keepalive_ms = config.lifetime_ms = DEW_OFF;
    struct closing closing = {.pool = kit_open(&config)};
    const int64_t id = kit_server_id(kit_borrow(closing.pool, &conn));
    kit_return(&conn);
    order_store_seq_u32(&closing.over, 1);
    race_hook(close_finds_it_held, &closing);
    kit_kill(server, id); /* or who borrows may find it alive */
    kit_send_borrower(&borrower, closing.pool, KIT_PATIENCE_MS);
    KIT_AWAIT(!is_over(&closing));
    const dew_code code = dew_pool_close(closing.pool, DEW_NO_WAIT, NULL);
    order_store_seq_u32(&closing.over, 1);
    assert_int_equal(kit_join(&borrower), DEW_ECLOSED);
    race_hook(NULL, NULL);
    assert_int_equal(code, DEW_OK);
}

/* on_options of the second connect: a borrower asks for the pool by its name
 * before open has returned. */
struct early {
    unsigned connects;
    dew_conn conn;
    dew_code code;
};

static void *
borrow_early(void *arg)
{
    struct early *const early = arg;

    early->code =
        dew_acquire_named("early", HELD_UP_MS, &early->conn, NULL);
    return NULL;
}

static int
refuse_the_second(MYSQL *mysql, void *arg)
{
    struct early *const early = arg;
    pthread_t thread;

    (void)mysql;
    if (++early->connects != 2) {
        return 0;
    }
    assert_int_equal(pthread_create(&thread, NULL, borrow_early, early), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (early->code == DEW_OK) {
        assert_int_equal(dew_discard(&early->conn), DEW_OK);
    }
    return 1;
}

static void
pool_whose_open_fails_has_lent_nothing(void **state)
{
    struct early early = {.code = DEW_OK};
    dew_config config;
    dew_pool *pool;

    (void)state;
    kit_config(&config, server);
    config.name = "early";
    config.size = config.maxsize = config.pre_create = 2;
    config.connects_max = 1;
    config.on_options = refuse_the_second;
    config.on_options_arg = &early;
    assert_int_equal(dew_pool_open(&pool, &config, NULL), DEW_ECONNECT);
    assert_int_not_equal(early.code, DEW_OK);
    early.connects = 2;
    pool = kit_open(&config);
    assert_int_equal(dew_acquire_named("early", DEW_NO_WAIT, &early.conn, NULL),
                     DEW_OK);
    kit_return(&early.conn);
    kit_close(pool);
}

/* --- a borrower that found the pool before it was shut ---------------------- */

static pthread_t borrower;

static void
hold_the_borrower_up(const char *name, void *arg)
{
    struct closing *const closing = arg;

    if (!pthread_equal(pthread_self(), borrower)) {
        return;
    }
    if (strcmp(name, "borrow.guest") == 0 && bell_try(&held_up)) {
        assert_int_equal(pthread_create(&closing->thread, NULL,
                                        close_patiently, closing), 0);
        KIT_AWAIT(pond_has(&closing->pool->pond, POND_CLOSING));
        wait_for_the_close(closing);
    } else if (strcmp(name, "pond.look") == 0) {
        wait_for_the_close(closing);
        assert_false(is_over(closing));
    }
}

/* Nothing is in the pool but its call, which is no guest of it yet. */
static void
close_waits_for_who_found_the_pool_before_it(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    struct closing closing = {.pool = kit_open(&config)};
    borrower = pthread_self();
    race_hook(hold_the_borrower_up, &closing);
    assert_int_equal(dew_acquire(closing.pool, KIT_PATIENCE_MS, &conn, NULL),
                     DEW_ECLOSED);
    race_hook(NULL, NULL);
    assert_int_equal(pthread_join(closing.thread, NULL), 0);
    assert_int_equal(closing.code, DEW_OK);
}

static int
begin(void **state)
{
    (void)state;
    order_store_seq_u32(&held_up, 0);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            abort_that_began_before_keeps_the_pool_until_it_is_done, begin),
        cmocka_unit_test_setup(
            close_that_gives_up_does_not_touch_the_pool_any_more, begin),
        cmocka_unit_test_setup(
            session_that_is_only_looked_at_is_no_loan_to_close, begin),
        cmocka_unit_test_setup(close_waits_for_who_found_the_pool_before_it,
                               begin),
        cmocka_unit_test_setup(pool_whose_open_fails_has_lent_nothing, begin),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
