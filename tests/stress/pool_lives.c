/* SPDX-License-Identifier: MIT */
/* Goal: a pool may be closed at any moment of its borrowers' lives, and leaves
 * nothing behind, hundreds of times in one process. */
/* Method: short lives of pools under threads that borrow, wait and are woken
 * with DEW_ECLOSED; by handle with a known order, and by name with none. */
/* ctest: timeout=120 */
/*
 * DEWPOND_STRESS_SEED   repeats a run (as far as threads repeat)
 * DEWPOND_STRESS_LIVES  of each kind (220 by default)
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/park.h"
#include "base/random.h"
#include "fixture/storm_kit.h"

#define LIVES 220
#define THREADS 8
#define GRACE_MS 20000
#define NAME "short-lived"
#define LOOK_AT_SERVER_EVERY 20

static struct test_server *server;
static uint64_t seed;
static dew_pool *pool;
static order_u32 served, ended, over; /* loans, threads that were told */

static uint64_t
environment(const char *name, uint64_t otherwise)
{
    const char *const value = getenv(name);

    return value == NULL ? otherwise : strtoull(value, NULL, 0);
}

static void
open_pool(uint64_t *random)
{
    dew_config config = DEW_CONFIG_INIT;
    dew_error error;

    config.name = NAME;
    config.user = config.password = "app";
    config.database = "t";
    config.unix_socket = test_server_socket(server);
    config.maxsize = storm_below(random, 4) + 1;
    config.size = storm_below(random, config.maxsize) + 1;
    config.pre_create = storm_below(random, config.size + 1);
    config.reset = (dew_reset)storm_below(random, 4);
    config.burst_after_ms = storm_below(random, 2) == 0 ? DEW_ZERO : 1;
    if (dew_pool_open(&pool, &config, &error) != DEW_OK) {
        fail_msg("seed %llu: open: %s", (unsigned long long)seed,
                 error.message);
    }
}

/* Waits until the word has reached it; a lost wake ends the program here,
 * also on a thread that cannot fail a test. */
static void
await(order_u32 *word, uint32_t least)
{
    const int64_t end_ns = clock_deadline_after_ms(GRACE_MS);
    uint32_t seen;

    while ((seen = order_load_seq_u32(word)) < least) {
        if (clock_now_ns() > end_ns) {
            (void)fprintf(stderr, "seed %llu: %u of %u came\n",
                          (unsigned long long)seed, seen, least);
            abort();
        }
        park_futex.wait(NULL, word, seen, clock_deadline_after_ms(100));
    }
}

static void
announce(order_u32 *word)
{
    (void)order_add_seq_u32(word, 1);
    park_futex.wake(NULL, word, INT32_MAX);
}

static void
use(MYSQL *mysql, uint64_t *random)
{
    /* On a thread that is no test's own: an error would not be reported. */
    if (storm_below(random, 2) == 0 && mysql_query(mysql, "DO 0") != 0) {
        (void)fprintf(stderr, "query: %s\n", mysql_error(mysql));
        abort();
    }
}

static void
give_back(dew_conn *conn, uint64_t *random)
{
    const uint32_t way = storm_below(random, 8);

    if (way == 0) {
        mysql_close(dew_detach(conn));
    } else if ((way == 1 ? dew_discard(conn) : dew_release(conn)) != DEW_OK) {
        (void)fprintf(stderr, "a loan could not be returned\n");
        abort();
    }
}

static void
expect_code(dew_code code, dew_code one, dew_code other)
{
    if (code != one && code != other) {
        (void)fprintf(stderr, "acquire: %s\n", dew_code_name(code));
        abort();
    }
}

static void
start(pthread_t threads[THREADS], void *(*body)(void *))
{
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, body, (void *)i), 0);
    }
}

