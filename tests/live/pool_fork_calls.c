/* SPDX-License-Identifier: MIT */
/* Goal: whatever a child calls first finds or builds its own pool, or says why
 * not and leaves it to the next call. Method: fork, make each public call the
 * first one, and let memory, threads and descriptors lack at that moment. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fault.h"
#include "fixture/family.h"

/* --- the first call ------------------------------------------------------------ */

static bool
has_threads(void)
{
    return (family.config.flags & DEW_NO_THREADS) == 0;
}

static int
check_first(void)
{
    FORK_EXPECT(dew_pool_check(family.pool, NULL) == DEW_OK);
    return family_use_and_close();
}

static int
count_first(void)
{
    dew_stats stats = {.struct_size = sizeof(stats)};

    dew_stats_read(family.pool, &stats);
    FORK_EXPECT(stats.acquires == 0 && stats.connects == 0);
    FORK_EXPECT(stats.conns_open == 0 && stats.conns_leased == 0);
    return family_use_and_close();
}

static int
tend_first(void)
{
    FORK_EXPECT((dew_pool_tend(family.pool) < 0) == has_threads());
    return family_use_and_close();
}

static int
take_what_rests_first(void)
{
    dew_conn conn;

    /* Nothing rests here: the parent's does not count. */
    FORK_EXPECT(dew_acquire(family.pool, DEW_NO_WAIT, &conn, NULL) ==
                DEW_ETIMEDOUT);
    return family_use_and_close();
}

static int
abort_first(void)
{
    dew_pool_abort(family.pool);
    return family_use_and_close();
}

static int
change_the_password_first(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_pool_set_credentials(family.pool, "app", "wrong", NULL) ==
                DEW_OK);
    FORK_EXPECT(dew_acquire(family.pool, 2000, &conn, NULL) ==
                DEW_ECONNECT);
    FORK_EXPECT(dew_pool_close(family.pool, 5000, NULL) == DEW_OK);
    return 0;
}

static void
any_call_may_be_a_childs_first(void **state)
{
    (void)state;
    family_child_does(check_first);
    family_child_does(count_first);
    family_child_does(tend_first);
    family_child_does(take_what_rests_first);
    family_child_does(abort_first);
    family_child_does(change_the_password_first);
}

static int
end_with_the_first_close(void)
{
    FORK_EXPECT(dew_pool_close(family.pool, 0, NULL) == DEW_OK);
    return 0;
}

/* Its numbers of threads and descriptors are those of a process in which no
 * pool was open, but for /dev/null in the place of the parent's sockets. */
static int
leave_no_trace(void)
{
    const struct kit_traces before = kit_traces();
    const int line = family_use_and_close();

    FORK_EXPECT(line == 0);
    const int64_t until = kit_now_ms() + KIT_PATIENCE_MS;
    /* The two bells of the inherited core are closed as well. */
    while (kit_traces().threads != 1 ||
           kit_traces().descriptors != before.descriptors - 2) {
        FORK_EXPECT(kit_now_ms() < until);
        (void)usleep(1000);
    }
    return 0;
}

static void
child_that_closed_its_pool_has_no_trace_of_it(void **state)
{
    (void)state;
    family_child_does(end_with_the_first_close);
    family_child_does(leave_no_trace);
}

/* --- without memory, threads, descriptors ---------------------------------------- */

/* Fails the n-th pass of a point in the first call, for every n. */
static int
first_call_fails(enum fault_point point, dew_code expected)
{
    for (uint32_t n = 1;; n++) {
        dew_error error = {.code = DEW_OK};

        fault_arm(point, n, false);
        const dew_code code = dew_pool_check(family.pool, &error);
        const bool fired = fault_passes(point) >= n;
        fault_arm(point, 0, false);
        if (!fired) {
            return code == DEW_OK ? n > 1 ? 0 : __LINE__ : __LINE__;
        }
        FORK_EXPECT(code == expected);
        FORK_EXPECT(error.code == expected && error.message[0] != '\0');
    }
}

static int
build_without_memory(void)
{
    const int line = first_call_fails(FAULT_ALLOC, DEW_ENOMEM);

    return line != 0 ? line : family_use_and_close();
}

