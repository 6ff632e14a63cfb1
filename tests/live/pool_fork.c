/* SPDX-License-Identifier: MIT */
/* Goal: a pool survives fork on both sides: the child builds a core of its
 * own, and nothing that it does reaches its parent's sessions. Method: fork
 * with loans out and sessions at rest, let the child do its worst within a
 * deadline, and ask the parent's sessions what they still know. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture/fork_kit.h"
#include "fixture/pool_kit.h"

#define CHILDREN 4

/* What a child inherits: a pool with two loans out and one session at rest. */
static struct test_server *server;
static dew_config config;
static dew_pool *pool;
static dew_conn lent[2];
static int64_t ids[2], resting_id;
static int sockets_before;

static void
open_with_loans(uint32_t flags)
{
    dew_conn third;

    sockets_before = fork_kit_sockets();
    kit_config(&config, server);
    config.name = "inherited";
    config.flags = flags;
    config.size = config.maxsize = 3;
    pool = kit_open(&config);
    for (size_t i = 0; i < 2; i++) {
        ids[i] = kit_server_id(kit_borrow(pool, &lent[i]));
        loan_do(lent[i].mysql, "SET @mine = 42");
    }
    /* The answer to its reset is pending at the fork. */
    resting_id = kit_server_id(kit_borrow(pool, &third));
    kit_return(&third);
}

/* The parent's sessions are the same as before and know what they knew. */
static void
parent_lost_nothing_and_closes(void)
{
    char text[LOAN_TEXT];
    dew_conn third;

    for (size_t i = 0; i < 2; i++) {
        kit_answers_are_its_own(lent[i].mysql);
        assert_int_equal(kit_server_id(lent[i].mysql), ids[i]);
        assert_string_equal(loan_ask(lent[i].mysql, "SELECT @mine", text),
                            "42");
    }
    assert_int_equal(kit_server_id(kit_borrow(pool, &third)), resting_id);
    kit_answers_are_its_own(third.mysql);
    kit_return(&third);
    kit_return(&lent[0]);
    kit_return(&lent[1]);
    assert_int_equal(kit_stats(pool).connects, 3);
    assert_int_equal(kit_stats(pool).stale_returns, 0);
    kit_close(pool);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

/* One child does this, with threads and without. */
static void
child_does(int (*body)(void))
{
    const uint32_t kinds[] = {0, DEW_NO_THREADS};

    for (size_t i = 0; i < 2; i++) {
        open_with_loans(kinds[i]);
        fork_kit_await(fork_kit_child(body));
        parent_lost_nothing_and_closes();
    }
}

static int
use_the_pool(void)
{
    dew_conn conn[2];

    FORK_EXPECT(fork_kit_borrow(pool, &conn[0]));
    FORK_EXPECT(fork_kit_borrow(pool, &conn[1]));
    for (size_t i = 0; i < 2; i++) {
        const int64_t id = fork_kit_server_id(conn[i].mysql);

        FORK_EXPECT(id > 0 && id != ids[0] && id != ids[1]);
        FORK_EXPECT(id != resting_id);
        FORK_EXPECT(dew_release(&conn[i]) == DEW_OK);
    }
    return 0;
}

static int
use_and_close(void)
{
    const int line = use_the_pool();

    if (line != 0) {
        return line;
    }
    FORK_EXPECT(dew_pool_check(pool, NULL) == DEW_OK);
    FORK_EXPECT(dew_pool_close(pool, 5000, NULL) == DEW_OK);
    return 0;
}

static void
four_children_use_and_close_while_the_parents_loans_answer(void **state)
{
    const uint32_t kinds[] = {0, DEW_NO_THREADS};
    pid_t children[CHILDREN];

    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        open_with_loans(kinds[kind]);
        for (size_t i = 0; i < CHILDREN; i++) {
            children[i] = fork_kit_child(use_and_close);
        }
        kit_answers_are_its_own(lent[0].mysql);
        kit_answers_are_its_own(lent[1].mysql);
        for (size_t i = 0; i < CHILDREN; i++) {
            fork_kit_await(children[i]);
        }
        parent_lost_nothing_and_closes();
    }
}

static int
leave(void)
{
    return 0; /* the kit ends it with _exit */
}

static int
leave_after_use(void)
{
    dew_conn conn;

    FORK_EXPECT(fork_kit_borrow(pool, &conn));
    return 0;
}

static int
leave_politely(void)
{
    const int line = use_the_pool();

    /* Handlers of atexit run, and a leak checker looks. */
    exit(line == 0 ? 0 : 1);
}

static void
child_that_leaves_without_a_close_hurts_nobody(void **state)
{
    (void)state;
    child_does(leave);
    child_does(leave_after_use);
    child_does(leave_politely);
}

