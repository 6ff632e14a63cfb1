/* SPDX-License-Identifier: MIT */
/* Goal: a loan that is out for longer than leak_after_ms is reported once,
 * with who borrowed it and where, and no other loan is. Method: keep loans,
 * or return them in time; a journal and the counter tell what was reported. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture/journal.h"
#include "fixture/pool_kit.h"
#include "fixture/prompt.h"

#define LEAK_MS 200
#define TOLD "a loan is out for"

static struct test_server *server;
static struct journal journal;

static void
configure(dew_config *config, uint32_t leak_after_ms)
{
    kit_config(config, server);
    journal_begin(&journal);
    config->name = "cellar";
    config->leak_after_ms = leak_after_ms;
    config->on_log = journal_write;
    config->on_log_arg = &journal;
}

/* Lets the keeper look several times more. */
static void
let_pass(int64_t ms)
{
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms >= ms);
}

static void
says(const char *line, const char *format, long long number)
{
    char part[64];
    (void)snprintf(part, sizeof part, format, number);
    if (strstr(line, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", line, part);
    }
}

static void
forgotten_loan_is_reported_once_with_its_borrower(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, LEAK_MS);
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(pthread_setname_np(pthread_self(), "forgetful"), 0);
    const int line = __LINE__ + 1;
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, NULL), DEW_OK);
    const int64_t id = kit_server_id(conn.mysql);
    KIT_AWAIT(kit_stats(pool).leaks == 1);
    let_pass(3 * LEAK_MS);
    assert_int_equal(kit_stats(pool).leaks, 1);
    assert_int_equal(journal_warnings(&journal, TOLD), 1);
    const char *const told = journal_warning(&journal, TOLD);
    assert_int_equal(strncmp(told, "cellar: ", 8), 0);
    says(told, "pool_leaks.c:%lld ", line);
    says(told, "thread %lld (forgetful)", gettid());
    says(told, "server's thread %lld;", id);
    kit_return(&conn);
    kit_close(pool);
}

/* The keeper's notes of who was told were made for fewer places. */
static void
loan_of_a_place_that_a_resize_added_is_reported_once_too(void **state)
{
    (void)state;
    dew_config config;
    dew_conn first, second;
    configure(&config, LEAK_MS);
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &first);
    KIT_AWAIT(kit_stats(pool).leaks == 1);
    assert_int_equal(dew_pool_resize(pool, 64, 64, NULL), DEW_OK);
    (void)kit_borrow(pool, &second);
    KIT_AWAIT(kit_stats(pool).leaks == 2);
    let_pass(3 * LEAK_MS); /* and the first is not told again */
    assert_int_equal(kit_stats(pool).leaks, 2);
    assert_int_equal(journal_warnings(&journal, TOLD), 2);
    kit_return(&first);
    kit_return(&second);
    kit_close(pool);
}

/* Not early, and within the two looks that the interval promises: looks once
 * a second, as without leak_after_ms, would come too late. */
static void
report_comes_after_leak_after_ms_and_not_much_later(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, LEAK_MS);
    dew_pool *const pool = kit_open(&config);
    const int64_t before_ms = kit_now_ms();
    (void)kit_borrow(pool, &conn);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_stats(pool).leaks == 1);
    assert_true(kit_now_ms() - before_ms >= LEAK_MS - 1);
    ASSERT_PROMPT(since_ms, 0, 950);
    KIT_AWAIT(journal_warnings(&journal, TOLD) == 1);
    long long age_ms = 0;
    assert_int_equal(sscanf(journal_warning(&journal, TOLD),
                            "cellar: a loan is out for %lld ms", &age_ms),
                     1);
    assert_in_range(prompt_ms(since_ms, age_ms, 950), LEAK_MS, 950);
    kit_return(&conn);
    kit_close(pool);
}

