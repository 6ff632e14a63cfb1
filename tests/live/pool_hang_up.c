/* SPDX-License-Identifier: MIT */
/* Goal: no borrower hangs up: neither his borrow nor his return closes a
 * session, whatever became of it; that is the keeper's work. Method: this
 * program stands in front of the client library's mysql_close and notes which
 * thread calls it, while sessions end in every way that a borrower can meet. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/order.h"
#include "fixture/pool_kit.h"

static struct test_server *server;
static order_u32 borrowers_thread; /* 0: nobody is watched */
static order_u32 by_borrower, by_others;

typedef void close_it(MYSQL *mysql);

static close_it *
the_librarys_own(void)
{
    close_it *own = NULL;
    void *const found = dlsym(RTLD_NEXT, "mysql_close");

    assert_non_null(found);
    memcpy(&own, &found, sizeof own);
    return own;
}

/* In the place of the library's. */
void STDCALL
mysql_close(MYSQL *mysql)
{
    const uint32_t watched = order_load_seq_u32(&borrowers_thread);

    if (watched != 0) {
        (void)order_add_seq_u32(
            watched == (uint32_t)gettid() ? &by_borrower : &by_others, 1);
    }
    the_librarys_own()(mysql);
}

static void
watch(bool on)
{
    order_store_seq_u32(&borrowers_thread, on ? (uint32_t)gettid() : 0);
}

/* A session that somebody has looked at when it is next borrowed. */
static dew_pool *
open_pool(void)
{
    dew_config config;

    kit_config(&config, server);
    config.bypass_ms = DEW_ZERO;
    config.uses_max = 2;
    config.keepalive_ms = config.idle_timeout_ms = config.lifetime_ms = DEW_OFF;
    return kit_open(&config);
}

static void
return_it_dead(dew_pool *pool, dew_conn *conn)
{
    (void)pool;
    kit_kill(server, kit_server_id(conn->mysql));
    kit_return(conn);
}

static void
return_it_out_of_step(dew_pool *pool, dew_conn *conn)
{
    (void)pool;
    loan_send(conn->mysql, "SELECT 1");
    kit_return(conn);
}

static void
return_it_outdated(dew_pool *pool, dew_conn *conn)
{
    dew_pool_refresh(pool);
    kit_return(conn);
}

static void
return_it_worn_out(dew_pool *pool, dew_conn *conn)
{
    (void)kit_next(pool, conn);
    kit_return(conn);
}

static void
return_one_too_many(dew_pool *pool, dew_conn *conn)
{
    dew_conn second;

    assert_int_equal(dew_pool_resize(pool, 2, 2, NULL), DEW_OK);
    (void)kit_borrow(pool, &second);
    assert_int_equal(dew_pool_resize(pool, 1, 1, NULL), DEW_OK);
    kit_return(conn);
    kit_return(&second);
}

static void
discard_it(dew_pool *pool, dew_conn *conn)
{
    (void)pool;
    assert_int_equal(dew_discard(conn), DEW_OK);
}

static void
borrow_one_that_died(dew_pool *pool, dew_conn *conn)
{
    const int64_t id = kit_server_id(conn->mysql);

    kit_return(conn);
    kit_kill(server, id);
    assert_int_not_equal(kit_server_id(kit_borrow(pool, conn)), id);
    kit_return(conn);
}

static void
borrow_one_that_is_outdated(dew_pool *pool, dew_conn *conn)
{
    kit_return(conn);
    dew_pool_refresh(pool);
    (void)kit_borrow(pool, conn);
    kit_return(conn);
}

static void
no_borrower_hangs_up_whatever_became_of_his_session(void **state)
{
    static void (*const ends[])(dew_pool * pool, dew_conn * conn) = {
        return_it_dead,       return_it_out_of_step,      return_it_outdated,
        return_it_worn_out,   return_one_too_many,        discard_it,
        borrow_one_that_died, borrow_one_that_is_outdated};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        dew_conn conn;
        dew_pool *const pool = open_pool();

        (void)kit_borrow(pool, &conn);
        order_store_seq_u32(&by_others, 0);
        watch(true);
        ends[i](pool, &conn);
        /* It happens, and soon. */
        KIT_AWAIT(order_load_seq_u32(&by_others) != 0);
        watch(false);
        assert_int_equal(order_load_seq_u32(&by_borrower), 0);
        kit_close(pool);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_borrower_hangs_up_whatever_became_of_his_session),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
