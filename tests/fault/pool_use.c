/* SPDX-License-Identifier: MIT */
/* Goal: whatever fails while sessions are borrowed and used, every call says
 * so, the invariants hold, and the pool works when it is over.
 * Method: see fixture/countdown.h; the stages are the ways to a session. */
/* ctest: timeout=600 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture/countdown.h"

#define MUST(point) COUNTDOWN_POINT(FAULT_##point)
#define MUST_CLOCK MUST(CLOCK_JUMP) | MUST(CLOCK_STILL)

/* --- who rests ------------------------------------------------------------------ */

static void
looked_at(dew_config *config)
{
    config->bypass_ms = DEW_ZERO;
}

static void
probed(dew_config *config)
{
    config->bypass_ms = DEW_ZERO;
    config->keepalive_ms = 1;
}

static void
with_one_at_rest(struct countdown *run)
{
    (void)kit_borrow(run->pool, &run->conn[0]);
    kit_return(&run->conn[0]);
}

static void
with_one_pending(struct countdown *run)
{
    (void)kit_borrow(run->pool, &run->conn[0]);
    assert_int_equal(mysql_query(run->conn[0].mysql, "SET @a = 1"), 0);
    kit_return(&run->conn[0]);
}

/* Long enough that a probe is due. */
static void
with_one_that_rested(struct countdown *run)
{
    with_one_at_rest(run);
    const int64_t until_ms = kit_now_ms() + 30;
    KIT_AWAIT(kit_now_ms() >= until_ms);
}

static void
borrow_and_return(struct countdown *run)
{
    if (countdown_borrow(run, 0)) {
        kit_answers_are_its_own(run->conn[0].mysql);
        kit_return(&run->conn[0]);
    }
}

/* --- who grows, who waits --------------------------------------------------------- */

static void
alone(dew_config *config)
{
    config->maxsize = 1;
}

static void
named(dew_config *config)
{
    config->name = "orders";
}

static void
with_a_loan(struct countdown *run)
{
    (void)kit_borrow(run->pool, &run->conn[0]);
}

static void
borrow_one_more(struct countdown *run)
{
    if (countdown_borrow(run, 1)) {
        kit_answers_are_its_own(run->conn[1].mysql);
        kit_return(&run->conn[1]);
    }
}

static void
return_it(struct countdown *run)
{
    countdown_return(run, 0);
}

/* As soon as somebody waits for it, and soon in any case. */
static void *
return_for_a_waiter(void *arg)
{
    struct countdown *const run = arg;
    const int64_t until_ms = kit_now_ms() + 50;

    KIT_AWAIT(kit_stats(run->pool).waiters != 0 || kit_now_ms() >= until_ms);
    kit_return(&run->conn[0]);
    return NULL;
}

static void
wait_for_a_return(struct countdown *run)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, return_for_a_waiter, run),
                     0);
    const bool borrowed = countdown_borrow(run, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (borrowed) {
        kit_answers_are_its_own(run->conn[1].mysql);
        kit_return(&run->conn[1]);
    }
}

static void
wait_in_vain(struct countdown *run)
{
    static const int64_t waits_ms[] = {DEW_NO_WAIT, 3};

    for (size_t i = 0; i < 2; i++) {
        dew_error error = countdown_error();
        const dew_code code =
            dew_acquire(run->pool, waits_ms[i], &run->conn[1], &error);

        assert_int_not_equal(code, DEW_OK);
        assert_null(run->conn[1].mysql);
        countdown_told_or(run, code, DEW_ETIMEDOUT, &error);
    }
}

static void
borrow_by_name(struct countdown *run)
{
    dew_error error = countdown_error();
    const dew_code code = dew_acquire_named("orders", COUNTDOWN_WAIT_MS,
                                            &run->conn[0], &error);

    countdown_told(run, code, &error);
    countdown_return(run, 0);
}

/* --- who has one -------------------------------------------------------------------- */

static void
ping(struct countdown *run)
{
    dew_error error = countdown_error();

    countdown_told(run, dew_ping(&run->conn[0], &error), &error);
}

static void
arm_and_disarm(struct countdown *run)
{
    for (int i = 0; i < 2; i++) {
        dew_error error = countdown_error();

        countdown_told(run, dew_deadline(&run->conn[0], 60000, &error),
                       &error);
    }
    dew_error error = countdown_error();
    countdown_told(run, dew_deadline(&run->conn[0], -1, &error), &error);
}

/* Whether the KILL gets through or not, the query ends long before it would;
 * but for one that began only when its deadline had passed, which a crowded
 * machine brings about: it has all of its five seconds. Here or, now and then, on
 * the server. */
