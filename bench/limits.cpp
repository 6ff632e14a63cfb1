/* SPDX-License-Identifier: MIT */
/* What do this machine's own primitives cost? All ratios are told in them. */
/*
 * One thread, and for words that can be fought for two threads on two CPUs:
 * then the figure is the time by the operations of both together. A pair is
 * what a borrow and a return need at the least: "cas16_pair" is two uncontended
 * double-word compare-and-swaps.
 */
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "lib/primitives.h"
#include "lib/report.h"

namespace bench {
namespace {

/* Long enough that looking at the clock costs nothing. */
constexpr long batch = 256;

double
measure_primitive(const primitive &one, unsigned threads, double &others)
{
    std::atomic<bool> go{false}, stop{false};
    std::vector<std::thread> crew;
    std::vector<long> done(threads * 16);
    primitives_reset();
    for (unsigned t = 0; t < threads; t++) {
        crew.emplace_back([&, t] {
            long count = 0;
            pin(static_cast<int>(t));
            one.loop(batch);
            while (!go.load(std::memory_order_relaxed)) {
                relax();
            }
            while (!stop.load(std::memory_order_relaxed)) {
                one.loop(batch);
                count += batch;
            }
            done[t * 16] = count;
        });
    }
    sleep_ns(10000000);
    const Usage before = Usage::now();
    const int64_t from = now_ns();
    go = true;
    sleep_ns(window_ns() / 2);
    stop = true;
    const int64_t to = now_ns();
    others = Usage::now().others(before);
    double total = 0;
    for (unsigned t = 0; t < threads; t++) {
        crew[t].join();
        total += static_cast<double>(done[t * 16]);
    }
    return static_cast<double>(to - from) / std::max(total, 1.0);
}

void
add(const primitive &one, unsigned threads)
{
    add_row("limits/" + std::string(one.name) +
                "/threads:" + std::to_string(threads),
            [&one, threads](benchmark::State &state) {
                double others = 0;
                tell_ns(state, measure_primitive(one, threads, others));
                state.counters["others"] = others;
            });
}

} // namespace
} // namespace bench

int
main(int argc, char **argv)
{
    for (const primitive *one = primitives; one->name != nullptr; one++) {
        bench::add(*one, 1);
        if (one->is_shared != 0 && bench::cpu_count() > 1) {
            bench::add(*one, 2);
        }
    }
    return bench::run(argc, argv);
}
