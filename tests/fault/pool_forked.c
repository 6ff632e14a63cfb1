/* SPDX-License-Identifier: MIT */
/* Goal: the first use of the library in a process, and the first use of a pool
 * in a forked child, survive whatever fails in them.
 * Method: a child for each n makes its n-th pass of a point fail, once or from
 * then on, and sends home how often it came by. */
/* ctest: timeout=600 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fault.h"
#include "fixture/fork_kit.h"
#include "fixture/pool_kit.h"

#define STEPS_MAX 100

static struct test_server *server;
static dew_config config;
static dew_pool *inherited; /* of the parent */
static int sockets_of_the_test;

/* What the children do; `passes` is theirs to write. */
static struct plan {
    enum fault_point point;
    uint32_t nth;
    bool for_good;
    uint32_t passes;
} *plan;

static void
arm(void)
{
    fault_arm(plan->point, plan->nth, plan->for_good);
}

static void
disarm(void)
{
    plan->passes = fault_passes(plan->point);
    fault_arm(plan->point, 0, false);
}

/* True: a refusal that fits what failed, and says what to do. */
static bool
is_told(dew_code code, const dew_error *error)
{
    const bool fits =
        plan->point == FAULT_THREAD || plan->point == FAULT_DESCRIPTOR
            ? code == DEW_ESYSTEM && error->os_errno != 0
        : plan->point == FAULT_CONNECT
            ? code == DEW_ECONNECT && error->mysql_errno == 2003
            /* What a process starts with fails for want of memory. */
            : code == DEW_ENOMEM || (code == DEW_ESYSTEM &&
                                     error->os_errno != 0);

    if (!fits || error->code != code ||
        (code != DEW_ECONNECT && strchr(error->message, ';') == NULL)) {
        (void)fprintf(stderr, "%s, pass %u: %s: %s\n", fault_name(plan->point),
                      plan->nth, dew_code_name(code), error->message);
        return false;
    }
    return true;
}

static int
use(dew_pool *pool)
{
    const int64_t until_ms = kit_now_ms() + KIT_PATIENCE_MS;
    dew_conn conn;

    /* What failed may be remembered for a moment: the breaker's pause. */
    while (dew_acquire(pool, 1000, &conn, NULL) != DEW_OK) {
        FORK_EXPECT(kit_now_ms() < until_ms);
    }
    FORK_EXPECT(fork_kit_server_id(conn.mysql) > 0);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    return 0;
}

/* --- the first use in a process ---------------------------------------------------- */

static int
open_for_the_first_time(void)
{
    dew_pool *pool = NULL;
    dew_error error;

    arm();
    const dew_code code = dew_pool_open(&pool, &config, &error);
    disarm();
    if (code != DEW_OK) {
        FORK_EXPECT(pool == NULL && is_told(code, &error));
        /* What is done once is done or not for good: it is said again. */
        FORK_EXPECT(dew_pool_open(&pool, &config, &error) == code);
        FORK_EXPECT(pool == NULL && is_told(code, &error));
        return 0;
    }
    const int line = use(pool);
    FORK_EXPECT(dew_pool_close(pool, DEW_NO_WAIT, &error) == DEW_OK);
    return line;
}

static int
connect_for_the_first_time(void)
{
    dew_conn conn;
    dew_error error;

    arm();
    const dew_code code = dew_connect(&config, &conn, &error);
    disarm();
    if (code != DEW_OK) {
        FORK_EXPECT(conn.mysql == NULL && is_told(code, &error));
        FORK_EXPECT(dew_connect(&config, &conn, &error) == code);
        return 0;
    }
    FORK_EXPECT(fork_kit_server_id(conn.mysql) > 0);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    return 0;
}

/* --- the first use of a pool in a child -------------------------------------------- */

static int
use_what_was_inherited(void)
{
    dew_conn conn;
    dew_error error;

    /* Armed before the fork, for the sake of the handler, which took the
     * pool's sockets away even where no descriptor was left. */
    FORK_EXPECT(fork_kit_sockets() == sockets_of_the_test);
    const dew_code code = dew_acquire(inherited, 3000, &conn, &error);
    disarm();
    if (code == DEW_OK) {
        FORK_EXPECT(dew_release(&conn) == DEW_OK);
    } else {
        FORK_EXPECT(conn.mysql == NULL && is_told(code, &error));
    }
    const int line = use(inherited);
    FORK_EXPECT(dew_pool_check(inherited, &error) == DEW_OK);
    FORK_EXPECT(dew_pool_close(inherited, DEW_NO_WAIT, &error) == DEW_OK);
    return line;
}

