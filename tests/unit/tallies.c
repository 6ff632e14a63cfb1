/* SPDX-License-Identifier: MIT */
/* Goal: counters lose nothing, percentiles keep their error bound. */
/* Method: percentiles against a sorted copy of the same values, every bucket
 * edge, threads that record at once, and the layout of the lines. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "core/tallies.h"

static struct tally_histogram *
new_histogram(void)
{
    struct tally_histogram *const histogram =
        memory_zeroed_lines(sizeof *histogram);

    assert_non_null(histogram);
    return histogram;
}

/* What the header promises of a percentile. */
static void
assert_bound(uint64_t answer, uint64_t truth)
{
    assert_true(answer >= truth);
    assert_true(answer - truth <= truth / 16);
}

static void
an_empty_histogram_says_zero(void **state)
{
    struct tally_histogram *const histogram = new_histogram();

    (void)state;
    assert_int_equal(tally_percentile(histogram, 0), 0);
    assert_int_equal(tally_percentile(histogram, 500), 0);
    assert_int_equal(tally_percentile(histogram, 1000), 0);
    assert_int_equal(tally_max(histogram), 0);
    memory_free(histogram);
}

static void
the_least_percentile_is_the_smallest(void **state)
{
    struct tally_histogram *const histogram = new_histogram();

    (void)state;
    tally_record(histogram, 3);
    tally_record(histogram, 9);
    assert_int_equal(tally_percentile(histogram, 0), 3);
    memory_free(histogram);
}

/* A larger value beside it, so that the cut at the maximum helps nobody. */
static void
check_single(uint64_t value)
{
    struct tally_histogram *const histogram = new_histogram();

    tally_record(histogram, value);
    assert_int_equal(tally_percentile(histogram, 500), value);
    tally_record(histogram, UINT64_C(0xFFFFFFFF));
    assert_bound(tally_percentile(histogram, 500), value);
    assert_int_equal(tally_percentile(histogram, 1000), 0xFFFFFFFF);
    memory_free(histogram);
}

static void
every_bucket_edge_keeps_the_bound(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 600; value++) {
        check_single(value);
    }
    for (uint32_t bit = 4; bit < 32; bit++) {
        for (uint64_t sub = 16; sub < 32; sub++) {
            const uint64_t edge = sub << (bit - 4);

            check_single(edge - 1);
            check_single(edge);
            check_single(edge + 1);
        }
    }
}

static void
small_values_are_exact(void **state)
{
    struct tally_histogram *const histogram = new_histogram();

    (void)state;
    for (uint64_t value = 0; value < 16; value++) {
        tally_record(histogram, value);
    }
    assert_int_equal(tally_percentile(histogram, 1), 0);
    assert_int_equal(tally_percentile(histogram, 500), 7);
    assert_int_equal(tally_percentile(histogram, 501), 8);
    assert_int_equal(tally_percentile(histogram, 1000), 15);
    memory_free(histogram);
}

