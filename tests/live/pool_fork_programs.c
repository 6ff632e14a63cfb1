/* SPDX-License-Identifier: MIT */
/* Goal: starting programs, from anywhere, costs the parent nothing, and a pool
 * that was being opened at the fork is no pool in the child. Method: exec,
 * vfork, posix_spawn and system with loans out and from inside callbacks. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/order.h"
#include "fixture/family.h"

/* Succeeds if it has no more sockets than those that such a program had before
 * there was a pool (the fixture's, or what the tests were started with). */
#define COUNT_SOCKETS "ls -l /proc/self/fd | grep -c socket:"

static char command[100];
static char *const shell[] = {(char *)"sh", (char *)"-c", command, NULL};

static int
start_server_and_count(void **state)
{
    int before = -1;

    (void)family_start(state);
    FILE *const output = popen(COUNT_SOCKETS, "re");
    assert_non_null(output);
    assert_int_equal(fscanf(output, "%d", &before), 1);
    (void)pclose(output);
    (void)snprintf(command, sizeof command, "test $(%s) -eq %d", COUNT_SOCKETS,
                   before);
    return 0;
}

static int
become_another_program(void)
{
    (void)execv("/bin/sh", shell);
    return __LINE__;
}

static int
become_another_program_after_use(void)
{
    dew_conn conn;

    FORK_EXPECT(family_use() == 0);
    FORK_EXPECT(fork_kit_borrow(family.pool, &conn));
    return become_another_program();
}

static void
child_that_execs_takes_no_socket_along(void **state)
{
    (void)state;
    family_child_does(become_another_program);
    family_child_does(become_another_program_after_use);
}

static void
child_that_shares_our_memory_is_not_taken_for_a_fork(void **state)
{
    extern char **environ;
    pid_t child;

    (void)state;
    family_open(0);
    child = vfork();
    if (child == 0) {
        (void)execv("/bin/sh", shell);
        _exit(1);
    }
    fork_kit_await(child);
    assert_int_equal(posix_spawn(&child, "/bin/sh", NULL, NULL, shell, environ),
                     0);
    fork_kit_await(child);
    assert_int_equal(system(command), 0);
    family_is_whole_and_closes();
}

/* --- inside callbacks -------------------------------------------------------------- */

static order_u32 children_that_failed, children;

static int
leave(void)
{
    return 0;
}

static int
fork_on_connect(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    const bool well =
        fork_kit_ended_well(fork_kit_child(leave)) &&
        fork_kit_ended_well(fork_kit_child(become_another_program)) &&
        fork_kit_ended_well(fork_kit_child(family_use_and_close));

    (void)order_add_seq_u32(&children, 1);
    (void)order_add_seq_u32(&children_that_failed, well ? 0 : 1);
    return 0;
}

static void
fork_whenever_one_connects(dew_config *config)
{
    config->on_connect = fork_on_connect;
}

/* On an opener's thread, and on a borrower's; the socket of that very session
 * is noted by then. */
static void
callback_may_fork_a_child_that_does_not_return_from_it(void **state)
{
    const uint32_t kinds[] = {0, DEW_NO_THREADS};
    dew_pool *elder;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        /* What the children use: not the pool whose callback it is. */
        family.adjust = NULL;
        family_open(kinds[i]);
        elder = family.pool;
        kit_config(&family.config, family.server);
        fork_whenever_one_connects(&family.config);
        family.config.flags = kinds[i];
        dew_conn conn;
        dew_pool *const pool = kit_open(&family.config);
        kit_answers_are_its_own(kit_borrow(pool, &conn));
        kit_return(&conn);
        kit_close(pool);
        assert_ptr_equal(family.pool, elder);
        family_is_whole_and_closes();
    }
    assert_int_not_equal(order_load_seq_u32(&children), 0);
    assert_int_equal(order_load_seq_u32(&children_that_failed), 0);
}

/* --- a pool that is being opened ------------------------------------------------------ */

static order_u32 one_waits, one_may_go;

static int
wait_in_the_connect(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    order_store_seq_u32(&one_waits, 1);
    KIT_AWAIT(order_load_seq_u32(&one_may_go) != 0);
    return 0;
}

static void *
open_slowly(void *arg)
{
    (void)arg;
    kit_config(&family.config, family.server);
    family.config.name = FAMILY_NAME;
    family.config.pre_create = 1;
    family.config.on_connect = wait_in_the_connect;
    family.pool = kit_open(&family.config);
    return NULL;
}

static int
find_it_by_name(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_acquire_named(FAMILY_NAME, 100, &conn, NULL) ==
                DEW_ENOTFOUND);
    return 0;
}

static int
open_one_of_that_name(void)
{
    family.config.pre_create = 0;
    family.config.on_connect = NULL;
    family.config.size = family.config.maxsize = 2;
    FORK_EXPECT(dew_pool_open(&family.pool, &family.config, NULL) == DEW_OK);
    return family_use_and_close();
}

static void
pool_that_was_being_opened_is_none_in_the_child(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, open_slowly, NULL), 0);
    KIT_AWAIT(order_load_seq_u32(&one_waits) != 0);
    const bool found_none =
        fork_kit_ended_well(fork_kit_child(find_it_by_name));
    const bool opened_own =
        fork_kit_ended_well(fork_kit_child(open_one_of_that_name));
    order_store_seq_u32(&one_may_go, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(found_none && opened_own);
    kit_close(family.pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_that_execs_takes_no_socket_along),
        cmocka_unit_test(child_that_shares_our_memory_is_not_taken_for_a_fork),
        cmocka_unit_test(callback_may_fork_a_child_that_does_not_return_from_it),
        cmocka_unit_test(pool_that_was_being_opened_is_none_in_the_child),
    };

    if (fork_kit_not_here()) {
        return 77;
    }
    return cmocka_run_group_tests(tests, start_server_and_count, family_stop);
}
