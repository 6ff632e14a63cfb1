/* SPDX-License-Identifier: MIT */
/* From a measurement to Google Benchmark: its time is one pair, the rest counts. */
#include "lib/report.h"

#include <algorithm>

#include "rivals/rivals.h"

namespace bench {

void
add_row(const std::string &name, Body body)
{
    benchmark::RegisterBenchmark(
        name.c_str(),
        [body](benchmark::State &state) { body(state); })
        ->Iterations(1)
        ->UseManualTime()
        ->Unit(benchmark::kNanosecond);
}

void
tell_ns(benchmark::State &state, double ns)
{
    for (auto _ : state) {
        state.SetIterationTime(ns * 1e-9);
    }
    /* The time above is rounded to whole ns where it is printed. */
    state.counters["ns"] = ns;
}

void
tell_others(benchmark::State &state, const Usage &before, const Usage &after)
{
    state.counters["others"] = after.others(before);
}

void
tell_times(benchmark::State &state, const std::string &prefix,
           const Histogram &times)
{
    const double scale = 1 / ticks_per_ns();
    if (times.count() == 0) {
        return;
    }
    state.counters[prefix + "p50"] = times.quantile(0.5) * scale;
    state.counters[prefix + "p99"] = times.quantile(0.99) * scale;
    state.counters[prefix + "p999"] = times.quantile(0.999) * scale;
    state.counters[prefix + "max"] =
        static_cast<double>(times.max()) * scale;
}

void
tell(benchmark::State &state, const Result &result)
{
    const double pairs = std::max(result.pairs, 1.0);
    tell_ns(state, result.seconds * 1e9 / pairs);
    tell_times(state, "acquire_", result.times.acquire);
    tell_times(state, "release_", result.times.release);
    tell_times(state, "whole_", result.times.whole);
    /* Where others run, too, this says more than the time on the clock. */
    state.counters["cpu_ns"] = result.cpu_s * 1e9 / pairs;
    state.counters["pairs_per_s"] = result.pairs / result.seconds;
    state.counters["fairness"] =
        result.most > 0 ? result.fewest / result.most : 0;
    state.counters["switches_per_pair"] = result.switches / pairs;
    if (result.is_counted) {
        state.counters["wakes_per_loan"] = result.wakes / pairs;
        state.counters["parks_per_loan"] = result.parks / pairs;
        state.counters["polls_per_loan"] = result.polls / pairs;
    }
    state.counters["cpus_used"] = result.cpu_s / result.seconds;
    state.counters["others"] = result.others;
}

std::string
cell(const std::string &pool, unsigned threads, unsigned sessions)
{
    return pool + "/threads:" + std::to_string(threads) +
           "/sessions:" + std::to_string(sessions);
}

int
run(int argc, char **argv)
{
    raise_file_limit();
    (void)cpu_count();
    describe_rivals();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 1;
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}

} // namespace bench