static int
by_value(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static void
percentiles_agree_with_a_sorted_list(void **state)
{
    enum { VALUES = 5000 };
    struct tally_histogram *const histogram = new_histogram();
    uint64_t *const values = calloc(VALUES, sizeof *values);
    uint64_t random = 88172645463325252u;

    (void)state;
    assert_non_null(values);
    for (int i = 0; i < VALUES; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        /* Every order of magnitude is as likely as any other. */
        values[i] = (random >> 32) >> (random % 32);
        tally_record(histogram, values[i]);
    }
    qsort(values, VALUES, sizeof *values, by_value);
    for (uint32_t per_mille = 1; per_mille <= 1000; per_mille++) {
        const uint32_t rank = (VALUES * per_mille + 999) / 1000;

        assert_bound(tally_percentile(histogram, per_mille), values[rank - 1]);
    }
    assert_int_equal(tally_max(histogram), values[VALUES - 1]);
    assert_int_equal(tally_percentile(histogram, 1000), values[VALUES - 1]);
    assert_int_equal(tally_percentile(histogram, 5000), values[VALUES - 1]);
    free(values);
    memory_free(histogram);
}

static void
times_beyond_the_range_count_in_the_last_bucket(void **state)
{
    struct tally_histogram *const histogram = new_histogram();

    (void)state;
    tally_record(histogram, 5);
    tally_record(histogram, UINT64_C(1) << 40); /* its low half is 0 */
    assert_int_equal(tally_percentile(histogram, 500), 5);
    assert_int_equal(tally_percentile(histogram, 1000), UINT64_C(1) << 40);
    tally_record(histogram, UINT64_MAX - 1);
    assert_int_equal(tally_percentile(histogram, 1000), UINT64_MAX - 1);
    assert_int_equal(tally_max(histogram), UINT64_MAX - 1);
    memory_free(histogram);
}

static void
record_a_larger_one(const char *name, void *arg)
{
    if (strcmp(name, "tally.max") == 0) {
        race_hook(NULL, NULL);
        tally_record(arg, 100);
    }
}

/* The other thread is played by the hook, between the look and the CAS. */
static void
a_maximum_that_grows_meanwhile_is_not_overwritten(void **state)
{
    struct tally_histogram *const histogram = new_histogram();

    (void)state;
    race_hook(record_a_larger_one, histogram);
    tally_record(histogram, 50);
    race_hook(NULL, NULL);
    assert_int_equal(tally_max(histogram), 100);
    assert_int_equal(tally_percentile(histogram, 500), 51);
    memory_free(histogram);
}

enum { THREADS = 4, RECORDS = 200000 };

struct recorder {
    struct tallies *tallies;
    pthread_barrier_t *start;
    uint64_t number;
};

static void *
record(void *arg)
{
    const struct recorder *const recorder = arg;

    (void)pthread_barrier_wait(recorder->start);
    for (uint64_t i = 1; i <= RECORDS; i++) {
        tally_add(&recorder->tallies->waits);
        tally_record(&recorder->tallies->wait_us,
                     i * THREADS + recorder->number);
    }
    return NULL;
}

static void
threads_that_count_at_once_lose_nothing(void **state)
{
    struct tallies *const tallies = memory_zeroed_lines(sizeof *tallies);
    struct recorder recorders[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    uint64_t recorded = 0;

    (void)state;
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    assert_non_null(tallies);
    for (uint64_t i = 0; i < THREADS; i++) {
        recorders[i] = (struct recorder){tallies, &start, i};
        assert_int_equal(
            pthread_create(&threads[i], NULL, record, &recorders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    (void)pthread_barrier_destroy(&start);
    for (uint32_t i = 0; i < TALLY_BUCKETS; i++) {
        recorded += tally_read(&tallies->wait_us.buckets[i]);
    }
    assert_int_equal(recorded, THREADS * RECORDS);
    assert_int_equal(tally_read(&tallies->waits), THREADS * RECORDS);
    assert_int_equal(tally_max(&tallies->wait_us),
                     RECORDS * THREADS + THREADS - 1);
    memory_free(tallies);
}

static void
what_different_paths_write_is_on_different_lines(void **state)
{
    const size_t groups[] = {
        offsetof(struct tallies, waits),    offsetof(struct tallies, resets),
        offsetof(struct tallies, pings),    offsetof(struct tallies, wakes),
        offsetof(struct tallies, connects), offsetof(struct tallies, wait_us),
        offsetof(struct tallies, hold_us),
    };

    (void)state;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        assert_int_equal(groups[i] % MEMORY_LINE, 0);
        assert_true(i == 0 || groups[i] > groups[i - 1]);
    }
    assert_int_equal(sizeof(struct tallies) % MEMORY_LINE, 0);
}

/* Every counter gets a number of its own: a mix-up would show. */
static void
the_report_has_every_counter_in_its_field_and_no_other(void **state)
{
    struct tallies *const tallies = memory_zeroed_lines(sizeof *tallies);
    dew_stats stats;
    const struct {
        order_u64 *counter;
        const uint64_t *field;
    } rows[] = {
        {&tallies->waits, &stats.waits},
        {&tallies->timeouts, &stats.timeouts},
        {&tallies->connects, &stats.connects},
        {&tallies->connect_failures, &stats.connect_failures},
        {&tallies->resets, &stats.resets},
        {&tallies->rollbacks, &stats.rollbacks},
        {&tallies->pings, &stats.pings},
        {&tallies->stale_returns, &stats.stale_returns},
        {&tallies->retired_lifetime, &stats.retired_lifetime},
        {&tallies->retired_idle, &stats.retired_idle},
        {&tallies->retired_broken, &stats.retired_broken},
        {&tallies->retired_refresh, &stats.retired_refresh},
        {&tallies->retired_shrink, &stats.retired_shrink},
        {&tallies->discarded, &stats.discarded},
        {&tallies->detached, &stats.detached},
        {&tallies->leaks, &stats.leaks},
    };
    const size_t row_count = sizeof rows / sizeof rows[0];

    (void)state;
    memset(&stats, 0x5A, sizeof stats);
    for (size_t i = 0; i < row_count; i++) {
        for (size_t n = 0; n <= i; n++) {
            tally_add(rows[i].counter);
        }
    }
    tally_record(&tallies->wait_us, 3);
    tally_record(&tallies->wait_us, 9);
    tally_record(&tallies->hold_us, 4);
    tally_record(&tallies->hold_us, 11);
    tallies_report(tallies, &stats);
    for (size_t i = 0; i < row_count; i++) {
        assert_int_equal(*rows[i].field, i + 1);
    }
    assert_int_equal(stats.wait_us_p50, 3);
    assert_int_equal(stats.wait_us_p99, 9);
    assert_int_equal(stats.wait_us_max, 9);
    assert_int_equal(stats.hold_us_p50, 4);
    assert_int_equal(stats.hold_us_p99, 11);
    assert_int_equal(stats.hold_us_max, 11);
    assert_int_equal(stats.struct_size, 0x5A5A5A5A);
    assert_int_equal(stats.conns_open, 0x5A5A5A5A);
    assert_int_equal(stats.acquires, 0x5A5A5A5A5A5A5A5A);
    memory_free(tallies);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_says_zero),
        cmocka_unit_test(the_least_percentile_is_the_smallest),
        cmocka_unit_test(every_bucket_edge_keeps_the_bound),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(percentiles_agree_with_a_sorted_list),
        cmocka_unit_test(times_beyond_the_range_count_in_the_last_bucket),
        cmocka_unit_test(a_maximum_that_grows_meanwhile_is_not_overwritten),
        cmocka_unit_test(threads_that_count_at_once_lose_nothing),
        cmocka_unit_test(what_different_paths_write_is_on_different_lines),
        cmocka_unit_test(
            the_report_has_every_counter_in_its_field_and_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
