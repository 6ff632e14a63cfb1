/* SPDX-License-Identifier: MIT */
/* Goal: with DEW_NO_THREADS a pool starts no thread: borrowers open for
 * themselves, and dew_pool_tend does what a keeper would. Method: count the
 * process's threads, borrow, tend, and compare with what the server knows. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/reclaim.h"
#include "base/watchdog.h"
#include "fixture/pool_kit.h"
#include "fixture/prompt.h"
#include "fixture/stall.h"
#include "keeper/pool.h"

static struct test_server *server;
static struct kit_traces before;

static dew_pool *
open_pool(dew_config *config)
{
    config->flags = DEW_NO_THREADS;
    before = kit_traces();
    return kit_open(config);
}

static void
end(dew_pool *pool)
{
    assert_int_equal(kit_traces().threads, before.threads);
    kit_close(pool);
    kit_left_nothing(&before);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
borrower_opens_for_itself_and_no_thread_is_started(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn[2], refused;
    kit_config(&config, server);
    config.size = config.maxsize = 2;
    dew_pool *const pool = open_pool(&config);
    for (size_t i = 0; i < 2; i++) {
        kit_answers_are_its_own(kit_borrow(pool, &conn[i]));
    }
    assert_int_equal(test_server_count(server, "app"), 2);
    assert_int_equal(dew_acquire(pool, 30, &refused, NULL), DEW_ETIMEDOUT);
    kit_return(&conn[0]);
    kit_return(&conn[1]);
    kit_answers_are_its_own(kit_borrow(pool, &conn[0]));
    kit_return(&conn[0]);
    assert_int_equal(kit_stats(pool).connects, 2);
    end(pool);
}

static void
pre_create_is_opened_by_open_itself(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = 3;
    dew_pool *const pool = open_pool(&config);
    assert_int_equal(test_server_count(server, "app"), 3);
    end(pool);
}

static void
tend_hangs_up_retires_and_fills_up(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.size = config.maxsize = 2;
    config.pre_create = 1;
    config.lifetime_ms = 150;
    config.lifetime_jitter_percent = DEW_ZERO;
    dew_pool *const pool = open_pool(&config);
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    kit_return(&conn);
    const int64_t next_ms = dew_pool_tend(pool);
    assert_in_range(next_ms, 0, 60000);
    while (kit_stats(pool).retired_lifetime == 0 ||
           kit_stats(pool).conns_idle == 0) {
        KIT_AWAIT(dew_pool_tend(pool) >= 0);
    }
    assert_int_equal(kit_stats(pool).retired_lifetime, 1);
    assert_int_not_equal(kit_server_id(kit_borrow(pool, &conn)), id);
    kit_return(&conn);
    end(pool);
}

static void
discarded_session_leaves_its_place_to_the_next_borrower(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    dew_pool *const pool = open_pool(&config);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    /* Nobody tends: the pool has one place, and it must be free again. */
    assert_int_equal(kit_stats(pool).conns_open, 0);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_return(&conn);
    end(pool);
}

static void
broken_session_is_replaced_without_a_tend(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    dew_pool *const pool = open_pool(&config);
    loan_send(kit_borrow(pool, &conn), "SELECT 'stale'");
    kit_answers_are_its_own(kit_next(pool, &conn));
    kit_return(&conn);
    end(pool);
}

static void
connect_of_a_borrower_keeps_its_deadline(void **state)
{
    (void)state;
    struct stall *const stall = stall_start(STALL_DRIBBLE, false, 0);
    dew_config config;
    dew_conn conn;
    dew_error error;
    kit_config(&config, server);
    config.unix_socket = stall_socket(stall);
    dew_pool *const pool = open_pool(&config);
    const int64_t since_ms = kit_now_ms();
    const dew_code code = dew_acquire(pool, 200, &conn, &error);
    ASSERT_PROMPT(since_ms, 199, 450);
    assert_true(code == DEW_ETIMEDOUT || code == DEW_ECONNECT);
    kit_close(pool);
    stall_stop(stall);
}

static void
refusal_is_told_to_the_borrower_that_met_it(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    dew_error error;
    kit_config(&config, server);
    config.password = "wrong";
    dew_pool *const pool = open_pool(&config);
    assert_int_equal(dew_acquire(pool, 5000, &conn, &error), DEW_ECONNECT);
    assert_int_equal(error.mysql_errno, 1045);
    end(pool);
}

static void
pool_with_threads_has_nothing_to_tend(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(dew_pool_tend(pool), -1);
    kit_close(pool);
}

/* on_options: a connect of the pool, whose open has not returned. */
static int
somebody_tends(MYSQL *mysql, void *arg)
{
    unsigned *const times = arg;

    (void)mysql;
    reclaim_read_begin();
    struct registry_entry *const entry = registry_find("early");
    if (entry != NULL && !bell_try(&pool_of_entry(entry)->tender)) {
        (*times)++;
    }
    reclaim_read_end();
    return 0;
}

/* Who finds it by its name waits, and looks after it as all who wait do: not
 * beside who opens it. */
static void
pool_that_opens_is_tended_by_who_opens_it_alone(void **state)
{
    dew_config config;
    unsigned times = 0;

    (void)state;
    kit_config(&config, server);
    config.name = "early";
    config.size = config.maxsize = config.pre_create = 2;
    config.on_options = somebody_tends;
    config.on_options_arg = &times;
    dew_pool *const pool = open_pool(&config);
    assert_int_equal(times, 2);
    assert_true(bell_try(&pool->tender));
    bell_untry(&pool->tender);
    end(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(borrower_opens_for_itself_and_no_thread_is_started),
        cmocka_unit_test(pre_create_is_opened_by_open_itself),
        cmocka_unit_test(tend_hangs_up_retires_and_fills_up),
        cmocka_unit_test(
            discarded_session_leaves_its_place_to_the_next_borrower),
        cmocka_unit_test(broken_session_is_replaced_without_a_tend),
        cmocka_unit_test(connect_of_a_borrower_keeps_its_deadline),
        cmocka_unit_test(refusal_is_told_to_the_borrower_that_met_it),
        cmocka_unit_test(pool_with_threads_has_nothing_to_tend),
        cmocka_unit_test(pool_that_opens_is_tended_by_who_opens_it_alone),
    };
    prompt_watch();
    dew_config config;
    dew_conn conn;
    server = test_server_start(NULL);
    assert_int_equal(test_server_count(server, "app"), 0);
    /* The process's own thread, the watchdog, is started by whoever needs it
     * first, perhaps in the middle of a test: here it runs from the beginning
     * to the end, and so it is not counted as a pool's. */
    struct watchdog_timer far = {.fd = -1};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    watchdog_use();
    assert_true(watchdog_arm(&far, pair[0], clock_deadline_after_ms(3600000)));
    kit_config(&config, server);
    config.user = "root";
    config.password = "";
    dew_pool *const first = open_pool(&config);
    (void)kit_borrow(first, &conn);
    assert_int_equal(dew_ping(&conn, NULL), DEW_OK);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kit_return(&conn);
    kit_close(first);
    test_server_stop(server);
    (void)watchdog_disarm(&far);
    watchdog_unuse();
    (void)close(pair[0]);
    (void)close(pair[1]);
    return failed;
}