static void
run_past_a_deadline(struct countdown *run)
{
    enum { DEADLINE_MS = 20, MISSED_MAX = 5 };
    static int missed;
    const int64_t begin_ms = kit_now_ms();
    dew_error error = countdown_error();
    const dew_code code = dew_deadline(&run->conn[0], DEADLINE_MS, &error);

    countdown_told(run, code, &error);
    if (code == DEW_OK) {
        const bool in_time = kit_now_ms() - begin_ms < DEADLINE_MS;
        (void)mysql_query(run->conn[0].mysql, "DO SLEEP(5)");
        missed += in_time && kit_now_ms() - begin_ms >= 3000;
        assert_in_range(missed, 0, MISSED_MAX);
    }
    kit_return(&run->conn[0]);
}

static void
change_credentials_and_borrow(struct countdown *run)
{
    dew_error error = countdown_error();

    countdown_told(
        run, dew_pool_set_credentials(run->pool, "app", "app", &error), &error);
    borrow_and_return(run);
}

static void
look_around(struct countdown *run)
{
    dew_error error = countdown_error();

    assert_int_equal(kit_stats(run->pool).conns_leased, 1);
    assert_int_equal(dew_pool_check(run->pool, &error), DEW_OK);
}

static const struct countdown_stage stages[] = {
    {.name = "borrow_of_a_session_at_rest_fails_for_nothing",
     .must = MUST(CLOCK_JUMP),
     .before = with_one_at_rest,
     .act = borrow_and_return},
    {.name = "borrow_that_reads_an_answer_survives",
     .must = MUST(RESET) | MUST(POLL) | MUST(SIGNAL) | MUST_CLOCK,
     .configure = looked_at,
     .before = with_one_pending,
     .act = borrow_and_return},
    {.name = "borrow_that_probes_survives",
     .must = MUST(PING) | MUST_CLOCK,
     .configure = probed,
     .before = with_one_that_rested,
     .act = borrow_and_return},
    {.name = "borrow_that_grows_the_pool_survives",
     .must = MUST(ALLOC) | MUST(CONNECT) | MUST(DESCRIPTOR) | MUST(FUTEX) | MUST_CLOCK,
     .before = with_a_loan,
     .act = borrow_one_more,
     .after = return_it},
    {.name = "borrow_that_opens_the_first_session_survives",
     .must = MUST(ALLOC) | MUST(CONNECT) | MUST(THREAD) | MUST(FUTEX),
     .act = borrow_and_return},
    {.name = "borrow_that_opens_by_itself_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(ALLOC) | MUST(CONNECT) | MUST(DESCRIPTOR) | MUST_CLOCK,
     .before = with_a_loan,
     .act = borrow_one_more,
     .after = return_it},
    {.name = "borrow_that_waits_survives",
     .must = MUST(FUTEX) | MUST_CLOCK,
     .configure = alone,
     .before = with_a_loan,
     .act = wait_for_a_return},
    {.name = "borrow_that_waits_without_threads_survives",
     .flags = DEW_NO_THREADS,
     .must = MUST(ALLOC) | MUST(FUTEX) | MUST_CLOCK,
     .configure = alone,
     .before = with_a_loan,
     .act = wait_for_a_return},
    {.name = "borrow_whose_time_is_up_says_so",
     .must = MUST(FUTEX) | MUST_CLOCK,
     .configure = alone,
     .before = with_a_loan,
     .act = wait_in_vain,
     .after = return_it},
    {.name = "borrow_by_name_survives",
     .must = MUST(ALLOC) | MUST(CONNECT),
     .configure = named,
     .act = borrow_by_name},
    {.name = "ping_survives",
     .must = MUST(PING) | MUST_CLOCK, /* a quick answer needs no poll */
     .before = with_a_loan,
     .act = ping,
     .after = return_it},
    {.name = "deadline_that_is_disarmed_survives",
     .must = MUST(ALLOC) | MUST(THREAD) | MUST(DESCRIPTOR) | MUST_CLOCK,
     .before = with_a_loan,
     .act = arm_and_disarm,
     .after = return_it},
    {.name = "deadline_that_passes_ends_the_query",
     .must = MUST(ALLOC) | MUST(THREAD) | MUST(DESCRIPTOR) | MUST(CONNECT) | MUST_CLOCK,
     .before = with_a_loan,
     .act = run_past_a_deadline,
     .after = return_it},
    {.name = "new_credentials_survive",
     .must = MUST(ALLOC) | MUST(CONNECT),
     .before = with_one_at_rest,
     .act = change_credentials_and_borrow},
    {.name = "look_at_the_pool_fails_for_nothing",
     .before = with_a_loan,
     .act = look_around,
     .after = return_it},
};

int
main(void)
{
    return countdown_run(stages, sizeof stages / sizeof stages[0]);
}
