/* SPDX-License-Identifier: MIT */
/* Goal: a session whose reset's answer is late holds no borrower up while
 * another one rests, and is not lost. Method: a scripted server answers one
 * reset late or never; of two sessions, the late one is met first. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/prompt.h"
#include "fixture/scripted_kit.h"

#define LATE_MS 400
/* Where the answer must be taken for late, not for lost: on a crowded machine. */
#define IN_TIME_MS KIT_PATIENCE_MS
/* Far less than the answer takes, and enough on a crowded machine. */
#define SOON_MS 200

static dew_script_server *server;

static const dew_script_step late_once = {
    .moment = DEW_SCRIPT_ANSWER, .command = DEW_SCRIPT_RESET_CONNECTION,
    .times = 1, .after_ms = LATE_MS};
static const dew_script_step never = {
    .moment = DEW_SCRIPT_ANSWER, .command = DEW_SCRIPT_RESET_CONNECTION,
    .times = 1, .say = DEW_SCRIPT_NOTHING, .then = DEW_SCRIPT_SILENCE};

static dew_pool *
open_pool(uint32_t flags, uint32_t sessions, uint32_t ping_timeout_ms)
{
    dew_config config;
    script_config(&config, server, false);
    config.flags = flags;
    config.size = config.maxsize = config.pre_create = sessions;
    config.idle_timeout_ms = config.keepalive_ms = DEW_OFF;
    config.ping_timeout_ms = ping_timeout_ms;
    return kit_open(&config);
}

/* Two sessions, one of which rests, and the other one's answer is to come: it
 * lies where this CPU looks first. Its id; *since_ms is before its return. */
static unsigned long
let_one_be_late(dew_pool *pool, const dew_script_step *step, int64_t *since_ms)
{
    dew_conn first, second;
    const unsigned long id = mysql_thread_id(kit_borrow(pool, &first));
    (void)kit_borrow(pool, &second);
    loan_do(first.mysql, "SET @a = 1");
    script_play(server, step);
    *since_ms = kit_now_ms();
    kit_return(&first);
    kit_return(&second); /* it said nothing: no reset */
    return id;
}

static void
borrower_is_lent_the_other(uint32_t flags, int64_t timeout_ms)
{
    dew_conn conn;
    dew_error error = {.message = ""};
    dew_pool *const pool = open_pool(flags, 2, IN_TIME_MS);
    int64_t returned_ms;
    const unsigned long late = let_one_be_late(pool, &late_once, &returned_ms);
    const int64_t since_ms = kit_now_ms();
    const dew_code code = dew_acquire(pool, timeout_ms, &conn, &error);
    const int64_t took_ms = kit_now_ms() - since_ms;
    assert_string_equal(error.message, "");
    assert_int_equal(code, DEW_OK);
    assert_in_range(prompt_ms(since_ms, took_ms, SOON_MS), 0, SOON_MS);
    assert_int_not_equal(mysql_thread_id(conn.mysql), late);
    dew_conn next; /* and the late one comes, with its answer read */
    kit_answers_are_its_own(kit_borrow(pool, &next));
    assert_int_equal(mysql_thread_id(next.mysql), late);
    assert_true(kit_now_ms() - returned_ms >= LATE_MS - 10);
    assert_int_equal(kit_stats(pool).connects, 2);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    kit_return(&next);
    kit_return(&conn);
    kit_close(pool);
}

static void
who_waits_is_lent_the_one_that_rests(void **state)
{
    (void)state;
    borrower_is_lent_the_other(0, KIT_PATIENCE_MS);
    borrower_is_lent_the_other(DEW_NO_THREADS, KIT_PATIENCE_MS);
}

static void
who_has_little_time_is_lent_the_one_that_rests(void **state)
{
    (void)state;
    borrower_is_lent_the_other(0, SOON_MS / 2);
    borrower_is_lent_the_other(DEW_NO_THREADS, SOON_MS / 2);
}

static void
who_does_not_wait_is_lent_the_one_that_rests(void **state)
{
    (void)state;
    borrower_is_lent_the_other(0, DEW_NO_WAIT);
    borrower_is_lent_the_other(DEW_NO_THREADS, DEW_NO_WAIT);
}

/* Nothing else rests: the answer ends the wait, and not a moment later. */
static void
only_session_is_lent_when_its_answer_comes(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags <= DEW_NO_THREADS; flags++) {
        dew_conn conn;
        dew_pool *const pool = open_pool(flags, 1, IN_TIME_MS);
        loan_do(kit_borrow(pool, &conn), "SET @a = 1");
        const unsigned long id = mysql_thread_id(conn.mysql);
        script_play(server, &late_once);
        const int64_t since_ms = kit_now_ms();
        kit_return(&conn);
        kit_answers_are_its_own(kit_borrow(pool, &conn));
        ASSERT_PROMPT(since_ms, LATE_MS - 10, LATE_MS + SOON_MS);
        assert_int_equal(mysql_thread_id(conn.mysql), id);
        kit_return(&conn);
        kit_close(pool);
    }
}

