/* SPDX-License-Identifier: MIT */
/* How long from a return until the one who waited for it runs? */
/*
 * One session, one who holds it and one who waits, asleep. The time starts
 * before the call that returns and ends when the waiter's acquire is back;
 * what the returner pays for the wake is told, too.
 * "same_cpu": both on one processor, as in a busy program. "idle_cpu": the
 * waiter's processor has nothing else to do, for 20 us; "halted_cpu": for
 * 500 us, so that it has gone to sleep, which costs most in a virtual machine.
 * "futex" is no pool but one word and the kernel's wait and wake: the limit.
 */
#include <atomic>
#include <thread>

#include "lib/report.h"
#include "rivals/bare_futex.h"
#include "rivals/dewpond.h"
#include "rivals/each.h"

namespace bench {
namespace {

struct Place {
    const char *name;
    int holder, waiter; /* CPUs; negative: wherever */
    int64_t sleep_ns, spin_ns;
};

constexpr Place places[] = {
    {"same_cpu", 0, 0, 60000, 0},
    {"idle_cpu", 0, 1, 0, 20000},
    {"halted_cpu", 0, 1, 0, 500000},
    {"anywhere", -1, -1, 60000, 0},
};

/* The holder's turns are odd, the waiter's even. */
struct alignas(128) Shared {
    std::atomic<uint64_t> turn{0}, returned_at{0};
    std::atomic<bool> stop{false};
};

void
await(const std::atomic<uint64_t> &turn, uint64_t wanted,
      const std::atomic<bool> &stop)
{
    while (turn.load() != wanted && !stop) {
        sched_yield();
    }
}

template <class Pool>
void
wait_for_it(Pool &pool, Shared &shared, Histogram &latency)
{
    typename Pool::Loan loan{};
    for (uint64_t round = 0;; round++) {
        await(shared.turn, 3 * round + 1, shared.stop);
        if (shared.stop) {
            return;
        }
        shared.turn = 3 * round + 2;
        pool.acquire(loan);
        const uint64_t now = ticks();
        const uint64_t then = shared.returned_at;
        latency.add(now > then ? now - then : 0);
        pool.release(loan);
        shared.turn = 3 * round + 3;
    }
}

template <class Pool>
void
one_round(Pool &pool, Shared &shared, const Place &place, uint64_t round,
          Histogram &paid)
{
    typename Pool::Loan loan{};
    pool.acquire(loan);
    shared.turn = 3 * round + 1;
    await(shared.turn, 3 * round + 2, shared.stop);
    if (place.sleep_ns != 0) {
        sleep_ns(place.sleep_ns);
    }
    spin_ticks(static_cast<uint64_t>(static_cast<double>(place.spin_ns) *
                                     ticks_per_ns()));
    const uint64_t from = ticks();
    shared.returned_at = from;
    pool.release(loan);
    paid.add(ticks() - from);
    await(shared.turn, 3 * round + 3, shared.stop);
}

template <class Pool>
void
hand_over(benchmark::State &state, const Place &place)
{
    Pool pool(1);
    Shared shared;
    Histogram latency, paid;
    pin(place.holder);
    const Usage before = Usage::now();
    std::thread waiter([&] {
        pin(place.waiter);
        wait_for_it(pool, shared, latency);
    });
    for (uint64_t round = 0; now_ns() - before.ns < window_ns(); round++) {
        one_round(pool, shared, place, round, paid);
    }
    shared.stop = true;
    waiter.join();
    const Usage after = Usage::now();
    pin(-1);
    tell_ns(state, latency.quantile(0.5) / ticks_per_ns());
    tell_times(state, "wake_", latency);
    tell_times(state, "returner_", paid);
    tell_others(state, before, after);
}

struct Rows {
    template <class Pool>
    void
    row(const std::string &name)
    {
        for (const Place &place : places) {
            if (place.waiter == 1 && cpu_count() < 2) {
                continue;
            }
            add_row("handoff/" + name + "/" + place.name,
                    [place](benchmark::State &state) {
                        hand_over<Pool>(state, place);
                    });
        }
    }
};

} // namespace
} // namespace bench

int
main(int argc, char **argv)
{
    bench::Rows rows;
    rows.row<bench::BareFutex>("futex");
    rows.row<bench::Dewpond>("dewpond");
    rows.row<bench::MutexLifo>("mutex_lifo");
#if DEWPOND_BENCH_SOCI
    rows.row<bench::Soci>("soci");
#endif
#if DEWPOND_BENCH_APR
    rows.row<bench::AprReslist>("apr_reslist");
#endif
#if DEWPOND_BENCH_POCO
    rows.row<bench::PocoObjectPool>("poco_objectpool");
#endif
    return bench::run(argc, argv);
}