static int
give_back_what_the_parent_lent(void)
{
    dew_conn copies[5];

    for (size_t i = 0; i < 5; i++) {
        copies[i] = lent[i % 2];
    }
    FORK_EXPECT(dew_ping(&copies[0], NULL) == DEW_ESTALE);
    FORK_EXPECT(dew_release(&copies[0]) == DEW_ESTALE);
    FORK_EXPECT(copies[0].mysql == NULL);
    FORK_EXPECT(dew_discard(&copies[1]) == DEW_ESTALE);
    FORK_EXPECT(dew_detach(&copies[2]) == NULL);
    /* Once more with a core that is the child's. */
    FORK_EXPECT(use_the_pool() == 0);
    FORK_EXPECT(dew_ping(&copies[3], NULL) == DEW_ESTALE);
    FORK_EXPECT(dew_release(&copies[3]) == DEW_ESTALE);
    FORK_EXPECT(dew_discard(&copies[4]) == DEW_ESTALE);
    FORK_EXPECT(kit_stats(pool).conns_leased == 0);
    return dew_pool_close(pool, 5000, NULL) == DEW_OK ? 0 : __LINE__;
}

static void
inherited_loan_is_stale_in_the_child(void **state)
{
    (void)state;
    child_does(give_back_what_the_parent_lent);
}

static int
close_at_once(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_pool_close(pool, 0, NULL) == DEW_OK);
    FORK_EXPECT(dew_acquire_named("inherited", 0, &conn, NULL) ==
                DEW_ENOTFOUND);
    return 0;
}

static void
child_that_closes_the_pool_closes_its_own(void **state)
{
    (void)state;
    child_does(close_at_once);
}

static int
find_by_name(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_acquire_named("inherited", KIT_PATIENCE_MS, &conn, NULL) ==
                DEW_OK);
    FORK_EXPECT(conn.pool == pool);
    FORK_EXPECT(fork_kit_server_id(conn.mysql) > 0);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    return use_and_close();
}

static void
child_finds_the_pool_by_its_name(void **state)
{
    (void)state;
    child_does(find_by_name);
}

static int
misuse_the_handles(void)
{
    FORK_EXPECT(fork_kit_sockets() == sockets_before);
    FORK_EXPECT(mysql_query(lent[0].mysql, "SET @mine = 13") != 0);
    mysql_close(lent[1].mysql);
    return 0;
}

static void
child_has_none_of_the_parents_sockets(void **state)
{
    (void)state;
    child_does(misuse_the_handles);
}

static int
become_another_program(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return __LINE__;
}

static void
child_that_execs_hurts_nobody(void **state)
{
    (void)state;
    child_does(become_another_program);
}

static int
fork_again(void)
{
    dew_conn conn;

    FORK_EXPECT(fork_kit_borrow(pool, &conn));
    const int64_t id = fork_kit_server_id(conn.mysql);
    lent[0] = conn; /* what its own child inherits */
    ids[0] = id;
    FORK_EXPECT(fork_kit_ended_well(
        fork_kit_child(give_back_what_the_parent_lent)));
    FORK_EXPECT(fork_kit_server_id(conn.mysql) == id);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    ids[0] = 0; /* here it may be lent again */
    return use_and_close();
}

static int
fork_at_once(void)
{
    FORK_EXPECT(fork_kit_ended_well(fork_kit_child(use_and_close)));
    return use_and_close();
}

static void
childs_child_builds_a_core_of_its_own(void **state)
{
    (void)state;
    child_does(fork_again);
    child_does(fork_at_once);
}

static void
child_of_a_bare_clone_is_told_by_the_wiped_page(void **state)
{
    const uint32_t kinds[] = {0, DEW_NO_THREADS};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        open_with_loans(kinds[i]);
        /* No fork handler runs. */
        const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0) {
            fork_kit_run(give_back_what_the_parent_lent);
        }
        fork_kit_await(child);
        parent_lost_nothing_and_closes();
    }
}

static int
start(void **state)
{
    (void)state;
    server = test_server_start(NULL);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    test_server_stop(server);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            four_children_use_and_close_while_the_parents_loans_answer),
        cmocka_unit_test(child_that_leaves_without_a_close_hurts_nobody),
        cmocka_unit_test(inherited_loan_is_stale_in_the_child),
        cmocka_unit_test(child_that_closes_the_pool_closes_its_own),
        cmocka_unit_test(child_finds_the_pool_by_its_name),
        cmocka_unit_test(child_has_none_of_the_parents_sockets),
        cmocka_unit_test(child_that_execs_hurts_nobody),
        cmocka_unit_test(childs_child_builds_a_core_of_its_own),
        cmocka_unit_test(child_of_a_bare_clone_is_told_by_the_wiped_page),
    };

    if (fork_kit_not_here()) {
        return 77;
    }
    return cmocka_run_group_tests(tests, start, stop);
}
