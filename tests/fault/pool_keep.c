/* SPDX-License-Identifier: MIT */
/* Goal: whatever fails while a pool keeps itself in order or is steered, it
 * stays whole and makes up for it afterwards.
 * Method: see fixture/countdown.h; where something must be due, an hour passes
 * before the stage by the library's clock. */
/* ctest: timeout=600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/countdown.h"

#define MUST(point) COUNTDOWN_POINT(FAULT_##point)
#define MUST_CLOCK MUST(CLOCK_JUMP) | MUST(CLOCK_STILL)

static void
pass_an_hour(void)
{
    fault_arm(FAULT_CLOCK_JUMP, 1, false);
    (void)clock_now_ns();
    fault_arm(FAULT_CLOCK_JUMP, 0, false);
}

/* --- tending ----------------------------------------------------------------------- */

static void
kept_alive(dew_config *config)
{
    config->idle_timeout_ms = config->lifetime_ms = DEW_OFF;
    config->keepalive_ms = 60000;
}

static void
kept_small(dew_config *config)
{
    config->idle_timeout_ms = 60000;
}

static void
kept_filled(dew_config *config)
{
    config->pre_create = 1;
}

static void
with_two_at_rest(struct countdown *run)
{
    (void)kit_borrow(run->pool, &run->conn[0]);
    (void)kit_borrow(run->pool, &run->conn[1]);
    kit_return(&run->conn[0]);
    kit_return(&run->conn[1]);
}

static void
with_two_at_rest_for_an_hour(struct countdown *run)
{
    with_two_at_rest(run);
    pass_an_hour();
}

static void
return_a_dead_one(struct countdown *run)
{
    (void)mysql_query(run->conn[0].mysql, "KILL CONNECTION_ID()");
    kit_return(&run->conn[0]);
}

static void
with_a_loan(struct countdown *run)
{
    (void)kit_borrow(run->pool, &run->conn[0]);
}

static void
with_none_left(struct countdown *run)
{
    with_a_loan(run);
    return_a_dead_one(run);
}

static void
return_it(struct countdown *run)
{
    countdown_return(run, 0);
}

static void
tend(struct countdown *run)
{
    for (int i = 0; i < 3; i++) {
        assert_true(dew_pool_tend(run->pool) >= 0);
    }
}

static int64_t
try_until_ms(const struct countdown *run)
{
    return kit_now_ms() +
           (run->point == FAULT_POINTS ? KIT_PATIENCE_MS : 150);
}

/* The place of the dead one is free when its server has let go. */
static void
tend_until_filled(struct countdown *run)
{
    const int64_t until_ms = try_until_ms(run);

    do {
        tend(run);
    } while (kit_stats(run->pool).conns_idle == 0 && kit_now_ms() < until_ms);
}

/* The keeper brings another, for as long as that can be done. */
static void
lose_one(struct countdown *run)
{
    return_a_dead_one(run);
    const int64_t until_ms =
        kit_now_ms() + (run->point == FAULT_POINTS ? KIT_PATIENCE_MS : 50);
    KIT_AWAIT(kit_stats(run->pool).conns_idle != 0 ||
              kit_now_ms() >= until_ms);
}

/* Whatever the clock says, the keeper sees to its work when it is rung for. */
static void
filled_again(struct countdown *run)
{
    KIT_AWAIT(kit_stats(run->pool).conns_idle != 0);
}

/* --- leaks --------------------------------------------------------------------------- */

static void
hear(int level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

static void
looked_for_leaks(dew_config *config)
{
    config->leak_after_ms = 60000;
    config->on_log = hear;
}

static void
with_a_leak_that_was_seen(struct countdown *run)
{
    with_a_loan(run);
    (void)dew_pool_tend(run->pool);
    pass_an_hour();
}

static int
count(const dew_loan *loan, void *arg)
{
    assert_true(loan->server_thread_id != 0);
    ++*(int *)arg;
    return 0;
}

static void
list_loans(struct countdown *run)
{
    int loans = 0;

    dew_foreach_loan(run->pool, count, &loans);
    assert_int_equal(loans, 1);
}

/* --- steering ------------------------------------------------------------------------ */

static void
refresh_and_borrow(struct countdown *run)
{
    dew_pool_refresh(run->pool);
    if (countdown_borrow(run, 0)) {
        kit_answers_are_its_own(run->conn[0].mysql);
        kit_return(&run->conn[0]);
    }
}

static void
pause_and_resume(struct countdown *run)
{
    dew_error error = countdown_error();

    dew_pool_suspend(run->pool);
    const dew_code code = dew_acquire(run->pool, 3, &run->conn[0], &error);
    assert_int_not_equal(code, DEW_OK);
    countdown_told_or(run, code, DEW_ETIMEDOUT, &error);
    dew_pool_resume(run->pool);
    if (countdown_borrow(run, 0)) {
        kit_return(&run->conn[0]);
    }
}

static const struct countdown_stage stages[] = {
    {.name = "tending_that_retires_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(DESCRIPTOR) | MUST(POLL) | MUST_CLOCK,
     .configure = kept_small,
     .before = with_two_at_rest_for_an_hour,
     .act = tend},
    {.name = "tending_that_probes_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(PING) | MUST(POLL) | MUST_CLOCK,
     .configure = kept_alive,
     .before = with_two_at_rest_for_an_hour,
     .act = tend},
    {.name = "tending_that_fills_up_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(ALLOC) | MUST(CONNECT) | MUST(DESCRIPTOR) | MUST_CLOCK,
     .configure = kept_filled,
     .before = with_none_left,
     .act = tend_until_filled},
    {.name = "keeper_that_fills_up_survives",
     .must = MUST(ALLOC) | MUST(CONNECT) | MUST(DESCRIPTOR) | MUST(POLL) |
             MUST(FUTEX) | MUST_CLOCK,
     .configure = kept_filled,
     .before = with_a_loan,
     .act = lose_one,
     .after = filled_again},
    {.name = "first_look_for_leaks_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(ALLOC) | MUST_CLOCK,
     .configure = looked_for_leaks,
     .before = with_a_loan,
     .act = tend,
     .after = return_it},
    {.name = "report_of_a_leak_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(DESCRIPTOR) | MUST_CLOCK,
     .configure = looked_for_leaks,
     .before = with_a_leak_that_was_seen,
     .act = tend,
     .after = return_it},
    {.name = "list_of_loans_survives",
     .must = MUST_CLOCK,
     .before = with_a_loan,
     .act = list_loans,
     .after = return_it},
    {.name = "refresh_survives",
     .must = MUST(ALLOC) | MUST(CONNECT) | MUST(DESCRIPTOR) | MUST_CLOCK,
     .before = with_two_at_rest,
     .act = refresh_and_borrow},
    {.name = "pause_survives",
     .must = MUST(FUTEX) | MUST_CLOCK,
     .before = with_two_at_rest,
     .act = pause_and_resume},
};

int
main(void)
{
    return countdown_run(stages, sizeof stages / sizeof stages[0]);
}
