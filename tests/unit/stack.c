/* SPDX-License-Identifier: MIT */
/* Goal: the stack hands over each element once, aligned and ABA-proof. */
/* Method: look at every place a stack lives in, replay the ABA by hand
 * against the double-word CAS, and let threads pass few elements around. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/pond.h"

/* The CAS of 16 bytes faults on any other address. */
#define DOUBLE_WORD 16u

static bool
is_aligned(const void *address, size_t alignment)
{
    return (uintptr_t)address % alignment == 0;
}

/* --- alignment ------------------------------------------------------- */

static void
every_stack_of_a_pond_starts_on_sixteen_bytes(void **state)
{
    (void)state;
    assert_true(_Alignof(struct stack) >= DOUBLE_WORD);
    assert_int_equal(offsetof(struct stack, list) % DOUBLE_WORD, 0);
    assert_int_equal(offsetof(struct idle_shard, rest) % DOUBLE_WORD, 0);
    assert_int_equal(sizeof(struct idle_shard) % DOUBLE_WORD, 0);
    assert_int_equal(offsetof(struct waiters, free_nodes) % DOUBLE_WORD, 0);
    assert_int_equal(offsetof(struct pond, waiters) % DOUBLE_WORD, 0);
    assert_int_equal(offsetof(struct pond, offers) % DOUBLE_WORD, 0);
    assert_int_equal(offsetof(struct pond, vacant) % DOUBLE_WORD, 0);
    assert_int_equal(offsetof(struct pond, orders) % DOUBLE_WORD, 0);
    assert_int_equal(offsetof(struct pond, retirees) % DOUBLE_WORD, 0);
    assert_true(_Alignof(struct pond) >= _Alignof(struct stack));
}

/* What the heap gives must be what the types promise the compiler, also when
 * the heap's own idea of an address would be another one. */
static void
what_comes_from_the_heap_is_as_aligned_as_its_type(void **state)
{
    enum { TRIES = 16 };
    void *odd[TRIES];
    struct idle idle[TRIES];
    struct waiters waiters[TRIES];

    (void)state;
    for (size_t i = 0; i < TRIES; i++) {
        odd[i] = memory_zeroed_lines(MEMORY_LINE); /* spoils the pattern */
        assert_true(idle_init(&idle[i], 1));
        assert_true(is_aligned(idle[i].shards, _Alignof(struct idle_shard)));
        assert_true(is_aligned(&idle[i].shards[0].rest, DOUBLE_WORD));
        waiters_init(&waiters[i], &park_futex);
        struct waiter *const node = waiters_node(&waiters[i]);
        assert_non_null(node);
        assert_true(is_aligned(node, _Alignof(struct waiter)));
        waiters_node_unused(&waiters[i], node);
    }
    for (size_t i = 0; i < TRIES; i++) {
        memory_free(odd[i]);
        idle_destroy(&idle[i]);
        waiters_destroy(&waiters[i]);
    }
}

/* --- one thread ------------------------------------------------------ */

static struct stack stack;

static void
the_last_pushed_is_popped_first(void **state)
{
    struct slot slots[3];

    (void)state;
    stack_init(&stack);
    assert_false(stack_any(&stack));
    assert_null(slot_pop(&stack));
    for (uint32_t i = 0; i < 3; i++) {
        slot_push(&stack, &slots[i]);
        assert_true(stack_any(&stack));
    }
    for (uint32_t i = 3; i-- > 0;) {
        assert_ptr_equal(slot_pop(&stack), &slots[i]);
    }
    assert_false(stack_any(&stack));
    assert_null(slot_pop(&stack));
}

static struct slot *popped_meanwhile;

static void
pop_behind_its_back(const char *name, void *arg)
{
    (void)arg;
    if (name[0] == 's') {
        race_hook(NULL, NULL);
        popped_meanwhile = slot_pop(&stack);
    }
}

