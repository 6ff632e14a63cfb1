/* SPDX-License-Identifier: MIT */
/* What a storm tells: its head, its live line, its table and its verdict. */
#include "storm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_PER_S 1e9

/* The sums over all threads. */
struct totals {
    uint64_t queries, errors, wrong, shared, dirt, unwatched;
};

static struct totals count_all(const struct storm *storm);
static void print_table(const struct storm *storm, const struct totals *totals);
static void print_times(const struct storm *storm);
static void print_pool(const struct storm *storm);
static void print_mishaps(const struct storm *storm);
static enum storm_exit print_verdict(const struct storm *storm,
                                     const struct totals *totals);

static void
print_count(const char *name, uint64_t count)
{
    (void)printf("%-22s %12" PRIu64 "\n", name, count);
}

void
storm_report_head(const struct storm *storm)
{
    const struct storm_options *const options = storm->options;
    if (options->quiet) {
        return;
    }
    (void)printf("dewpond %s, client library %s, server %s\n", dew_version(),
                 mysql_get_client_info(), storm->server);
    (void)printf("%" PRId64 " threads ask: %s\n", options->threads,
                 options->query != NULL ? options->query : storm_ask_default);
    if (!storm->has_nonce) {
        (void)puts("(no {nonce} in the query: only success is checked)");
    }
    if (!storm->compare_id && (options->query == NULL || options->dirty > 0)) {
        (void)puts("(CONNECTION_ID() is not the greeting's, as behind a "
                   "proxy: not compared)");
    }
    (void)fflush(stdout);
}

void
storm_report_live(const struct storm *storm, struct storm_pace *pace,
                  bool rewrite)
{
    dew_stats stats = {.struct_size = (uint32_t)sizeof stats};
    dew_stats_read(storm->pool, &stats);
    const struct totals totals = count_all(storm);
    const uint64_t now_ns = latency_now_ns();
    const double span_s = (double)(now_ns - pace->last_ns) / NS_PER_S;
    const double rate = (double)(totals.queries - pace->last_queries) / span_s;
    (void)fprintf(stderr,
                  "%s%6.0f s %9.0f queries/s, open %" PRIu32 " idle %" PRIu32
                  " leased %" PRIu32 " opening %" PRIu32 ", waiters %" PRIu32
                  ", errors %" PRIu64 ", wrong %" PRIu64 "%s",
                  rewrite ? "\r" : "",
                  (double)(now_ns - storm->began_ns) / NS_PER_S, rate,
                  stats.conns_open, stats.conns_idle, stats.conns_leased,
                  stats.conns_opening, stats.waiters, totals.errors,
                  totals.wrong, rewrite ? "\033[K" : "\n");
    pace->last_ns = now_ns;
    pace->last_queries = totals.queries;
}

enum storm_exit
storm_report_end(const struct storm *storm)
{
    const struct totals totals = count_all(storm);
    if (!storm->options->quiet) {
        print_table(storm, &totals);
    }
    if (totals.errors > 0) {
        print_mishaps(storm);
    }
    return print_verdict(storm, &totals);
}

static struct totals
count_all(const struct storm *storm)
{
    struct totals sum = {0};
    for (uint32_t i = 0; i < storm->worker_count; i++) {
        struct storm_worker *const worker = storm->workers[i];
        /* relaxed: tallies, see struct storm_worker */
#define READ(counter)                                                          \
    atomic_load_explicit(&worker->counter, memory_order_relaxed)
        sum.queries += READ(queries);
        sum.errors += READ(errors);
        sum.wrong += READ(wrong);
        sum.shared += READ(shared);
        sum.dirt += READ(dirt);
        sum.unwatched += READ(unwatched);
#undef READ
    }
    return sum;
}

static void
print_table(const struct storm *storm, const struct totals *totals)
{
    const double span_s =
        (double)(storm->ended_ns - storm->began_ns) / NS_PER_S;
    print_count("queries", totals->queries);
    (void)printf("%-22s %12.0f    in %.1f s\n", "queries per second",
                 (double)totals->queries / span_s, span_s);
    print_times(storm);
    print_pool(storm);
    print_count("wrong answers", totals->wrong);
    print_count("sessions in two hands", totals->shared);
    if (storm->options->dirty > 0) {
        print_count("dirt found", totals->dirt);
    }
    if (totals->unwatched > 0) {
        print_count("loans not watched", totals->unwatched);
    }
    print_count("errors", totals->errors);
}

