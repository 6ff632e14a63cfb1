/* SPDX-License-Identifier: MIT */
/* Goal: a thread is named by its id while it lives, and only then. Method:
 * name threads, ask for them from outside, end one and ask again. */
#define _GNU_SOURCE 1
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"

static char name[THREAD_NAME_BYTES];

static void
the_calling_thread_knows_its_id_and_its_name(void **state)
{
    (void)state;
    assert_int_equal(thread_id(), gettid());
    assert_int_equal(pthread_setname_np(pthread_self(), "main one"), 0);
    assert_true(thread_name(thread_id(), name));
    assert_string_equal(name, "main one");
}

static void
the_longest_name_and_the_shortest_are_whole(void **state)
{
    (void)state;
    assert_int_equal(pthread_setname_np(pthread_self(), "fifteen letters"), 0);
    assert_true(thread_name(thread_id(), name));
    assert_string_equal(name, "fifteen letters");
    assert_int_equal(pthread_setname_np(pthread_self(), ""), 0);
    assert_true(thread_name(thread_id(), name));
    assert_string_equal(name, "");
}

static void *
tell_id(void *arg)
{
    *(uint32_t *)arg = thread_id();
    return NULL;
}

static void
a_thread_that_has_ended_has_no_name(void **state)
{
    (void)state;
    pthread_t thread;
    uint32_t id = 0;
    assert_int_equal(thread_start(&thread, "short-lived", tell_id, &id), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_not_equal(id, thread_id());
    memset(name, 'x', sizeof name);
    /* The join may be over a moment before the kernel's last word. */
    const int64_t until_ns = clock_deadline_after_ms(5000);
    while (thread_name(id, name) && clock_now_ns() < until_ns) {
        (void)poll(NULL, 0, 1);
    }
    assert_string_equal(name, "");
    assert_false(thread_name(0, name));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_calling_thread_knows_its_id_and_its_name),
        cmocka_unit_test(the_longest_name_and_the_shortest_are_whole),
        cmocka_unit_test(a_thread_that_has_ended_has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
