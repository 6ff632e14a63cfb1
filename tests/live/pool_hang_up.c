/* SPDX-License-Identifier: MIT */
/* Goal: no borrower hangs up, that is the keeper's work; and a session's place
 * is free when its server has let go. Method: this program stands in front of
 * the client library's mysql_close and notes which thread calls it, while
 * sessions end in every way that a borrower can meet; a scripted server that is
 * slow to let go counts how many it has at once. */
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
#include "fixture/scripted_kit.h"

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

/* How many sessions a server had at once that takes its time to let one go. */
static uint64_t
most_open_of_a_pool_of_one(void)
{
    static const dew_script_step slow = {.moment = DEW_SCRIPT_ANSWER,
                                         .command = DEW_SCRIPT_QUIT,
                                         .after_ms = 20};
    dew_config config;
    dew_conn conn;
    dew_script_server *const scripted =
        script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);

    script_config(&config, scripted, false);
    dew_pool *const pool = kit_open(&config);
    script_play(scripted, &slow);
    for (int i = 0; i < 3; i++) {
        (void)kit_borrow(pool, &conn);
        assert_int_equal(dew_discard(&conn), DEW_OK);
    }
    const uint64_t most = dew_script_count(scripted, DEW_SCRIPT_MOST_OPEN);
    kit_close(pool);
    script_stop(scripted);
    return most;
}

/* Otherwise a pool as large as the server allows is refused by it. The pool
 * waits for 100 ms, in which a crowded machine may not have run the server. */
static void
place_is_free_when_the_server_has_let_go(void **state)
{
    enum { TRIES = 5 };
    uint64_t most = 2;

    (void)state;
    for (int i = 0; i < TRIES && most != 1; i++) {
        most = most_open_of_a_pool_of_one();
    }
    assert_int_equal(most, 1);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_borrower_hangs_up_whatever_became_of_his_session),
        cmocka_unit_test(place_is_free_when_the_server_has_let_go),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
