/* SPDX-License-Identifier: MIT */
/* Does a pool of 10 000 sessions, or a crowd of 1 000 threads, cost more? */
/*
 * "sessions:N": a pair on a pool of N sessions at rest; what two threads pay;
 * "rotate_ns", a pair when all sessions are borrowed and then all returned, so
 * that each is touched and no cache holds them; and the memory of a slot and of
 * a session, dewpond's own and the client library's.
 * "threads:N": a pair of N threads on 64 sessions.
 * "waiters:N": N threads that wait for one session: their memory, the processor
 * time they use, and how long it takes until each has had it.
 */
#include <algorithm>
#include <malloc.h>
#include <thread>
#include <vector>

#include "lib/report.h"
#include "rivals/dewpond.h"

namespace bench {
namespace {

double
rotate_ns(Dewpond &pool, unsigned sessions)
{
    std::vector<Dewpond::Loan> loans(sessions);
    const unsigned rounds = 2 + 20000 / sessions;
    int64_t from = 0;
    for (unsigned round = 0; round <= rounds; round++) {
        if (round == 1) {
            from = now_ns();
        }
        for (Dewpond::Loan &loan : loans) {
            pool.acquire(loan);
        }
        for (Dewpond::Loan &loan : loans) {
            pool.release(loan);
        }
    }
    return static_cast<double>(now_ns() - from) / rounds / sessions;
}

double
all_bytes()
{
    const struct mallinfo2 info = mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

/* What an open pool of so many places takes before it has a session. */
double
bytes_of_slots(const dew_config &config)
{
    dew_config empty = config;
    empty.pre_create = 0;
    const int64_t before = counted_bytes();
    Dewpond pool(empty);
    return static_cast<double>(counted_bytes() - before);
}

void
with_sessions(benchmark::State &state, unsigned sessions)
{
    dew_config config = standin_config(sessions);
    config.connects_max = 16;
    const double one = bytes_of_slots(standin_config(1));
    const double slots = bytes_of_slots(config);
    const auto own = static_cast<double>(counted_bytes());
    const double all = all_bytes();
    Dewpond pool(config);
    const double own_grew = static_cast<double>(counted_bytes()) - own;
    const double all_grew = all_bytes() - all;
    const Result result = measure(pool, Load{1});
    const Result two = measure(pool, Load{2});
    tell(state, result);
    state.counters["two_threads_ns"] = two.seconds * 1e9 / two.pairs;
    state.counters["rotate_ns"] = rotate_ns(pool, sessions);
    state.counters["pool_bytes"] = one;
    state.counters["slot_bytes"] =
        sessions == 1 ? slots : (slots - one) / (sessions - 1);
    state.counters["session_bytes"] = (own_grew - slots) / sessions;
    state.counters["client_bytes"] = (all_grew - own_grew) / sessions;
}

void
with_threads(benchmark::State &state, unsigned threads)
{
    Dewpond pool(64);
    tell(state, measure(pool, Load{threads}));
}

uint32_t
waiters_of(const Dewpond &pool)
{
    dew_stats stats;
    stats.struct_size = sizeof stats;
    dew_stats_read(pool.pool(), &stats);
    return stats.waiters;
}

/* To read the processor time of 1 000 threads takes up to 0.4 ms of it. */
constexpr int64_t asleep_ns = 3000000000;

void
with_waiters(benchmark::State &state, unsigned waiters)
{
    Dewpond pool(1);
    Dewpond::Loan held;
    std::vector<std::thread> crowd;
    pool.acquire(held);
    const int64_t own = counted_bytes();
    for (unsigned i = 0; i < waiters; i++) {
        crowd.emplace_back([&pool] {
            Dewpond::Loan loan;
            pool.acquire(loan);
            pool.release(loan);
        });
    }
    while (waiters_of(pool) < waiters) {
        sleep_ns(1000000);
    }
    sleep_ns(200000000); /* from in line to asleep */
    const double bytes = static_cast<double>(counted_bytes() - own);
    const Usage asleep = Usage::now();
    sleep_ns(asleep_ns);
    const Usage woken = Usage::now();
    pool.release(held);
    for (std::thread &thread : crowd) {
        thread.join();
    }
    const Usage after = Usage::now();
    tell_ns(state, static_cast<double>(after.ns - woken.ns) / waiters);
    state.counters["waiter_bytes"] = bytes / waiters;
    state.counters["cpu_us_per_s"] =
        (woken.own_s - asleep.own_s) * 1e6 /
        (static_cast<double>(woken.ns - asleep.ns) * 1e-9);
    tell_others(state, asleep, after);
}

void
add(const char *kind, unsigned n, void (*body)(benchmark::State &, unsigned))
{
    add_row("scale/dewpond/" + std::string(kind) + std::to_string(n),
            [n, body](benchmark::State &state) { body(state, n); });
}

} // namespace
} // namespace bench

int
main(int argc, char **argv)
{
    const unsigned most = bench::most_sessions();
    for (const unsigned n : {1u, 10u, 100u, 1000u, 10000u}) {
        bench::add("sessions:", std::min(n, most), bench::with_sessions);
    }
    for (unsigned n = 1; n <= 1000; n *= 10) {
        bench::add("threads:", n, bench::with_threads);
    }
    bench::add("waiters:", 100, bench::with_waiters);
    bench::add("waiters:", 1000, bench::with_waiters);
    return bench::run(argc, argv);
}
