/* SPDX-License-Identifier: MIT */
/* Goal: a thread knows whose callbacks it is in, however they nest. */
/* Method: enter and leave callbacks of several owners by hand, and ask. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/callback.h"
#include "base/thread.h"

static const char a, b;

static bool
is_in(const void *owner)
{
    return callback_is_of(owner, CALLBACK_INSIDE);
}

static void
thread_is_in_all_callbacks_that_it_has_not_left(void **state)
{
    struct callback outer, middle, inner;

    (void)state;
    assert_false(is_in(&a));
    callback_enter(&outer, &a, CALLBACK_INSIDE);
    callback_enter(&middle, &b, CALLBACK_INSIDE);
    callback_enter(&inner, &a, CALLBACK_INSIDE);
    assert_true(is_in(&a) && is_in(&b));
    callback_leave(&inner);
    assert_true(is_in(&a) && is_in(&b));
    callback_leave(&middle);
    assert_true(is_in(&a));
    assert_false(is_in(&b));
    callback_leave(&outer);
    assert_false(is_in(&a));
}

static void
kinds_are_told_apart(void **state)
{
    struct callback visit, inside;

    (void)state;
    callback_enter(&visit, &a, CALLBACK_VISITED);
    assert_false(is_in(&a));
    assert_true(callback_is_of(&a, CALLBACK_VISITED));
    callback_enter(&inside, &a, CALLBACK_INSIDE);
    assert_true(is_in(&a));
    assert_true(callback_is_of(&a, CALLBACK_VISITED));
    callback_leave(&inside);
    callback_leave(&visit);
}

/* What every borrow asks at once: is the thread known, and in no callback? */
static void
thread_has_an_id_outside_of_all_callbacks_only(void **state)
{
    struct callback outer, inner;

    (void)state;
    thread_forget_id();
    assert_int_equal(thread_outside_id, 0);
    callback_note_thread();
    assert_int_equal(thread_outside_id, gettid());
    callback_enter(&outer, &a, CALLBACK_INSIDE);
    assert_int_equal(thread_outside_id, 0);
    callback_enter(&inner, &b, CALLBACK_VISITED);
    callback_note_thread();
    assert_int_equal(thread_outside_id, 0);
    callback_leave(&inner);
    assert_int_equal(thread_outside_id, 0);
    callback_leave(&outer);
    assert_int_equal(thread_outside_id, gettid());
    /* A fork's child is another thread: whatever ran before, this was its parent's. */
    thread_forget_id();
    assert_int_equal(thread_outside_id, 0);
    assert_int_equal(thread_known_id, 0);
}

/* A log line before a pool is made has no owner. */
static void
nobodys_callback_stops_nobody(void **state)
{
    struct callback frame;

    (void)state;
    callback_enter(&frame, NULL, CALLBACK_INSIDE);
    assert_false(is_in(NULL));
    callback_leave(&frame);
}

static void *
ask(void *arg)
{
    *(bool *)arg = is_in(&a);
    return NULL;
}

static void
callback_is_its_threads_own(void **state)
{
    struct callback frame;
    pthread_t other;
    bool told = true;

    (void)state;
    callback_enter(&frame, &a, CALLBACK_INSIDE);
    assert_int_equal(pthread_create(&other, NULL, ask, &told), 0);
    assert_int_equal(pthread_join(other, NULL), 0);
    callback_leave(&frame);
    assert_false(told);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_is_in_all_callbacks_that_it_has_not_left),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(thread_has_an_id_outside_of_all_callbacks_only),
        cmocka_unit_test(nobodys_callback_stops_nobody),
        cmocka_unit_test(callback_is_its_threads_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
