/* SPDX-License-Identifier: MIT */
/* From a measurement to Google Benchmark: its time is one pair, the rest counts. */
#ifndef DEWPOND_BENCH_REPORT_H
#define DEWPOND_BENCH_REPORT_H

#include <benchmark/benchmark.h>
#include <functional>
#include <string>

#include "lib/measure.h"

namespace bench {

/* A row: what is measured, with what; the body fills the state in. */
using Body = std::function<void(benchmark::State &)>;

/* "question/pool/threads:N/sessions:M...". One iteration is one measurement. */
void add_row(const std::string &name, Body body);

/* The time of one pair, and everything else as counters. Exactly once. */
void tell(benchmark::State &state, const Result &result);
/* For rows of other kinds: this many ns are the time of this row. */
void tell_ns(benchmark::State &state, double ns);
void tell_others(benchmark::State &state, const Usage &before,
                 const Usage &after);
/* p50, p99, p99.9 and max in ns, under names with this prefix. */
void tell_times(benchmark::State &state, const std::string &prefix,
                const Histogram &times);

std::string cell(const std::string &pool, unsigned threads,
                 unsigned sessions);

/* main() of every question. */
int run(int argc, char **argv);

} // namespace bench

#endif