static void
print_percentiles(const char *name, const struct latency *latency)
{
    (void)printf("%-22s", name);
    const uint64_t times_ns[] = {latency_percentile(latency, 50),
                                 latency_percentile(latency, 99),
                                 latency->max_ns};
    for (size_t i = 0; i < sizeof times_ns / sizeof times_ns[0]; i++) {
        (void)printf(" %12.1f", (double)times_ns[i] / 1000.0);
    }
    (void)putchar('\n');
}

static void
print_times(const struct storm *storm)
{
    struct latency *const sums = calloc(2, sizeof *sums);
    if (sums == NULL) {
        return;
    }
    for (uint32_t i = 0; i < storm->worker_count; i++) {
        latency_merge(&sums[0], &storm->workers[i]->wait);
        latency_merge(&sums[1], &storm->workers[i]->query);
    }
    (void)printf("%-22s %12s %12s %12s\n", "microseconds", "p50", "p99", "max");
    print_percentiles("  acquire", &sums[0]);
    print_percentiles("  query", &sums[1]);
    free(sums);
}

static void
print_pool(const struct storm *storm)
{
    dew_stats stats = {.struct_size = (uint32_t)sizeof stats};
    dew_stats_read(storm->pool, &stats);
    print_count("sessions opened", stats.connects);
    print_count("connects failed", stats.connect_failures);
    (void)printf("%-22s lifetime %" PRIu64 ", idle %" PRIu64 ", broken %" PRIu64
                 ", refresh %" PRIu64 ", shrink %" PRIu64 ", discarded %" PRIu64
                 "\n",
                 "sessions retired", stats.retired_lifetime, stats.retired_idle,
                 stats.retired_broken, stats.retired_refresh,
                 stats.retired_shrink, stats.discarded);
    print_count("resets", stats.resets);
    print_count("rollbacks", stats.rollbacks);
    print_count("loans", stats.acquires);
    print_count("  that waited", stats.waits);
    print_count("acquire timeouts", stats.timeouts);
}

static void
print_mishaps(const struct storm *storm)
{
    struct mishaps sum = {.used = 0};
    for (uint32_t i = 0; i < storm->worker_count; i++) {
        mishaps_merge(&sum, &storm->workers[i]->mishaps);
    }
    for (uint32_t i = 0; i < sum.used; i++) {
        const struct mishap *const kind = &sum.kinds[i];
        (void)printf("  %-20s %12" PRIu64 "    %s", dew_code_name(kind->code),
                     kind->count, kind->message);
        if (kind->mysql_errno != 0) {
            (void)printf(" (%" PRIu32 ")", kind->mysql_errno);
        }
        (void)putchar('\n');
    }
    if (sum.others > 0) {
        print_count("  of other kinds", sum.others);
    }
}

static enum storm_exit
print_verdict(const struct storm *storm, const struct totals *totals)
{
    if (totals->wrong + totals->shared + totals->dirt > 0) {
        (void)printf("verdict: WRONG ANSWERS: %" PRIu64 "; sessions in two "
                     "hands: %" PRIu64 "; dirt found: %" PRIu64 "\n",
                     totals->wrong, totals->shared, totals->dirt);
        return STORM_WRONG;
    }
    if (totals->errors > 0) {
        (void)printf("verdict: ERRORS: %" PRIu64 " (and %" PRIu64
                     " queries answered, none wrongly)\n",
                     totals->errors, totals->queries);
        return STORM_TROUBLE;
    }
    if (totals->queries == 0) {
        (void)puts("verdict: NOTHING WAS ASKED");
        return STORM_TROUBLE;
    }
    (void)printf("verdict: OK, %" PRIu64 " queries, %s\n", totals->queries,
                 storm->has_nonce ? "each answer the asker's own"
                                  : "all successful (answers not checked)");
    return STORM_FINE;
}
