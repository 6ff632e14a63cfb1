/* SPDX-License-Identifier: MIT */
/* Goal: sections hold off reclamation, and the table finds what is in it. */
/* Method: two threads step by step for the waiting; single steps, collisions
 * and failed allocations for the table; misuse in children that must abort. */
#define _GNU_SOURCE 1
#include <dirent.h>
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
#include "base/reclaim.h"

#define CHILD_MS 10000 /* reached only when something is broken */

#define PATIENCE 20000 /* yields in which a waiter that does not wait is seen */

struct thing {
    struct reclaim_node node;
    int key;
};

static bool
has_key(const struct reclaim_node *node, const void *key)
{
    return ((const struct thing *)(const void *)node)->key == *(const int *)key;
}

static bool
add(struct reclaim_table *table, uint64_t hash, struct thing *thing)
{
    return reclaim_table_add(table, hash, has_key, &thing->key, &thing->node);
}

static struct thing *
find(struct reclaim_table *table, uint64_t hash, int key)
{
    struct thing *found;

    reclaim_read_begin();
    found =
        (struct thing *)(void *)reclaim_table_find(table, hash, has_key, &key);
    reclaim_read_end();
    return found;
}

static int
count(struct reclaim_table *table)
{
    struct reclaim_cursor cursor;
    int nodes = 0;

    reclaim_read_begin();
    for (const struct reclaim_node *node = reclaim_table_first(table, &cursor);
         node != NULL; node = reclaim_table_next(table, &cursor)) {
        nodes++;
    }
    reclaim_read_end();
    return nodes;
}

static int
threads_of_this_process(void)
{
    DIR *const tasks = opendir("/proc/self/task");
    int threads = 0;

    assert_non_null(tasks);
    for (const struct dirent *entry = readdir(tasks); entry != NULL;
         entry = readdir(tasks)) {
        threads += entry->d_name[0] != '.';
    }
    (void)closedir(tasks);
    return threads;
}

static void
sections_nest(void **state)
{
    (void)state;
    assert_false(reclaim_is_reading());
    reclaim_read_begin();
    reclaim_read_begin();
    assert_true(reclaim_is_reading());
    reclaim_read_end();
    assert_true(reclaim_is_reading());
    reclaim_read_end();
    assert_false(reclaim_is_reading());
}

/* A quick section, or where liburcu is not inline (sanitizers) a plain one. */
static bool
begin_either(struct reclaim_mark *mark)
{
    const bool quick = reclaim_read_begin_quickly(mark);

    if (!quick) {
        reclaim_read_begin();
    }
    return quick;
}

static void
end_either(struct reclaim_mark mark, bool quick)
{
    if (quick) {
        reclaim_read_end_quickly(mark);
    } else {
        reclaim_read_end();
    }
}

static void
a_quick_section_is_none_within_another(void **state)
{
    struct reclaim_mark mark, other;

    (void)state;
    reclaim_read_begin();
    assert_false(reclaim_read_begin_quickly(&mark));
    reclaim_read_end();
    assert_false(reclaim_is_reading());
    const bool quick = begin_either(&mark);
    assert_true(reclaim_is_reading());
    assert_false(reclaim_read_begin_quickly(&other));
    reclaim_read_begin();
    reclaim_read_end();
    assert_true(reclaim_is_reading());
    end_either(mark, quick);
    assert_false(reclaim_is_reading());
#ifdef _LGPL_SOURCE
    assert_true(quick);
#endif
}

static void
init_can_be_called_again(void **state)
{
    (void)state;
    assert_true(reclaim_init());
    assert_true(reclaim_init());
}

/* One who waits for readers: 1 when it is about to, 2 when it has. */
static void *
wait_for_readers(void *arg)
{
    order_u32 *const step = arg;

    order_store_seq_u32(step, 1);
    reclaim_wait_readers();
    order_store_seq_u32(step, 2);
    return NULL;
}

