/* SPDX-License-Identifier: MIT */
/* What do this machine's own primitives cost? All ratios are told in them. */
/*
 * One thread, and for words that can be fought for two threads on two CPUs:
 * then the figure is the time by the operations of both together. A pair is
 * what a borrow and a return need at the least: "cas16_pair" is two uncontended
 * double-word compare-and-swaps. "send_wakes" is what a return with a reset
 * cannot do without: a send to one who sleeps in recv, as an idle server does.
 */
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
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

/* Reset, proof and their headers. */
constexpr size_t send_bytes = 80;
constexpr double gap_ns = 100000;

void
sleep_in_recv(int fd)
{
    char taken[send_bytes];
    while (recv(fd, taken, sizeof taken, 0) > 0) {
    }
}

/* The gap leaves the reader time to fall asleep, and its processor to halt. */
void
send_wakes(benchmark::State &state)
{
    const char sent[send_bytes] = {};
    const auto gap = static_cast<uint64_t>(gap_ns * ticks_per_ns());
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        std::abort();
    }
    Histogram paid;
    std::thread reader([&] { sleep_in_recv(ends[1]); });
    const Usage before = Usage::now();
    while (now_ns() - before.ns < window_ns()) {
        spin_ticks(gap);
        const uint64_t from = ticks();
        if (send(ends[0], sent, sizeof sent, MSG_NOSIGNAL) < 0) {
            std::abort();
        }
        paid.add(ticks() - from);
    }
    const Usage after = Usage::now();
    (void)close(ends[0]);
    reader.join();
    (void)close(ends[1]);
    tell_ns(state, paid.quantile(0.5) / ticks_per_ns());
    tell_others(state, before, after);
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
    bench::add_row("limits/send_wakes/gap:100us", bench::send_wakes);
    return bench::run(argc, argv);
}
