/* SPDX-License-Identifier: MIT */
/* Goal: idle sessions are found on their own CPU first, and everywhere. */
/* Method: put and take from CPUs that the thread is pinned to, and take from
 * behind another taker's back. */
#define _GNU_SOURCE 1
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cpu.h"
#include "base/fault.h"
#include "core/idle.h"

static cpu_set_t allowed;
static uint32_t cpus[2]; /* two that we may use; equal: there is only one */
static struct idle idle;
static struct slot slots[4];

static void
move_to(uint32_t cpu)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(cpu_current(), cpu);
}

static int
begin(void **state)
{
    uint32_t found = 0;

    (void)state;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return -1;
    }
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            cpus[found++] = cpu;
            cpus[1] = cpu;
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        slot_init(&slots[i], i);
    }
    return found > 0 ? 0 : -1;
}

static int
end(void **state)
{
    (void)state;
    race_hook(NULL, NULL);
    idle_destroy(&idle);
    return sched_setaffinity(0, sizeof allowed, &allowed);
}

/* Enough shards for both CPUs to have one of their own. */
static void
make_shards_of_two_cpus(void)
{
    if (cpus[0] == cpus[1]) {
        (void)fprintf(stderr, "idle: one CPU only, skipped\n");
        skip();
    }
    assert_true(idle_init(&idle, (cpus[0] > cpus[1] ? cpus[0] : cpus[1]) + 1));
}

static void
nothing_comes_from_empty_shards(void **state)
{
    (void)state;
    assert_true(idle_init(&idle, 3));
    assert_false(idle_any(&idle));
    assert_null(idle_take(&idle));
}

static void
the_warm_one_is_taken_first_and_then_the_last_put(void **state)
{
    (void)state;
    assert_true(idle_init(&idle, 1));
    for (uint32_t i = 0; i < 3; i++) {
        idle_put(&idle, &slots[i]);
        assert_true(idle_any(&idle));
    }
    assert_ptr_equal(idle_take(&idle), &slots[0]);
    assert_ptr_equal(idle_take(&idle), &slots[2]);
    assert_true(idle_any(&idle)); /* only the stack has one now */
    assert_ptr_equal(idle_take(&idle), &slots[1]);
    assert_false(idle_any(&idle));
    assert_null(idle_take(&idle));
}

static void
a_put_on_another_cpu_goes_to_its_shard_and_is_stolen_from_there(void **state)
{
    (void)state;
    make_shards_of_two_cpus();
    move_to(cpus[0]);
    idle_put(&idle, &slots[0]);
    move_to(cpus[1]);
    idle_put(&idle, &slots[1]);
    assert_ptr_equal(order_load_seq_ptr(&idle.shards[cpus[0]].warm), &slots[0]);
    assert_ptr_equal(order_load_seq_ptr(&idle.shards[cpus[1]].warm), &slots[1]);
    assert_ptr_equal(idle_take(&idle), &slots[1]);
    assert_true(idle_any(&idle));
    assert_ptr_equal(idle_take(&idle), &slots[0]);
    assert_false(idle_any(&idle));
}

static void
a_thief_leaves_the_owner_its_warm_one(void **state)
{
    (void)state;
    make_shards_of_two_cpus();
    move_to(cpus[0]);
    idle_put(&idle, &slots[0]); /* warm */
    idle_put(&idle, &slots[1]);
    move_to(cpus[1]);
    assert_ptr_equal(idle_take(&idle), &slots[1]);
    move_to(cpus[0]);
    assert_ptr_equal(idle_take(&idle), &slots[0]);
}

static void
every_shard_is_looked_at_from_every_cpu(void **state)
{
    const uint32_t shards = 5;

    (void)state;
    assert_true(idle_init(&idle, shards));
    for (uint32_t at = 0; at < shards; at++) {
        order_store_seq_ptr(&idle.shards[at].warm, &slots[0]);
        assert_true(idle_any(&idle));
        assert_ptr_equal(idle_take(&idle), &slots[0]);
        slot_push(&idle.shards[at].rest, &slots[1]);
        assert_true(idle_any(&idle));
        assert_ptr_equal(idle_take(&idle), &slots[1]);
        assert_false(idle_any(&idle));
    }
}

static void
with_fewer_shards_than_cpus_the_shards_are_shared(void **state)
{
    (void)state;
    assert_true(idle_init(&idle, 1));
    move_to(cpus[1]);
    idle_put(&idle, &slots[0]);
    move_to(cpus[0]);
    assert_ptr_equal(idle_take(&idle), &slots[0]);
}

static void
any_number_of_a_cpu_has_a_shard_and_the_first_ones_their_own(void **state)
{
    (void)state;
    for (uint32_t shards = 1; shards < 70; shards++) {
        assert_true(idle_init(&idle, shards));
        for (uint32_t cpu = 0; cpu < 300; cpu++) {
            const uint32_t at = idle_shard_of(&idle, cpu);

            assert_in_range(at, 0, shards - 1);
            assert_true(cpu >= shards || at == cpu);
        }
        assert_in_range(idle_shard_of(&idle, UINT32_MAX), 0, shards - 1);
        idle_destroy(&idle);
    }
}

/* --- takers that meet ------------------------------------------------ */

static struct slot *taken_meanwhile;

static void
take_behind_its_back(const char *name, void *arg)
{
    (void)arg;
    if (strcmp(name, "idle.warm_take") == 0) {
        race_hook(NULL, NULL);
        taken_meanwhile = idle_take(&idle);
    }
}

static void
of_two_takers_of_the_warm_one_each_gets_another_or_none(void **state)
{
    (void)state;
    assert_true(idle_init(&idle, 1));
    idle_put(&idle, &slots[0]);
    idle_put(&idle, &slots[1]);
    race_hook(take_behind_its_back, NULL);
    assert_ptr_equal(idle_take(&idle), &slots[1]);
    assert_ptr_equal(taken_meanwhile, &slots[0]);

    idle_put(&idle, &slots[2]);
    race_hook(take_behind_its_back, NULL);
    assert_null(idle_take(&idle));
    assert_ptr_equal(taken_meanwhile, &slots[2]);
}

static void
without_memory_nothing_is_made(void **state)
{
    (void)state;
    fault_arm(FAULT_ALLOC, 1, false);
    assert_false(idle_init(&idle, 2));
    fault_arm(FAULT_ALLOC, 0, false);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(nothing_comes_from_empty_shards),
        TEST(the_warm_one_is_taken_first_and_then_the_last_put),
        TEST(a_put_on_another_cpu_goes_to_its_shard_and_is_stolen_from_there),
        TEST(a_thief_leaves_the_owner_its_warm_one),
        TEST(every_shard_is_looked_at_from_every_cpu),
        TEST(with_fewer_shards_than_cpus_the_shards_are_shared),
        TEST(any_number_of_a_cpu_has_a_shard_and_the_first_ones_their_own),
        TEST(of_two_takers_of_the_warm_one_each_gets_another_or_none),
        TEST(without_memory_nothing_is_made),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
