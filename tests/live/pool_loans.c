/* SPDX-License-Identifier: MIT */
/* Goal: who asks is told every loan that is out, with who borrowed it, where
 * and when, and may do with it what the header says. Method: borrow on several
 * threads, walk over the loans, and return, borrow or close in the middle. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

#define SESSIONS 3
/* A step of the kernel's coarse clock, as the header allows it. */
#define STEP_MS 10

static struct test_server *server;

static dew_pool *
open_pool(uint32_t sessions)
{
    dew_config config;
    kit_config(&config, server);
    config.size = config.maxsize = sessions;
    return kit_open(&config);
}

/* --- what was told ------------------------------------------------------------- */

static struct {
    dew_loan loans[SESSIONS];
    unsigned count;
} told;

static int
write_down(const dew_loan *loan, void *arg)
{
    assert_ptr_equal(arg, &told);
    assert_in_range(told.count, 0, SESSIONS - 1);
    told.loans[told.count++] = *loan;
    return 0;
}

static unsigned
walk(const dew_pool *pool)
{
    told.count = 0;
    dew_foreach_loan(pool, write_down, &told);
    return told.count;
}

/* --- who, where, when ------------------------------------------------------------ */

static void
loan_is_told_with_who_borrowed_it_and_where(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool(1);
    assert_int_equal(pthread_setname_np(pthread_self(), "borrower"), 0);
    const int line = __LINE__ + 1;
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, NULL), DEW_OK);
    assert_int_equal(walk(pool), 1);
    const dew_loan *const loan = &told.loans[0];
    assert_non_null(strstr(loan->file, "pool_loans.c"));
    assert_int_equal(loan->line, line);
    assert_int_equal(loan->thread_id, gettid());
    assert_string_equal(loan->thread_name, "borrower");
    assert_int_equal(loan->server_thread_id, kit_server_id(conn.mysql));
    kit_return(&conn);
    kit_close(pool);
}

static void
loan_without_a_call_site_has_no_file(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool(1);
    assert_int_equal((dew_acquire)(pool, KIT_PATIENCE_MS, &conn, NULL), DEW_OK);
    assert_int_equal(walk(pool), 1);
    assert_null(told.loans[0].file);
    kit_return(&conn);
    kit_close(pool);
}