/* The same slot is lent at nearly every look of the keeper. */
static void
loans_that_come_back_in_time_are_not_reported(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, LEAK_MS);
    dew_pool *const pool = kit_open(&config);
    const int64_t until_ms = kit_now_ms() + 5 * LEAK_MS;
    unsigned late = 0; /* by the machine: their reports are true */
    while (kit_now_ms() < until_ms) {
        const int64_t since_ms = kit_now_ms();
        loan_do(kit_borrow(pool, &conn), "DO SLEEP(0.01)");
        kit_return(&conn);
        late += kit_now_ms() - since_ms >= LEAK_MS - 20;
    }
    let_pass(3 * LEAK_MS); /* the last one's slot rests under its number */
    assert_in_range(kit_stats(pool).leaks, 0, late);
    assert_int_equal(journal_warnings(&journal, TOLD), kit_stats(pool).leaks);
    kit_close(pool);
}

static void
each_forgotten_loan_is_reported_by_itself(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn[3];
    configure(&config, LEAK_MS);
    config.size = config.maxsize = 3;
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < 3; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    KIT_AWAIT(kit_stats(pool).leaks == 3);
    (void)kit_next(pool, &conn[1]); /* the next loan of a slot that is known */
    KIT_AWAIT(kit_stats(pool).leaks == 4);
    for (size_t i = 0; i < 3; i++) {
        kit_return(&conn[i]);
    }
    let_pass(2 * LEAK_MS);
    assert_int_equal(kit_stats(pool).leaks, 4);
    kit_close(pool);
}

static void
loan_of_a_thread_that_has_ended_is_reported(void **state)
{
    (void)state;
    dew_config config;
    struct kit_borrower borrower;
    configure(&config, LEAK_MS);
    dew_pool *const pool = kit_open(&config);
    kit_send_borrower(&borrower, pool, KIT_PATIENCE_MS);
    assert_int_equal(kit_join(&borrower), DEW_OK);
    KIT_AWAIT(journal_warnings(&journal, TOLD) == 1);
    assert_non_null(strstr(journal_warning(&journal, TOLD), "pool_kit.c"));
    assert_non_null(
        strstr(journal_warning(&journal, TOLD), "(which has ended)"));
    kit_return(&borrower.conn);
    kit_close(pool);
}

/* A binding that calls the function, not the macro. */
static void
loan_without_a_call_site_is_reported(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, LEAK_MS);
    dew_pool *const pool = kit_open(&config);
    assert_int_equal((dew_acquire)(pool, KIT_PATIENCE_MS, &conn, NULL), DEW_OK);
    KIT_AWAIT(journal_warnings(&journal, "an unknown place") == 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
nothing_is_reported_unless_it_is_asked_for(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, 0);        /* off */
    config.idle_timeout_ms = 400; /* the keeper looks as often all the same */
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    let_pass(4 * LEAK_MS);
    assert_int_equal(kit_stats(pool).leaks, 0);
    kit_return(&conn);
    kit_close(pool);
}

static void
tending_by_hand_reports_too(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, LEAK_MS);
    config.flags = DEW_NO_THREADS;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    KIT_AWAIT(dew_pool_tend(pool) >= 0 && kit_stats(pool).leaks == 1);
    assert_int_equal(journal_warnings(&journal, TOLD), 1);
    kit_return(&conn);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgotten_loan_is_reported_once_with_its_borrower),
        cmocka_unit_test(
            loan_of_a_place_that_a_resize_added_is_reported_once_too),
        cmocka_unit_test(report_comes_after_leak_after_ms_and_not_much_later),
        cmocka_unit_test(loans_that_come_back_in_time_are_not_reported),
        cmocka_unit_test(each_forgotten_loan_is_reported_by_itself),
        cmocka_unit_test(loan_of_a_thread_that_has_ended_is_reported),
        cmocka_unit_test(loan_without_a_call_site_is_reported),
        cmocka_unit_test(nothing_is_reported_unless_it_is_asked_for),
        cmocka_unit_test(tending_by_hand_reports_too),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
