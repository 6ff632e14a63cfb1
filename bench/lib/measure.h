/* SPDX-License-Identifier: MIT */
/* The loop that every pool runs in: threads borrow, hold and return. */
/*
 * A pool of the benchmark is a class:
 *     struct Loan;                     what a thread needs for one loan
 *     explicit Pool(unsigned sessions);
 *     void acquire(Loan &), release(Loan &);
 *     void use(Loan &);                only if loans do some work
 *     static constexpr bool is_counted = true;   if counted.h sees its calls
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
#include <type_traits>
#include <vector>

#include "lib/counted.h"
#include "lib/histogram.h"
#include "lib/machine.h"

namespace bench {

struct Load {
    unsigned threads;
    int64_t hold_ns = 0;
    bool blocks = false; /* holds asleep, as one who waits for a server */
    int64_t gap_ns = 0;  /* busy with something else between two loans */
};

/* In ticks; `whole` is from before the acquire to after the release. */
struct Times {
    Histogram acquire, release, whole;
};

struct Result {
    double pairs = 0, seconds = 0;
    double fewest = 0, most = 0; /* pairs of one thread */
    double switches = 0, cpu_s = 0, others = 0;
    bool is_counted = false; /* else the next line says nothing */
    double wakes = 0, parks = 0, polls = 0;
    Times times; /* of the second window */
};

enum class Phase { warm, count, time, stop };

/* What one thread publishes; lines of its own. */
struct alignas(128) Worker {
    std::atomic<uint64_t> pairs{0};
    Counted counted;
    Times times;
};

template <class Pool, class = void> struct has_use : std::false_type {
};
template <class Pool>
struct has_use<Pool, std::void_t<decltype(&Pool::use)>> : std::true_type {
};

template <class Pool, class = void> struct is_counted : std::false_type {
};
template <class Pool>
struct is_counted<Pool, std::enable_if_t<Pool::is_counted>> : std::true_type {
};

template <class Pool>
void
hold(Pool &pool, typename Pool::Loan &loan, const Load &load, uint64_t length)
{
    if constexpr (has_use<Pool>::value) {
        pool.use(loan);
    }
    if (load.blocks) {
        sleep_ns(load.hold_ns);
    } else if (length != 0) {
        spin_ticks(length);
    }
}

template <class Pool>
void
timed_pair(Pool &pool, typename Pool::Loan &loan, const Load &load,
           uint64_t length, Times &times)
{
    const uint64_t from = ticks();
    pool.acquire(loan);
    const uint64_t have = ticks();
    hold(pool, loan, load, length);
    const uint64_t done = ticks();
    pool.release(loan);
    const uint64_t gone = ticks();
    times.acquire.add(have - from);
    times.release.add(gone - done);
    times.whole.add(gone - from);
}

template <class Pool>
void
work(Pool &pool, const Load &load, std::atomic<Phase> &phase, Worker &mine)
{
    const double scale = ticks_per_ns();
    const auto length =
        static_cast<uint64_t>(static_cast<double>(load.hold_ns) * scale);
    const auto gap =
        static_cast<uint64_t>(static_cast<double>(load.gap_ns) * scale);
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
            timed_pair(pool, loan, load, length, mine.times);
        } else {
            pool.acquire(loan);
            hold(pool, loan, load, length);
            pool.release(loan);
        }
        mine.pairs.store(++pairs, std::memory_order_relaxed);
        if (gap != 0) {
            spin_ticks(gap);
        }
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

template <class Pool>
Result
measure(Pool &pool, const Load &load)
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
    phase = Phase::time;
    sleep_ns(window_ns() * 2 / 3);
    phase = Phase::stop;
    for (std::thread &thread : threads) {
        thread.join();
    }
    settle_up(before, after, result);
    result.is_counted = is_counted<Pool>::value;
    for (const auto &worker : workers) {
        result.times.acquire.add(worker->times.acquire);
        result.times.release.add(worker->times.release);
        result.times.whole.add(worker->times.whole);
    }
    return result;
}

} // namespace bench

#endif