static int
build_without_a_thread(void)
{
    if (has_threads()) {
        const int line = first_call_fails(FAULT_THREAD, DEW_ESYSTEM);
        FORK_EXPECT(line == 0);
    }
    return family_use_and_close();
}

static int
build_without_descriptors(void)
{
    struct rlimit few, many;
    dew_error error;
    dew_conn conn;

    FORK_EXPECT(getrlimit(RLIMIT_NOFILE, &many) == 0);
    few = many;
    few.rlim_cur = 3;
    FORK_EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
    const dew_code first = dew_acquire(family.pool, 0, &conn, &error);
    const dew_code named =
        dew_acquire_named(FAMILY_NAME, 0, &conn, NULL);
    FORK_EXPECT(setrlimit(RLIMIT_NOFILE, &many) == 0);
    FORK_EXPECT(first == DEW_ESYSTEM && error.os_errno != 0);
    FORK_EXPECT(named == DEW_ESYSTEM);
    return family_use_and_close();
}

static void
first_call_that_fails_says_why_and_the_next_succeeds(void **state)
{
    (void)state;
    family_child_does(build_without_memory);
    family_child_does(build_without_a_thread);
    family_child_does(build_without_descriptors);
}

/* --- what was said of the pool before ------------------------------------------- */

static int
is_suspended_until_resumed(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_acquire(family.pool, 50, &conn, NULL) == DEW_ETIMEDOUT);
    dew_pool_resume(family.pool);
    return family_use_and_close();
}

static int
resume_first(void)
{
    dew_pool_resume(family.pool);
    return family_use_and_close();
}

static int
suspend_first(void)
{
    dew_pool_suspend(family.pool);
    return is_suspended_until_resumed();
}

static int
refresh_first(void)
{
    dew_pool_refresh(family.pool);
    return family_use_and_close();
}

static void
suspension_is_inherited_and_ended_on_each_side(void **state)
{
    (void)state;
    family_open(0);
    dew_pool_suspend(family.pool);
    fork_kit_await(fork_kit_child(is_suspended_until_resumed));
    fork_kit_await(fork_kit_child(resume_first));
    dew_pool_resume(family.pool);
    fork_kit_await(fork_kit_child(suspend_first));
    fork_kit_await(fork_kit_child(refresh_first));
    family_is_whole_and_closes();
}

/* --- a pool that closes ------------------------------------------------------------ */

static int
is_closing_whatever_lacks(void)
{
    dew_conn conn;

    for (uint32_t n = 1; n <= 3; n++) {
        fault_arm(FAULT_ALLOC, n, false);
        FORK_EXPECT(dew_acquire(family.pool, 0, &conn, NULL) == DEW_ENOMEM);
    }
    fault_arm(FAULT_ALLOC, 0, false);
    FORK_EXPECT(dew_acquire(family.pool, 0, &conn, NULL) == DEW_ECLOSED);
    FORK_EXPECT(dew_pool_close(family.pool, 0, NULL) == DEW_OK);
    return 0;
}

static void
pool_that_is_closing_is_so_in_the_child(void **state)
{
    (void)state;
    family_open(0);
    assert_int_equal(dew_pool_close(family.pool, 0, NULL), DEW_EBUSY);
    fork_kit_await(fork_kit_child(is_closing_whatever_lacks));
    for (size_t i = 0; i < 2; i++) {
        kit_answers_are_its_own(family.lent[i].mysql);
        kit_return(&family.lent[i]);
    }
    assert_int_equal(dew_pool_close(family.pool, 5000, NULL), DEW_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_may_be_a_childs_first),
        cmocka_unit_test(child_that_closed_its_pool_has_no_trace_of_it),
        cmocka_unit_test(first_call_that_fails_says_why_and_the_next_succeeds),
        cmocka_unit_test(suspension_is_inherited_and_ended_on_each_side),
        cmocka_unit_test(pool_that_is_closing_is_so_in_the_child),
    };

    if (fork_kit_not_here()) {
        return 77;
    }
    return cmocka_run_group_tests(tests, family_start, family_stop);
}
