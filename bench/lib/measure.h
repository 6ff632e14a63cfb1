/* SPDX-License-Identifier: MIT */
/* The loop that every pool runs in: threads borrow, hold and return. */
/*
 * A pool of the benchmark is a class:
 *     struct Loan;                     what a thread needs for one loan
 *     explicit Pool(unsigned sessions);
 *     void acquire(Loan &), release(Loan &);
 * One measurement is a window of time in which all threads run; before it they
 * warm up. Its figure is the time of the window by the pairs that all threads
 * made in it: with two processors and perfect scaling half of one thread's.
 * Times of single acquires come from a second window, so that reading the
 * clock is not part of the first figure.
 */
#ifndef DEWPOND_BENCH_MEASURE_H
#define DEWPOND_BENCH_MEASURE_H

#include <atomic>
#include <memory>
#include <sys/prctl.h>
#include <thread>
#include <vector>

#include "lib/counted.h"
#include "lib/histogram.h"
#include "lib/machine.h"

namespace bench {

struct Load {
    unsigned threads;
    int64_t hold_ns = 0;
    bool blocks = false; /* holds asleep, as one who waits for a server */
};

struct Result {
    double pairs = 0, seconds = 0;
    double fewest = 0, most = 0; /* pairs of one thread */
    double switches = 0, cpu_s = 0, others = 0;
    double wakes = 0, parks = 0, polls = 0;
    Histogram acquire; /* ticks, of the second window */
    double latency_pairs = 0, latency_seconds = 0;
};

enum class Phase { warm, count, time, stop };

/* What one thread publishes; lines of its own. */
struct alignas(128) Worker {
    std::atomic<uint64_t> pairs{0};
    Counted counted;
    Histogram acquire;
};

template <class Pool>
void
work(Pool &pool, const Load &load, std::atomic<Phase> &phase, Worker &mine)
{
    const auto hold = static_cast<uint64_t>(
        static_cast<double>(load.hold_ns) * ticks_per_ns());
    typename Pool::Loan loan{};
    uint64_t pairs = 0;
    (void)prctl(PR_SET_TIMERSLACK, 1);
    counted_here(&mine.counted);
    for (;;) {
        const Phase now = phase.load(std::memory_order_relaxed);
        if (now == Phase::stop) {
            break;
        }
        if (now == Phase::time) {
            const uint64_t from = ticks();
            pool.acquire(loan);
            mine.acquire.add(ticks() - from);
        } else {
            pool.acquire(loan);
        }
        if (load.blocks) {
            sleep_ns(load.hold_ns);
        } else if (hold != 0) {
            spin_ticks(hold);
        }
        pool.release(loan);
        mine.pairs.store(++pairs, std::memory_order_relaxed);
    }
    counted_here(nullptr);
}

struct Snapshot {
    std::vector<uint64_t> pairs;
    Counted counted;
    Usage usage;
};

Snapshot look(const std::vector<std::unique_ptr<Worker>> &workers);
void settle_up(const Snapshot &before, const Snapshot &after, Result &result);

/* In `times` the second window is left out if false. */
template <class Pool>
Result
measure(Pool &pool, const Load &load, bool times = true)
{
    std::atomic<Phase> phase{Phase::warm};
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
    Result result;
    (void)ticks_per_ns();
    for (unsigned i = 0; i < load.threads; i++) {
        workers.push_back(std::make_unique<Worker>());
        Worker &mine = *workers.back();
        threads.emplace_back(
            [&pool, &load, &phase, &mine] { work(pool, load, phase, mine); });
    }
    sleep_ns(window_ns() / 6);
    phase = Phase::count;
    const Snapshot before = look(workers);
    sleep_ns(window_ns());
    const Snapshot after = look(workers);
    settle_up(before, after, result);
    if (times) {
        phase = Phase::time;
        sleep_ns(window_ns() * 2 / 3);
        const Snapshot last = look(workers);
        Result second;
        settle_up(after, last, second);
        result.latency_pairs = second.pairs;
        result.latency_seconds = second.seconds;
    }
    phase = Phase::stop;
    for (std::thread &thread : threads) {
        thread.join();
    }
    for (const auto &worker : workers) {
        result.acquire.add(worker->acquire);
    }
    return result;
}

} // namespace bench

#endif
