/* SPDX-License-Identifier: MIT */
/* Goal: the times that the program prints are the times that were measured. */
/* Method: known values go in, and percentiles must lie within a sixteenth. */
#include "../../tools/latency.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct latency *
make(void)
{
    struct latency *const latency = calloc(1, sizeof *latency);
    assert_non_null(latency);
    return latency;
}

static void
an_empty_histogram_says_zero(void **state)
{
    (void)state;
    struct latency *const latency = make();
    assert_int_equal(latency_percentile(latency, 50), 0);
    assert_int_equal(latency_percentile(latency, 99), 0);
    free(latency);
}

static void
every_value_falls_at_most_a_sixteenth_below_its_buckets_top(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (uint64_t near = 0; near < 3; near++) {
            const uint64_t ns = (UINT64_C(1) << bit) - 1 + near;
            const size_t bucket = bucket_of(ns);
            assert_true(bucket < LATENCY_BUCKETS);
            assert_true(bucket_top(bucket) >= ns);
            assert_true(bucket_top(bucket) - ns <= ns / LATENCY_PARTS);
        }
    }
    assert_int_equal(bucket_of(UINT64_MAX), LATENCY_BUCKETS - 1);
}

static void
buckets_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < LATENCY_BUCKETS; i++) {
        assert_int_equal(bucket_of(bucket_top(i)), i);
        assert_int_equal(bucket_of(bucket_top(i) + 1), i + 1);
    }
}

static void
percentiles_of_one_to_a_hundred_are_the_numbers_themselves(void **state)
{
    (void)state;
    struct latency *const latency = make();
    for (uint64_t i = 1; i <= 100; i++) {
        latency_add(latency, i * 1000);
    }
    const uint64_t median = latency_percentile(latency, 50);
    const uint64_t high = latency_percentile(latency, 99);
    assert_in_range(median, 50000, 50000 + 50000 / LATENCY_PARTS);
    assert_in_range(high, 99000, 100000);
    assert_int_equal(latency_percentile(latency, 100), 100000);
    assert_int_equal(latency->max_ns, 100000);
    free(latency);
}

static void
the_99th_of_a_few_values_is_the_largest(void **state)
{
    (void)state;
    struct latency *const latency = make();
    for (uint64_t i = 0; i < 9; i++) {
        latency_add(latency, 5);
    }
    latency_add(latency, 123456789);
    assert_int_equal(latency_percentile(latency, 50), 5);
    assert_int_equal(latency_percentile(latency, 99), 123456789);
    free(latency);
}

static void
merging_is_as_adding_to_one(void **state)
{
    (void)state;
    struct latency *const one = make();
    struct latency *const two = make();
    struct latency *const all = make();
    for (uint64_t i = 1; i < 5000; i++) {
        latency_add(i % 3 == 0 ? one : two, i * i);
        latency_add(all, i * i);
    }
    latency_merge(one, two);
    assert_memory_equal(one, all, sizeof *all);
    free(one);
    free(two);
    free(all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_says_zero),
        cmocka_unit_test(
            every_value_falls_at_most_a_sixteenth_below_its_buckets_top),
        cmocka_unit_test(buckets_follow_each_other_without_a_gap),
        cmocka_unit_test(
            percentiles_of_one_to_a_hundred_are_the_numbers_themselves),
        cmocka_unit_test(the_99th_of_a_few_values_is_the_largest),
        cmocka_unit_test(merging_is_as_adding_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
