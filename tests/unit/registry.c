/* SPDX-License-Identifier: MIT */
/* Goal: names of pools are unique, found while they are in, and then not. */
/* Method: single steps on entries of our own, refused allocations, and the
 * misuse that the testing twin aborts on. */
#define _GNU_SOURCE 1
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fault.h"
#include "core/registry.h"

#define CHILD_MS 10000 /* reached only when something is broken */

static struct registry_entry *
find(const char *name)
{
    struct registry_entry *entry;

    reclaim_read_begin();
    entry = registry_find(name);
    reclaim_read_end();
    return entry;
}

static void
find_outside_a_section(void)
{
    (void)registry_find("orders");
}

static void
remove_inside_a_section(void)
{
    static struct registry_entry entry;

    (void)registry_add(&entry, "misused", true);
    reclaim_read_begin();
    registry_remove(&entry);
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

/* Runs first: there is no table yet. */
static void
before_the_first_pool_nothing_is_found(void **state)
{
    int seen = 0;

    (void)state;
    assert_null(find("orders"));
    registry_each(NULL, &seen);
    assert_true(aborts(find_outside_a_section)); /* even without a table */
}

/* Runs second: the table is still to be made. */
static void
without_memory_for_the_table_nothing_is_added(void **state)
{
    static struct registry_entry entry;

    (void)state;
    fault_arm(FAULT_ALLOC, 1, true);
    assert_int_equal(registry_add(&entry, "orders", true), DEW_ENOMEM);
    fault_arm(FAULT_ALLOC, 0, false);
    assert_null(find("orders"));
    assert_int_equal(registry_add(&entry, "orders", true), DEW_OK);
    assert_ptr_equal(find("orders"), &entry);
    registry_remove(&entry);
}

static void
a_pool_is_found_by_its_name_until_it_is_removed(void **state)
{
    struct registry_entry orders;
    struct registry_entry users;

    (void)state;
    assert_int_equal(registry_add(&orders, "orders", true), DEW_OK);
    assert_int_equal(registry_add(&users, "users", true), DEW_OK);
    assert_string_equal(orders.name, "orders");
    assert_ptr_equal(find("orders"), &orders);
    assert_ptr_equal(find("users"), &users);
    assert_null(find("order"));
    assert_null(find("orders2"));
    assert_null(find(""));
    registry_remove(&orders);
    assert_null(find("orders"));
    assert_ptr_equal(find("users"), &users);
    registry_remove(&users);
    assert_null(find("users"));
    reclaim_wait_readers();
}

static void
an_explicit_name_that_is_taken_is_refused(void **state)
{
    struct registry_entry first;
    struct registry_entry second;

    (void)state;
    assert_int_equal(registry_add(&first, "orders", true), DEW_OK);
    assert_int_equal(registry_add(&second, "orders", true), DEW_EEXIST);
    assert_ptr_equal(find("orders"), &first);
    registry_remove(&first);
    reclaim_wait_readers();
    assert_int_equal(registry_add(&second, "orders", true), DEW_OK);
    assert_ptr_equal(find("orders"), &second);
    registry_remove(&second);
    reclaim_wait_readers();
}

static void
default_names_that_are_taken_are_numbered(void **state)
{
    struct registry_entry entries[4];

    (void)state;
    assert_int_equal(registry_add(&entries[0], "h-3306-u-d", false), DEW_OK);
    assert_int_equal(registry_add(&entries[1], "h-3306-u-d", false), DEW_OK);
    assert_int_equal(registry_add(&entries[2], "h-3306-u-d", false), DEW_OK);
    assert_string_equal(entries[0].name, "h-3306-u-d");
    assert_string_equal(entries[1].name, "h-3306-u-d-2");
    assert_string_equal(entries[2].name, "h-3306-u-d-3");
    assert_ptr_equal(find("h-3306-u-d-3"), &entries[2]);
    registry_remove(&entries[1]);
    reclaim_wait_readers();
    assert_int_equal(registry_add(&entries[3], "h-3306-u-d", false), DEW_OK);
    assert_string_equal(entries[3].name, "h-3306-u-d-2");
    assert_int_equal(registry_add(&entries[1], "h-3306-u-d-2", true),
                     DEW_EEXIST);
    registry_remove(&entries[0]);
    registry_remove(&entries[2]);
    registry_remove(&entries[3]);
    reclaim_wait_readers();
}

static void
names_of_every_length_are_kept_or_refused_whole(void **state)
{
    struct registry_entry entry;
    char name[REGISTRY_NAME_MAX + 2];

    (void)state;
    memset(name, 'n', sizeof name);
    name[REGISTRY_NAME_MAX + 1] = '\0';
    assert_int_equal(registry_add(&entry, "", true), DEW_EINVAL);
    assert_int_equal(registry_add(&entry, name, true), DEW_EINVAL);
    name[REGISTRY_NAME_MAX] = '\0';
    assert_int_equal(registry_add(&entry, name, true), DEW_OK);
    assert_string_equal(entry.name, name);
    assert_ptr_equal(find(name), &entry);
    registry_remove(&entry);
    reclaim_wait_readers();
}

static void
default_names_that_are_too_long_are_cut_and_stay_unique(void **state)
{
    struct registry_entry entries[2];
    char name[REGISTRY_NAME_MAX + 20];

    (void)state;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(registry_add(&entries[0], name, false), DEW_OK);
    assert_int_equal(registry_add(&entries[1], name, false), DEW_OK);
    assert_int_equal(strlen(entries[0].name), REGISTRY_NAME_MAX);
    assert_int_equal(strlen(entries[1].name), REGISTRY_NAME_MAX);
    assert_string_equal(entries[1].name + REGISTRY_NAME_MAX - 3, "n-2");
    assert_ptr_equal(find(entries[0].name), &entries[0]);
    assert_ptr_equal(find(entries[1].name), &entries[1]);
    registry_remove(&entries[0]);
    registry_remove(&entries[1]);
    reclaim_wait_readers();
}

struct tour {
    uint32_t seen;
    uint32_t sum;
    uint32_t end_after;
};

static int
visit(struct registry_entry *entry, void *arg)
{
    struct tour *const tour = arg;

    assert_true(reclaim_is_reading());
    tour->seen++;
    tour->sum += (uint32_t)strtoul(entry->name + 1, NULL, 10);
    return tour->seen == tour->end_after;
}

static void
each_visits_every_entry_once_and_ends_when_told(void **state)
{
    enum { ENTRIES = 600 }; /* more than there are buckets */
    struct registry_entry *const entries = calloc(ENTRIES, sizeof *entries);
    struct tour all = {0};
    struct tour some = {.end_after = 10};

    (void)state;
    assert_non_null(entries);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "p%u", i);
        assert_int_equal(registry_add(&entries[i], name, true), DEW_OK);
    }
    registry_each(visit, &all);
    assert_int_equal(all.seen, ENTRIES);
    assert_int_equal(all.sum, ENTRIES * (ENTRIES - 1) / 2);
    registry_each(visit, &some);
    assert_int_equal(some.seen, 10);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        assert_ptr_equal(find(entries[i].name), &entries[i]);
        registry_remove(&entries[i]);
    }
    reclaim_wait_readers();
    registry_each(NULL, NULL); /* nothing left to call it for */
    free(entries);
}

static void
the_testing_twin_aborts_on_misuse(void **state)
{
    (void)state;
    assert_true(aborts(find_outside_a_section));
    assert_true(aborts(remove_inside_a_section));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_pool_nothing_is_found),
        cmocka_unit_test(without_memory_for_the_table_nothing_is_added),
        cmocka_unit_test(a_pool_is_found_by_its_name_until_it_is_removed),
        cmocka_unit_test(an_explicit_name_that_is_taken_is_refused),
        cmocka_unit_test(default_names_that_are_taken_are_numbered),
        cmocka_unit_test(names_of_every_length_are_kept_or_refused_whole),
        cmocka_unit_test(
            default_names_that_are_too_long_are_cut_and_stay_unique),
        cmocka_unit_test(each_visits_every_entry_once_and_ends_when_told),
        cmocka_unit_test(the_testing_twin_aborts_on_misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