static void
join(pthread_t threads[THREADS])
{
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void
close_for_good(void)
{
    dew_error error;

    if (dew_pool_close(pool, GRACE_MS, &error) != DEW_OK) {
        fail_msg("seed %llu: close: %s", (unsigned long long)seed,
                 error.message);
    }
}

/* --- by handle: all wait, or hold, when the close begins ------------------------ */

/* A few loans, then one more wait, which only the close ends. */
static void *
borrow_then_wait(void *arg)
{
    uint64_t random = seed + (uintptr_t)arg;
    dew_conn conn;

    for (uint32_t left = storm_below(&random, 3) + 1; left > 0; left--) {
        expect_code(dew_acquire(pool, DEW_WAIT_FOREVER, &conn, NULL), DEW_OK,
                    DEW_OK);
        use(conn.mysql, &random);
        give_back(&conn, &random);
    }
    announce(&served);
    /* Who holds one for good must not stand in the way of who has not had
     * all of his. */
    await(&served, THREADS);
    expect_code(dew_acquire(pool, DEW_WAIT_FOREVER, &conn, NULL), DEW_ECLOSED,
                DEW_OK);
    if (conn.ticket != 0) {
        /* One of those that got a session: it keeps it until all are told. */
        announce(&ended);
        await(&over, 1);
        give_back(&conn, &random);
    } else {
        announce(&ended);
    }
    mysql_thread_end();
    return NULL;
}

static uint32_t
waiting(void)
{
    dew_stats now = {.struct_size = sizeof(now)};

    dew_stats_read(pool, &now);
    return now.waiters;
}

/* All of them are inside their last acquire or hold its loan, and one does. */
static void
await_all_inside(void)
{
    const int64_t end_ns = clock_deadline_after_ms(GRACE_MS);
    order_u32 bed = {0};

    await(&served, THREADS);
    await(&ended, 1); /* one of them holds a session */
    while (waiting() + order_load_seq_u32(&ended) < THREADS) {
        if (clock_now_ns() > end_ns) {
            fail_msg("seed %llu: %u wait, %u hold of %d",
                     (unsigned long long)seed, waiting(),
                     order_load_seq_u32(&ended), THREADS);
        }
        park_futex.wait(NULL, &bed, 0, clock_deadline_after_ms(1));
    }
}

static void
live_by_handle(uint64_t *random)
{
    pthread_t threads[THREADS];

    order_store_seq_u32(&served, 0);
    order_store_seq_u32(&ended, 0);
    order_store_seq_u32(&over, 0);
    open_pool(random);
    start(threads, borrow_then_wait);
    await_all_inside();
    /* The waiters are told although a loan is out. */
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_EBUSY);
    await(&ended, THREADS);
    announce(&over);
    close_for_good();
    join(threads);
}

/* --- by name: the close comes whenever it comes ----------------------------------- */

static void *
borrow_by_name(void *arg)
{
    static const int64_t timeouts[] = {DEW_NO_WAIT, 1, 50, DEW_WAIT_FOREVER};
    uint64_t random = seed + (uintptr_t)arg;
    dew_conn conn;

    race_thread((uint32_t)(uintptr_t)arg);
    while (order_load_seq_u32(&over) == 0) {
        const dew_code code = dew_acquire_named(
            NAME, timeouts[storm_below(&random, 4)], &conn, NULL);

        if (code == DEW_OK) {
            use(conn.mysql, &random);
            give_back(&conn, &random);
            announce(&served);
        } else if (code == DEW_ECLOSED) {
            announce(&ended);
        } else {
            expect_code(code, DEW_ETIMEDOUT, DEW_ENOTFOUND);
        }
    }
    mysql_thread_end();
    return NULL;
}

/* Some loans later the pool is closed under its borrowers. */
static void
live_by_name(uint64_t *random)
{
    const uint32_t before = order_load_seq_u32(&served);

    open_pool(random);
    await(&served, before + storm_below(random, 12) + 1);
    close_for_good();
}

/* --- the tests ------------------------------------------------------------------------ */

static uint64_t
begin(void)
{
    seed = environment("DEWPOND_STRESS_SEED", random_u64());
    print_message("DEWPOND_STRESS_SEED=%llu\n", (unsigned long long)seed);
    order_store_seq_u32(&served, 0);
    order_store_seq_u32(&ended, 0);
    order_store_seq_u32(&over, 0);
    race_seed(seed, 64);
    return seed;
}

static void
look_at_server(uint64_t life)
{
    if (life % LOOK_AT_SERVER_EVERY == 0 &&
        !test_server_await_count(server, "app", 0, GRACE_MS)) {
        fail_msg("seed %llu: sessions are left", (unsigned long long)seed);
    }
}

static void
a_close_wakes_all_who_wait_in_every_life(void **state)
{
    const uint64_t lives = environment("DEWPOND_STRESS_LIVES", LIVES);
    uint64_t random = begin();
    int tasks = 0, files = 0;

    (void)state;
    for (uint64_t life = 0; life < lives; life++) {
        live_by_handle(&random);
        look_at_server(life);
        if (life == lives / 2) {
            tasks = storm_entries("/proc/self/task");
            files = storm_entries("/proc/self/fd");
        }
    }
    assert_true(storm_await_entries("/proc/self/task", tasks));
    assert_true(storm_await_entries("/proc/self/fd", files));
    look_at_server(0);
}

static void
a_name_finds_the_pool_that_lives_or_none(void **state)
{
    const uint64_t lives = environment("DEWPOND_STRESS_LIVES", LIVES);
    uint64_t random = begin();
    pthread_t threads[THREADS];

    (void)state;
    const int files = storm_entries("/proc/self/fd");
    start(threads, borrow_by_name);
    for (uint64_t life = 0; life < lives; life++) {
        live_by_name(&random);
    }
    announce(&over);
    join(threads);
    print_message("%u loans, %u told of a close\n", order_load_seq_u32(&served),
                  order_load_seq_u32(&ended));
    assert_true(order_load_seq_u32(&ended) > 0);
    assert_true(storm_await_entries("/proc/self/fd", files));
    look_at_server(0);
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
        cmocka_unit_test(a_close_wakes_all_who_wait_in_every_life),
        cmocka_unit_test(a_name_finds_the_pool_that_lives_or_none),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
