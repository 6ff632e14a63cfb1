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

#include "base/thread.h"
#include "fixture/family.h"

#define CHILDREN 4

static void
four_children_use_and_close_while_the_parents_loans_answer(void **state)
{
    const uint32_t kinds[] = {0, DEW_NO_THREADS};
    pid_t children[CHILDREN];

    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        family_open(kinds[kind]);
        for (size_t i = 0; i < CHILDREN; i++) {
            children[i] = fork_kit_child(family_use_and_close);
        }
        kit_answers_are_its_own(family.lent[0].mysql);
        kit_answers_are_its_own(family.lent[1].mysql);
        for (size_t i = 0; i < CHILDREN; i++) {
            fork_kit_await(children[i]);
        }
        family_is_whole_and_closes();
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

    FORK_EXPECT(fork_kit_borrow(family.pool, &conn));
    return 0;
}

static int
leave_politely(void)
{
    const int line = family_use();

    /* Handlers of atexit run, and a leak checker looks. */
    exit(line == 0 ? 0 : 1);
}

static void
child_that_leaves_without_a_close_hurts_nobody(void **state)
{
    (void)state;
    family_child_does(leave);
    family_child_does(leave_after_use);
    family_child_does(leave_politely);
}

static int
give_back_what_the_parent_lent(void)
{
    dew_conn copies[5];

    for (size_t i = 0; i < 5; i++) {
        copies[i] = family.lent[i % 2];
    }
    FORK_EXPECT(dew_ping(&copies[0], NULL) == DEW_ESTALE);
    FORK_EXPECT(dew_release(&copies[0]) == DEW_ESTALE);
    FORK_EXPECT(copies[0].mysql == NULL);
    FORK_EXPECT(dew_discard(&copies[1]) == DEW_ESTALE);
    FORK_EXPECT(dew_detach(&copies[2]) == NULL);
    /* Once more with a core that is the child's. */
    FORK_EXPECT(family_use() == 0);
    FORK_EXPECT(dew_ping(&copies[3], NULL) == DEW_ESTALE);
    FORK_EXPECT(dew_release(&copies[3]) == DEW_ESTALE);
    FORK_EXPECT(dew_discard(&copies[4]) == DEW_ESTALE);
    FORK_EXPECT(kit_stats(family.pool).conns_leased == 0);
    return dew_pool_close(family.pool, 5000, NULL) == DEW_OK ? 0 : __LINE__;
}

static void
inherited_loan_is_stale_in_the_child(void **state)
{
    (void)state;
    family_child_does(give_back_what_the_parent_lent);
}

static int
close_at_once(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_pool_close(family.pool, 0, NULL) == DEW_OK);
    FORK_EXPECT(dew_acquire_named(FAMILY_NAME, 0, &conn, NULL) ==
                DEW_ENOTFOUND);
    return 0;
}

static void
child_that_closes_the_pool_closes_its_own(void **state)
{
    (void)state;
    family_child_does(close_at_once);
}

static int
find_by_name(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_acquire_named(FAMILY_NAME, KIT_PATIENCE_MS, &conn, NULL) ==
                DEW_OK);
    FORK_EXPECT(conn.pool == family.pool);
    FORK_EXPECT(fork_kit_server_id(conn.mysql) > 0);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    return family_use_and_close();
}

static void
child_finds_the_pool_by_its_name(void **state)
{
    (void)state;
    family_child_does(find_by_name);
}

static int
misuse_the_handles(void)
{
    FORK_EXPECT(fork_kit_sockets() == family.sockets_before);
    FORK_EXPECT(mysql_query(family.lent[0].mysql, "SET @mine = 13") != 0);
    mysql_close(family.lent[1].mysql);
    return 0;
}

static void
child_has_none_of_the_parents_sockets(void **state)
{
    (void)state;
    family_child_does(misuse_the_handles);
}

static int
fork_again(void)
{
    dew_conn conn;

    FORK_EXPECT(fork_kit_borrow(family.pool, &conn));
    const int64_t id = fork_kit_server_id(conn.mysql);
    family.lent[0] = conn; /* what its own child inherits */
    family.ids[0] = id;
    FORK_EXPECT(fork_kit_ended_well(
        fork_kit_child(give_back_what_the_parent_lent)));
    FORK_EXPECT(fork_kit_server_id(conn.mysql) == id);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    family.ids[0] = 0; /* here it may be lent again */
    return family_use_and_close();
}

static int
fork_at_once(void)
{
    FORK_EXPECT(fork_kit_ended_well(fork_kit_child(family_use_and_close)));
    return family_use_and_close();
}

static void
childs_child_builds_a_core_of_its_own(void **state)
{
    (void)state;
    family_child_does(fork_again);
    family_child_does(fork_at_once);
}

/* Without a fork handler the parent's sockets are still there to be hurt. */
static int
replace_all_sessions(void)
{
    dew_pool_refresh(family.pool);
    (void)dew_pool_tend(family.pool);
    return family_use_and_close();
}

static void
bare_clone_does(int (*body)(void))
{
    const uint32_t kinds[] = {0, DEW_NO_THREADS};

    for (size_t i = 0; i < 2; i++) {
        family_open(kinds[i]);
        fork_kit_await_quiet();
        const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0) {
            fork_kit_run(body);
        }
        fork_kit_await(child);
        family_is_whole_and_closes();
    }
}

static void
child_of_a_bare_clone_is_told_by_the_wiped_page(void **state)
{
    (void)state;
    bare_clone_does(give_back_what_the_parent_lent);
    bare_clone_does(replace_all_sessions);
}

/* Known by its own id, and not by the parent's; so the next borrow is quick. */
static int
borrow_once(void)
{
    dew_conn conn;

    FORK_EXPECT(fork_kit_borrow(family.pool, &conn));
    FORK_EXPECT(thread_outside_id == (uint32_t)gettid());
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    return 0;
}

static void
thread_of_a_child_is_known_from_its_first_borrow_on(void **state)
{
    (void)state;
    family_child_does(borrow_once);
    bare_clone_does(borrow_once);
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
        cmocka_unit_test(childs_child_builds_a_core_of_its_own),
        cmocka_unit_test(child_of_a_bare_clone_is_told_by_the_wiped_page),
        cmocka_unit_test(thread_of_a_child_is_known_from_its_first_borrow_on),
    };

    if (fork_kit_not_here()) {
        return 77;
    }
    return cmocka_run_group_tests(tests, family_start, family_stop);
}