/* Who had no time leaves it to the next one. */
static void
answer_that_came_later_is_not_lost(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags <= DEW_NO_THREADS; flags++) {
        dew_conn conn;
        dew_pool *const pool = open_pool(flags, 1, IN_TIME_MS);
        loan_do(kit_borrow(pool, &conn), "SET @a = 1");
        const unsigned long id = mysql_thread_id(conn.mysql);
        script_play(server, &late_once);
        kit_return(&conn);
        assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL),
                         DEW_ETIMEDOUT);
        KIT_AWAIT(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL) == DEW_OK);
        assert_int_equal(mysql_thread_id(conn.mysql), id);
        kit_answers_are_its_own(conn.mysql);
        kit_return(&conn);
        kit_close(pool);
    }
}

static void
session_that_never_answers_is_replaced(void **state)
{
    (void)state;
    dew_conn conn, next;
    dew_pool *const pool = open_pool(0, 2, 2 * LATE_MS);
    int64_t returned_ms;
    const unsigned long late = let_one_be_late(pool, &never, &returned_ms);
    const int64_t since_ms = kit_now_ms();
    assert_int_not_equal(mysql_thread_id(kit_borrow(pool, &conn)), late);
    ASSERT_PROMPT(since_ms, 0, SOON_MS);
    KIT_AWAIT(kit_stats(pool).retired_broken == 1);
    assert_true(kit_now_ms() - returned_ms >= 2 * LATE_MS - 20);
    ASSERT_PROMPT(since_ms, 0, 2 * LATE_MS + 2 * SOON_MS);
    kit_answers_are_its_own(kit_borrow(pool, &next));
    assert_int_equal(kit_stats(pool).connects, 3);
    kit_return(&next);
    kit_return(&conn);
    kit_close(pool);
}

/* What could not be sent in one go with the reset is sent by the keeper, when
 * it finds the answer: a server that is far away answers that later, too. */
static void
keeper_waits_for_what_it_sends_behind_the_answer(void **state)
{
    const dew_script_step far = {
        .name = "far", .moment = DEW_SCRIPT_ANSWER,
        .command = DEW_SCRIPT_QUERY, .like = "@ready", .times = 1,
        .after_ms = LATE_MS / 2};
    dew_config config;
    dew_conn conn;

    (void)state;
    script_config(&config, server, false);
    config.pre_create = 1;
    config.init_sql = "SET @ready = 1";
    config.idle_timeout_ms = LATE_MS; /* it looks four times as often */
    config.ping_timeout_ms = 10 * LATE_MS;
    dew_pool *const pool = kit_open(&config);
    /* Init_sql must wait until the way back to the database has worked. */
    assert_int_equal(mysql_select_db(kit_borrow(pool, &conn), "other"), 0);
    const unsigned long id = mysql_thread_id(conn.mysql);
    script_play(server, &far);
    kit_return(&conn);
    KIT_AWAIT(dew_script_played(server, "far") == 1);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    assert_int_equal(mysql_thread_id(conn.mysql), id);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    assert_int_equal(kit_stats(pool).connects, 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
close_does_not_wait_for_the_answer(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags <= DEW_NO_THREADS; flags++) {
        int64_t returned_ms;
        dew_conn conn;
        dew_pool *const pool = open_pool(flags, 2, IN_TIME_MS);
        (void)let_one_be_late(pool, &never, &returned_ms);
        (void)kit_borrow(pool, &conn); /* now it is watched */
        kit_return(&conn);
        const int64_t since_ms = kit_now_ms();
        kit_close(pool);
        ASSERT_PROMPT(since_ms, 0, LATE_MS);
    }
}

static int
start(void **state)
{
    cpu_set_t one;
    (void)state;
    /* What is put first is found first: in the shard of one CPU. */
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    prompt_watch(); /* on that CPU, too */
    server = script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    return 0;
}

static int
stop_it(void **state)
{
    (void)state;
    script_stop(server);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_is_lent_the_one_that_rests),
        cmocka_unit_test(who_has_little_time_is_lent_the_one_that_rests),
        cmocka_unit_test(who_does_not_wait_is_lent_the_one_that_rests),
        cmocka_unit_test(only_session_is_lent_when_its_answer_comes),
        cmocka_unit_test(answer_that_came_later_is_not_lost),
        cmocka_unit_test(session_that_never_answers_is_replaced),
        cmocka_unit_test(keeper_waits_for_what_it_sends_behind_the_answer),
        cmocka_unit_test(close_does_not_wait_for_the_answer),
    };

    return cmocka_run_group_tests(tests, start, stop_it);
}