static int
count_it(const dew_loan *loan, void *arg)
{
    (void)loan;
    ++*(int *)arg;
    return 0;
}

/* By calls that cannot tell whether the pool could be built again: then they do
 * nothing, each of them. */
static int
use_in_silence(void)
{
    dew_stats stats = {.struct_size = sizeof stats, .waits = 7};
    dew_error error;
    int loans = 0;

    dew_pool_refresh(inherited);
    dew_pool_suspend(inherited);
    dew_pool_resume(inherited);
    dew_pool_abort(inherited);
    dew_stats_read(inherited, &stats);
    dew_foreach_loan(inherited, count_it, &loans);
    FORK_EXPECT(dew_pool_tend(inherited) >= -1);
    disarm();
    FORK_EXPECT(stats.conns_open == 0 && stats.acquires == 0);
    FORK_EXPECT(stats.waits == 0 && loans == 0);
    FORK_EXPECT(dew_pool_tend(inherited) >= 0);
    const int line = use(inherited);
    FORK_EXPECT(dew_pool_close(inherited, DEW_NO_WAIT, &error) == DEW_OK);
    return line;
}

/* --- counting down ------------------------------------------------------------------ */

/* How many steps failed. */
static uint32_t
count_down(enum fault_point point, bool for_good, int (*body)(void),
           bool armed_here)
{
    for (uint32_t nth = 1;; nth++) {
        *plan = (struct plan){point, nth, for_good, 0};
        assert_true(nth < STEPS_MAX);
        if (armed_here) {
            fork_kit_await_quiet();
            arm();
        }
        const pid_t child = fork_kit_child(body);
        fault_arm(point, 0, false);
        if (!fork_kit_ended_well(child)) {
            fail_msg("%s, pass %u%s", fault_name(point), nth,
                     for_good ? " and all later ones" : "");
        }
        if (plan->passes < nth) {
            return nth - 1;
        }
    }
}

static void
first_use_of_a_process_survives(void **state)
{
    (void)state;
    for (int for_good = 0; for_good < 2; for_good++) {
        const uint32_t steps = count_down(FAULT_ONCE, for_good != 0,
                                          open_for_the_first_time, false);

        print_message("%u steps are done once in a process\n", steps);
        assert_true(steps >= 3); /* liburcu's handlers, ours, the library */
        assert_true(count_down(FAULT_ONCE, for_good != 0,
                               connect_for_the_first_time, false) >= 3);
    }
}

static void
first_use_in_a_child_survives(void **state)
{
    static const enum fault_point points[] = {FAULT_ALLOC, FAULT_THREAD,
                                              FAULT_DESCRIPTOR, FAULT_CONNECT};
    dew_conn conn;

    (void)state;
    if (fork_kit_not_here() || fork_kit_not_beside_busy_threads()) {
        return;
    }
    sockets_of_the_test = fork_kit_sockets();
    inherited = kit_open(&config);
    MYSQL *const mysql = kit_borrow(inherited, &conn);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        for (int for_good = 0; for_good < 2; for_good++) {
            const uint32_t steps = count_down(points[i], for_good != 0,
                                              use_what_was_inherited, true);

            print_message("%s: %u steps\n", fault_name(points[i]), steps);
            assert_true(steps > 0);
            kit_answers_are_its_own(mysql);
        }
    }
    kit_return(&conn);
    kit_close(inherited);
}

static void
call_that_cannot_tell_does_nothing_where_nothing_can_be_built(void **state)
{
    dew_conn conn;
    dew_config by_hand = config;

    (void)state;
    if (fork_kit_not_here() || fork_kit_not_beside_busy_threads()) {
        return;
    }
    by_hand.flags = DEW_NO_THREADS;
    inherited = kit_open(&by_hand);
    MYSQL *const mysql = kit_borrow(inherited, &conn);
    for (int for_good = 0; for_good < 2; for_good++) {
        assert_true(count_down(FAULT_ALLOC, for_good != 0, use_in_silence,
                               true) > 0);
    }
    kit_answers_are_its_own(mysql);
    kit_return(&conn);
    kit_close(inherited);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_use_of_a_process_survives), /* the first */
        cmocka_unit_test(first_use_in_a_child_survives),
        cmocka_unit_test(
            call_that_cannot_tell_does_nothing_where_nothing_can_be_built),
    };
    plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (plan == MAP_FAILED) {
        return 1;
    }
    server = test_server_start(NULL);
    kit_config(&config, server);
    config.burst_after_ms = DEW_ZERO;
    config.fail_fast_after_ms = 20;
    config.maxsize = 2;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