static void
a_pop_whose_element_is_gone_takes_the_next_or_none(void **state)
{
    struct slot below, top;

    (void)state;
    stack_init(&stack);
    slot_push(&stack, &below);
    slot_push(&stack, &top);
    race_hook(pop_behind_its_back, NULL);
    assert_ptr_equal(slot_pop(&stack), &below);
    assert_ptr_equal(popped_meanwhile, &top);

    slot_push(&stack, &top);
    race_hook(pop_behind_its_back, NULL);
    assert_null(slot_pop(&stack));
    assert_ptr_equal(popped_meanwhile, &top);
}

/* The wrong interleaving of stack.h: what a popper has read when it sleeps
 * between its look and its CAS, tried against a head that is the same again. */
static void
a_head_that_came_back_has_another_generation(void **state)
{
    struct slot below, top;

    (void)state;
    stack_init(&stack);
    assert_non_null(stack.list.generation);
    slot_push(&stack, &below);
    slot_push(&stack, &top);
    struct ck_stack seen = stack.list;
    struct ck_stack wanted = {
        .head = top.link.next,
        .generation = seen.generation + 1,
    };
    struct ck_stack found;

    assert_ptr_equal(slot_pop(&stack), &top);
    assert_ptr_equal(slot_pop(&stack), &below);
    slot_push(&stack, &top);
    assert_ptr_equal(stack.list.head, seen.head);
    assert_ptr_not_equal(stack.list.generation, seen.generation);
    assert_false(ck_pr_cas_ptr_2_value(&stack.list, &seen, &wanted, &found));
    assert_ptr_equal(slot_pop(&stack), &top);
    assert_null(slot_pop(&stack));
}

/* --- threads --------------------------------------------------------- */

#define ELEMENTS 3
#define THREADS 4
#define HANDOVERS 150000

static struct slot elements[ELEMENTS];
static order_u32 hands[ELEMENTS];  /* how many threads have it */
static uint32_t written[ELEMENTS]; /* plain: the push publishes it */
static order_u32 failures;

static void *
pass_elements_around(void *arg)
{
    struct slot *mine[2];

    (void)arg;
    for (uint32_t i = 0; i < HANDOVERS; i++) {
        /* Two at a time, pushed back in the order of a classical ABA. */
        for (uint32_t k = 0; k < 2; k++) {
            mine[k] = slot_pop(&stack);
            if (mine[k] == NULL) {
                continue;
            }
            const ptrdiff_t n = mine[k] - elements;
            written[n]++;
            if (order_add_seq_u32(&hands[n], 1) != 0) {
                (void)order_add_seq_u32(&failures, 1);
            }
        }
        for (uint32_t k = 0; k < 2; k++) {
            if (mine[k] != NULL) {
                (void)order_sub_seq_u32(&hands[mine[k] - elements], 1);
                slot_push(&stack, mine[k]);
            }
        }
    }
    return NULL;
}

static void
threads_that_pass_few_elements_around_lose_and_double_none(void **state)
{
    pthread_t threads[THREADS];
    uint32_t left = 0;

    (void)state;
    stack_init(&stack);
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        slot_push(&stack, &elements[i]);
    }
    race_seed(7, 64);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, pass_elements_around, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    race_seed(0, 0);
    assert_int_equal(order_load_seq_u32(&failures), 0);
    while (left <= ELEMENTS && slot_pop(&stack) != NULL) {
        left++;
    }
    assert_int_equal(left, ELEMENTS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stack_of_a_pond_starts_on_sixteen_bytes),
        cmocka_unit_test(what_comes_from_the_heap_is_as_aligned_as_its_type),
        cmocka_unit_test(the_last_pushed_is_popped_first),
        cmocka_unit_test(a_pop_whose_element_is_gone_takes_the_next_or_none),
        cmocka_unit_test(a_head_that_came_back_has_another_generation),
        cmocka_unit_test(
            threads_that_pass_few_elements_around_lose_and_double_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