static void
hold_who_waits(bool plain)
{
    order_u32 step;
    pthread_t waiter;
    struct reclaim_mark mark = {0};

    order_init_u32(&step, 0);
    const bool quick = !plain && begin_either(&mark);
    if (plain) {
        reclaim_read_begin();
    }
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_readers, &step), 0);
    while (order_load_seq_u32(&step) == 0) {
        (void)sched_yield();
    }
    for (int i = 0; i < PATIENCE; i++) {
        if (order_load_seq_u32(&step) != 1) {
            end_either(mark, quick);
            fail_msg("did not wait for an open section");
        }
        (void)sched_yield();
    }
    end_either(mark, quick);
    assert_int_equal(pthread_join(waiter, NULL), 0);
    assert_int_equal(order_load_seq_u32(&step), 2);
}

static void
who_waits_is_held_until_the_section_ends(void **state)
{
    (void)state;
    hold_who_waits(true);
    hold_who_waits(false);
}

static void
what_is_published_is_read(void **state)
{
    order_ptr box;
    int object = 7;

    (void)state;
    order_init_ptr(&box, NULL);
    assert_null(reclaim_read(&box));
    reclaim_publish(&box, &object);
    assert_ptr_equal(reclaim_read(&box), &object);
}

static void
a_table_finds_what_was_added_until_it_is_removed(void **state)
{
    struct reclaim_table *const table = reclaim_table_new(16);
    struct thing one = {.key = 1};
    struct thing two = {.key = 2};

    (void)state;
    assert_non_null(table);
    assert_null(find(table, 1, 1));
    assert_true(add(table, 1, &one));
    assert_true(add(table, 2, &two));
    assert_ptr_equal(find(table, 1, 1), &one);
    assert_ptr_equal(find(table, 2, 2), &two);
    assert_true(reclaim_table_remove(table, &one.node));
    assert_null(find(table, 1, 1));
    assert_ptr_equal(find(table, 2, 2), &two);
    assert_false(reclaim_table_remove(table, &one.node));
    assert_true(reclaim_table_remove(table, &two.node));
    reclaim_wait_readers();
    assert_true(reclaim_table_free(table));
}

static void
keys_with_the_same_hash_are_told_apart(void **state)
{
    struct reclaim_table *const table = reclaim_table_new(1);
    struct thing one = {.key = 1};
    struct thing two = {.key = 2};

    (void)state;
    assert_true(add(table, 77, &one));
    assert_true(add(table, 77, &two));
    assert_ptr_equal(find(table, 77, 1), &one);
    assert_ptr_equal(find(table, 77, 2), &two);
    assert_null(find(table, 77, 3));
    assert_true(reclaim_table_remove(table, &one.node));
    assert_true(reclaim_table_remove(table, &two.node));
    assert_true(reclaim_table_free(table));
}

static void
a_key_that_is_taken_is_refused_and_its_owner_stays(void **state)
{
    struct reclaim_table *const table = reclaim_table_new(16);
    struct thing first = {.key = 5};
    struct thing second = {.key = 5};

    (void)state;
    assert_true(add(table, 5, &first));
    assert_false(add(table, 5, &second));
    assert_ptr_equal(find(table, 5, 5), &first);
    assert_int_equal(count(table), 1);
    assert_true(reclaim_table_remove(table, &first.node));
    reclaim_wait_readers();
    assert_true(add(table, 5, &second));
    assert_ptr_equal(find(table, 5, 5), &second);
    assert_true(reclaim_table_remove(table, &second.node));
    assert_true(reclaim_table_free(table));
}

static void
a_table_is_not_freed_while_it_has_nodes(void **state)
{
    struct reclaim_table *const table = reclaim_table_new(16);
    struct thing one = {.key = 1};

    (void)state;
    assert_true(add(table, 1, &one));
    assert_false(reclaim_table_free(table));
    assert_ptr_equal(find(table, 1, 1), &one);
    assert_true(reclaim_table_remove(table, &one.node));
    assert_true(reclaim_table_free(table));
    assert_true(reclaim_table_free(NULL));
}