static void
age_counts_from_the_moment_of_the_loan(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool(1);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    const int64_t before_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - before_ms >= 100); /* it rests */
    const int64_t since_ms = kit_now_ms();
    (void)kit_borrow(pool, &conn);
    const int64_t lent_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - lent_ms >= 50);
    const int64_t least_ms = kit_now_ms() - lent_ms;
    assert_int_equal(walk(pool), 1);
    const int64_t most_ms = kit_now_ms() - since_ms;
    assert_in_range(told.loans[0].age_ms, least_ms - STEP_MS - 1,
                    most_ms + STEP_MS + 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
loan_of_a_thread_that_has_ended_has_no_name(void **state)
{
    (void)state;
    struct kit_borrower borrower;
    dew_pool *const pool = open_pool(1);
    kit_send_borrower(&borrower, pool, KIT_PATIENCE_MS);
    assert_int_equal(kit_join(&borrower), DEW_OK);
    KIT_AWAIT(walk(pool) == 1 && told.loans[0].thread_name[0] == '\0');
    assert_int_not_equal(told.loans[0].thread_id, gettid());
    kit_return(&borrower.conn);
    kit_close(pool);
}

static void
only_what_is_lent_is_told_and_all_of_it(void **state)
{
    (void)state;
    dew_conn conn[SESSIONS];
    dew_pool *const pool = open_pool(SESSIONS);
    assert_int_equal(walk(pool), 0);
    for (unsigned i = 0; i < SESSIONS; i++) {
        (void)kit_borrow(pool, &conn[i]);
        assert_int_equal(walk(pool), i + 1);
    }
    assert_int_not_equal(told.loans[0].server_thread_id,
                         told.loans[1].server_thread_id);
    kit_return(&conn[1]);
    assert_int_equal(walk(pool), 2);
    mysql_close(dew_detach(&conn[0]));
    assert_int_equal(walk(pool), 1);
    assert_int_equal(dew_discard(&conn[2]), DEW_OK);
    assert_int_equal(walk(pool), 0);
    kit_close(pool);
}

static void
nothing_is_told_without_a_pool_or_somebody_to_tell_it_to(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool(1);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(walk(NULL), 0);
    dew_foreach_loan(pool, NULL, NULL);
    kit_return(&conn);
    kit_close(pool);
}

/* --- in the middle of it ------------------------------------------------------------ */

static int
end_it(const dew_loan *loan, void *arg)
{
    (void)loan;
    return ++*(unsigned *)arg == 2 ? -1 : 0;
}

static void
walk_ends_when_it_is_told_to(void **state)
{
    (void)state;
    dew_conn conn[SESSIONS];
    unsigned count = 0;
    dew_pool *const pool = open_pool(SESSIONS);
    for (unsigned i = 0; i < SESSIONS; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    dew_foreach_loan(pool, end_it, &count);
    assert_int_equal(count, 2);
    for (unsigned i = 0; i < SESSIONS; i++) {
        kit_return(&conn[i]);
    }
    kit_close(pool);
}

struct visit {
    dew_pool *pool, *other;
    dew_conn *held;
    pthread_t closer;
    dew_code code;
    unsigned calls;
};

/* The loan that it is told of is the only session that there is. */
static int
use_the_pool(const dew_loan *loan, void *arg)
{
    struct visit *const visit = arg;
    dew_conn conn;
    (void)loan;
    if (visit->calls++ == 0) {
        kit_return(visit->held);
        kit_answers_are_its_own(kit_borrow(visit->pool, &conn));
        assert_int_equal(walk(visit->pool), 1);
        kit_return(&conn);
        assert_int_equal(walk(visit->pool), 0);
        assert_int_equal(dew_pool_close(visit->other, DEW_NO_WAIT, NULL),
                         DEW_OK);
    }
    return 0;
}

static void
who_is_told_may_return_the_loan_and_borrow_and_close_another_pool(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool(1);
    struct visit visit = {
        .pool = pool, .other = open_pool(1), .held = &conn};
    (void)kit_borrow(pool, &conn);
    dew_foreach_loan(pool, use_the_pool, &visit);
    assert_int_equal(visit.calls, 1);
    kit_close(pool);
}

static int
close_it(const dew_loan *loan, void *arg)
{
    struct visit *const visit = arg;
    dew_error error;
    (void)loan;
    visit->code = dew_pool_close(visit->pool, KIT_PATIENCE_MS, &error);
    assert_non_null(strstr(error.message, "dew_foreach_loan"));
    return 0;
}

static void
who_is_told_cannot_close_the_pool(void **state)
{
    (void)state;
    dew_conn conn;
    struct visit visit = {.pool = open_pool(1)};
    (void)kit_borrow(visit.pool, &conn);
    const int64_t since_ms = kit_now_ms();
    dew_foreach_loan(visit.pool, close_it, &visit);
    assert_int_equal(visit.code, DEW_EINVAL);
    assert_in_range(kit_now_ms() - since_ms, 0, KIT_PATIENCE_MS / 2);
    kit_answers_are_its_own(kit_next(visit.pool, &conn)); /* it is open */
    kit_return(&conn);
    kit_close(visit.pool);
}

/* --- while it closes ------------------------------------------------------------------ */

static void *
close_patiently(void *arg)
{
    struct visit *const visit = arg;
    visit->code = dew_pool_close(visit->pool, KIT_PATIENCE_MS, NULL);
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

/* The close has nothing to wait for any more, but the walk. */
static int
close_behind_it(const dew_loan *loan, void *arg)
{
    struct visit *const visit = arg;
    visit->calls++;
    assert_int_equal(
        pthread_create(&visit->closer, NULL, close_patiently, visit), 0);
    KIT_AWAIT(refuses_new_ones(visit->pool));
    assert_int_equal(walk(visit->pool), 1);
    assert_int_equal(told.loans[0].server_thread_id, loan->server_thread_id);
    kit_return(visit->held);
    KIT_AWAIT(kit_stats(visit->pool).conns_open == 0);
    assert_int_equal(walk(visit->pool), 0);
    return 0;
}

static void
close_of_another_thread_waits_for_the_walk(void **state)
{
    (void)state;
    dew_conn conn;
    struct visit visit = {
        .pool = open_pool(SESSIONS), .held = &conn, .code = DEW_EBUSY};
    (void)kit_borrow(visit.pool, &conn);
    dew_foreach_loan(visit.pool, close_behind_it, &visit);
    assert_int_equal(visit.calls, 1);
    assert_int_equal(pthread_join(visit.closer, NULL), 0);
    assert_int_equal(visit.code, DEW_OK);
}

static void
what_a_close_waits_for_is_told(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool(1);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_EBUSY);
    assert_int_equal(walk(pool), 1);
    assert_int_equal(told.loans[0].server_thread_id,
                     mysql_thread_id(conn.mysql));
    kit_return(&conn);
    assert_int_equal(dew_pool_close(pool, KIT_PATIENCE_MS, NULL), DEW_OK);
}

/* --- out of a callback ------------------------------------------------------------------ */

static dew_pool *watched;
static unsigned seen;

static void
list_loans(int level, const char *line, void *arg)
{
    (void)level;
    (void)arg;
    if (strstr(line, "a borrow at") != NULL) {
        seen = walk(watched);
    }
}

static void
log_line_of_a_slow_borrow_can_tell_who_holds_the_sessions(void **state)
{
    (void)state;
    dew_config config;
    dew_conn held, second;
    kit_config(&config, server);
    config.slow_acquire_ms = 1;
    config.on_log = list_loans;
    watched = kit_open(&config);
    (void)kit_borrow(watched, &held);
    seen = 0;
    KIT_AWAIT(dew_acquire(watched, 20, &second, NULL) == DEW_ETIMEDOUT &&
              seen == 1);
    kit_return(&held);
    kit_close(watched);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(loan_is_told_with_who_borrowed_it_and_where),
        cmocka_unit_test(loan_without_a_call_site_has_no_file),
        cmocka_unit_test(age_counts_from_the_moment_of_the_loan),
        cmocka_unit_test(loan_of_a_thread_that_has_ended_has_no_name),
        cmocka_unit_test(only_what_is_lent_is_told_and_all_of_it),
        cmocka_unit_test(
            nothing_is_told_without_a_pool_or_somebody_to_tell_it_to),
        cmocka_unit_test(walk_ends_when_it_is_told_to),
        cmocka_unit_test(
            who_is_told_may_return_the_loan_and_borrow_and_close_another_pool),
        cmocka_unit_test(who_is_told_cannot_close_the_pool),
        cmocka_unit_test(close_of_another_thread_waits_for_the_walk),
        cmocka_unit_test(what_a_close_waits_for_is_told),
        cmocka_unit_test(
            log_line_of_a_slow_borrow_can_tell_who_holds_the_sessions),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
