/* SPDX-License-Identifier: MIT */
/* Goal: a clock of the pool that came late does not make loans older than they
 * are, and one that is not moved is not believed. Method: it is moved and paused
 * by hand while the system's clock jumps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fault.h"
#include "keeper/pool.h"

static dew_pool pool; /* nothing of it is used but its tick */

static int
begin(void **state)
{
    (void)state;
    tick_init(&pool.tick);
    assert_int_equal(tick_now_ms(&pool.tick), TICK_OFF);
    order_store_seq_u32(&pool.tick.wanted, 1);
    pool.tick.ticks = true;
    pool.tick.moved_ms = clock_coarse_ms();
    tick_move(&pool);
    return 0;
}

static void
an_hour_passes(void)
{
    fault_arm(FAULT_CLOCK_JUMP, 1, false);
}

static void
what_was_noted_while_it_was_late_may_be_young(void **state)
{
    const int64_t before_ms = tick_now_ms(&pool.tick);

    (void)state;
    assert_int_equal(tick_latest_ms(&pool.tick, before_ms), before_ms);
    an_hour_passes();
    tick_move(&pool);
    const int64_t after_ms = tick_now_ms(&pool.tick);
    assert_true(after_ms - before_ms >= 3600 * 1000);
    assert_int_equal(tick_latest_ms(&pool.tick, before_ms), after_ms);
    assert_int_equal(tick_latest_ms(&pool.tick, before_ms - 1), before_ms - 1);
    assert_int_equal(tick_latest_ms(&pool.tick, after_ms), after_ms);
}

static void
it_may_be_late_when_it_is_paused(void **state)
{
    const int64_t before_ms = tick_now_ms(&pool.tick);

    (void)state;
    an_hour_passes();
    tick_pause(&pool.tick);
    assert_int_equal(tick_now_ms(&pool.tick), TICK_OFF);
    assert_true(tick_latest_ms(&pool.tick, before_ms) - before_ms >=
                3600 * 1000);
}

static void
a_pause_is_not_late_however_long(void **state)
{
    const int64_t before_ms = tick_now_ms(&pool.tick);

    (void)state;
    tick_pause(&pool.tick);
    an_hour_passes();
    tick_move(&pool);
    assert_true(tick_now_ms(&pool.tick) - before_ms >= 3600 * 1000);
    assert_int_equal(tick_latest_ms(&pool.tick, before_ms), before_ms);
}

/* Nobody would move it, nor hear the bell. */
static void
pool_without_threads_wants_no_tick(void **state)
{
    (void)state;
    tick_init(&pool.tick);
    pool.threaded = false;
    order_store_seq_u32(&pool.tick.wanted, 0);
    tick_sampled(&pool, 0);
    assert_int_equal(order_load_seq_u32(&pool.tick.wanted), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(what_was_noted_while_it_was_late_may_be_young),
        TEST(it_may_be_late_when_it_is_paused),
        TEST(a_pause_is_not_late_however_long),
        TEST(pool_without_threads_wants_no_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