/* A table that resizes itself would start a worker thread to do so. */
static void
a_table_that_is_overfull_keeps_its_size_and_starts_no_thread(void **state)
{
    enum { NODES = 4000 };
    struct reclaim_table *const table = reclaim_table_new(16);
    struct thing *const things = calloc(NODES, sizeof *things);
    const int threads = threads_of_this_process();

    (void)state;
    assert_non_null(things);
    for (int i = 0; i < NODES; i++) {
        things[i].key = i;
        assert_true(add(table, (uint64_t)i * 2654435761u, &things[i]));
    }
    assert_int_equal(count(table), NODES);
    assert_int_equal(threads_of_this_process(), threads);
    for (int i = 0; i < NODES; i++) {
        assert_ptr_equal(find(table, (uint64_t)i * 2654435761u, i), &things[i]);
        assert_true(reclaim_table_remove(table, &things[i].node));
    }
    assert_int_equal(count(table), 0);
    assert_true(reclaim_table_free(table));
    assert_int_equal(threads_of_this_process(), threads);
    free(things);
}

static void
a_size_that_is_no_power_of_two_is_refused(void **state)
{
    (void)state;
    assert_null(reclaim_table_new(0));
    assert_null(reclaim_table_new(12));
}

static void
without_memory_there_is_no_table(void **state)
{
    (void)state;
    fault_arm(FAULT_ALLOC, 1, true);
    assert_null(reclaim_table_new(16));
    fault_arm(FAULT_ALLOC, 0, false);
}

static void
wait_inside_a_section(void)
{
    reclaim_read_begin();
    reclaim_wait_readers();
}

static void
find_outside_a_section(void)
{
    struct thing one = {.key = 1};

    (void)reclaim_table_find(reclaim_table_new(16), 1, has_key, &one.key);
}

static void
free_inside_a_section(void)
{
    reclaim_read_begin();
    (void)reclaim_table_free(reclaim_table_new(16));
}

/* True when `misuse` ends its process by abort(). A hang is not one: the pipe
 * of a child that hangs stays open (SIGKILL: liburcu blocks all others). */
static bool
aborts(void (*misuse)(void))
{
    struct pollfd end;
    int pipe_ends[2];
    int status = 0;
    pid_t child;

    assert_int_equal(pipe(pipe_ends), 0);
    child = fork();
    if (child == 0) {
        (void)close(STDERR_FILENO);
        misuse();
        _exit(0);
    }
    assert_true(child > 0);
    (void)close(pipe_ends[1]);
    end = (struct pollfd){.fd = pipe_ends[0], .events = POLLIN};
    (void)poll(&end, 1, CHILD_MS);
    (void)close(pipe_ends[0]);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
the_testing_twin_aborts_on_misuse(void **state)
{
    (void)state;
    assert_true(aborts(wait_inside_a_section));
    assert_true(aborts(find_outside_a_section));
    assert_true(aborts(free_inside_a_section));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_nest),
        cmocka_unit_test(a_quick_section_is_none_within_another),
        cmocka_unit_test(init_can_be_called_again),
        cmocka_unit_test(who_waits_is_held_until_the_section_ends),
        cmocka_unit_test(what_is_published_is_read),
        cmocka_unit_test(a_table_finds_what_was_added_until_it_is_removed),
        cmocka_unit_test(keys_with_the_same_hash_are_told_apart),
        cmocka_unit_test(a_key_that_is_taken_is_refused_and_its_owner_stays),
        cmocka_unit_test(a_table_is_not_freed_while_it_has_nodes),
        cmocka_unit_test(
            a_table_that_is_overfull_keeps_its_size_and_starts_no_thread),
        cmocka_unit_test(a_size_that_is_no_power_of_two_is_refused),
        cmocka_unit_test(without_memory_there_is_no_table),
        cmocka_unit_test(the_testing_twin_aborts_on_misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
