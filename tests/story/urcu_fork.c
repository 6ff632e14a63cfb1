/* SPDX-License-Identifier: MIT */
/* Goal: a forked child can wait for readers and use the registry, whatever
 * the other threads of its parent were doing at the fork. */
/* Method: park a thread of the parent at the worst place, fork, and give the
 * child a deadline: a hang is a failure, and the child is killed. */
#define _GNU_SOURCE 1
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/order.h"
#include "core/registry.h"

#define CHILD_MS 10000 /* reached only when something is broken */
#define PATIENCE 20000 /* yields in which a fork that is not held is over */

static struct registry_entry parents;
static struct registry_entry childs;

/* What a child does with all that this library needs of liburcu. */
static bool
child_can_do_everything(void)
{
    struct registry_entry *found;

    reclaim_wait_readers();
    if (registry_add(&childs, "of the child", true) != DEW_OK) {
        return false;
    }
    reclaim_read_begin();
    found = registry_find("of the child");
    reclaim_read_end();
    registry_remove(&childs);
    reclaim_wait_readers();
    return found == &childs;
}

/* A child says one byte when it is done: 'y' or 'n'; '?' is a hang or death.
 * Without its handlers it would hang with all signals blocked: SIGKILL. */
static char
fork_and_ask(bool (*question)(void))
{
    struct pollfd answer;
    char said = '?';
    pid_t child;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        said = question() ? 'y' : 'n';
        _exit(write(ends[1], &said, 1) == 1 ? 0 : 1);
    }
    assert_true(child > 0);
    (void)close(ends[1]);
    answer = (struct pollfd){.fd = ends[0], .events = POLLIN};
    if (poll(&answer, 1, CHILD_MS) == 1 && read(ends[0], &said, 1) != 1) {
        said = '?';
    }
    (void)close(ends[0]);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return said;
}

/* Set by the first of the parent's fork handlers: the fork is done. */
static order_u32 forked;

static void
note_the_fork(void)
{
    order_store_seq_u32(&forked, 1);
}

/* Stays until the fork is over, or for long enough to show that the fork
 * waits for something that only we can end. */
static void
stay_over_the_fork(void)
{
    for (int i = 0; i < PATIENCE && order_load_seq_u32(&forked) == 0; i++) {
        (void)sched_yield();
    }
}

static void
wait_until_set(const order_u32 *word)
{
    while (order_load_seq_u32(word) == 0) {
        (void)sched_yield();
    }
}

static void *
sit_in_a_section(void *arg)
{
    reclaim_read_begin();
    order_store_seq_u32(arg, 1);
    stay_over_the_fork();
    reclaim_read_end();
    return NULL;
}

static void
a_child_does_not_wait_for_a_reader_of_its_parent(void **state)
{
    order_u32 inside;
    pthread_t thread;
    char said;

    (void)state;
    order_init_u32(&inside, 0);
    order_store_seq_u32(&forked, 0);
    assert_int_equal(pthread_create(&thread, NULL, sit_in_a_section, &inside),
                     0);
    wait_until_set(&inside);
    said = fork_and_ask(child_can_do_everything);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(said, 'y');
    reclaim_wait_readers(); /* the parent still can, too */
}

static void *
wait_for_readers(void *arg)
{
    order_store_seq_u32(arg, 1);
    reclaim_wait_readers();
    return NULL;
}

/* liburcu's lock is held over the wait: the fork is held back until it is
 * free, or the child would inherit it without its holder. */
static void
a_fork_in_the_middle_of_a_grace_period_waits_for_its_end(void **state)
{
    order_u32 inside;
    order_u32 waiting;
    pthread_t threads[2];
    char said;

    (void)state;
    order_init_u32(&inside, 0);
    order_init_u32(&waiting, 0);
    order_store_seq_u32(&forked, 0);
    assert_int_equal(
        pthread_create(&threads[0], NULL, sit_in_a_section, &inside), 0);
    wait_until_set(&inside);
    assert_int_equal(
        pthread_create(&threads[1], NULL, wait_for_readers, &waiting), 0);
    wait_until_set(&waiting);
    for (int i = 0; i < PATIENCE / 100; i++) {
        (void)sched_yield(); /* lets it reach the lock */
    }
    said = fork_and_ask(child_can_do_everything);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    assert_int_equal(said, 'y');
}

static void
hold_at_add(const char *name, void *arg)
{
    order_u32 *const inside = arg;

    if (strcmp(name, "registry.add") == 0 &&
        order_swap_seq_u32(inside, 1) == 0) {
        stay_over_the_fork();
    }
}

static void *
add_one(void *arg)
{
    (void)registry_add(arg, "of the parent", true);
    return NULL;
}

static bool
child_sees_both(void)
{
    struct registry_entry *found;

    race_hook(NULL, NULL);
    reclaim_read_begin();
    found = registry_find("of the parent");
    reclaim_read_end();
    return found == &parents && child_can_do_everything();
}

static void
a_fork_in_the_middle_of_a_write_leaves_the_registry_whole(void **state)
{
    static order_u32 inside;
    pthread_t writer;
    char said;

    (void)state;
    order_store_seq_u32(&inside, 0);
    order_store_seq_u32(&forked, 0);
    race_hook(hold_at_add, &inside);
    assert_int_equal(pthread_create(&writer, NULL, add_one, &parents), 0);
    wait_until_set(&inside);
    said = fork_and_ask(child_sees_both);
    race_hook(NULL, NULL);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(said, 'y');
    registry_remove(&parents);
    reclaim_wait_readers();
}

/* The main thread of the child is the one that forked, inside its section. */
static bool
section_is_still_open(void)
{
    const bool was_reading = reclaim_is_reading();

    reclaim_read_end();
    return was_reading && !reclaim_is_reading() && child_can_do_everything();
}

static void
a_section_of_the_forking_thread_goes_on_in_the_child(void **state)
{
    char said;

    (void)state;
    reclaim_read_begin();
    said = fork_and_ask(section_is_still_open);
    reclaim_read_end();
    assert_int_equal(said, 'y');
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_does_not_wait_for_a_reader_of_its_parent),
        cmocka_unit_test(
            a_fork_in_the_middle_of_a_grace_period_waits_for_its_end),
        cmocka_unit_test(
            a_fork_in_the_middle_of_a_write_leaves_the_registry_whole),
        cmocka_unit_test(a_section_of_the_forking_thread_goes_on_in_the_child),
    };

    if (!registry_init() || pthread_atfork(NULL, note_the_fork, NULL) != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
