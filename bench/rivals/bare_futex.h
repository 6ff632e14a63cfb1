/* SPDX-License-Identifier: MIT */
/* One word and the kernel's wait and wake: what a hand-over costs at least. */
#ifndef DEWPOND_BENCH_RIVALS_BARE_FUTEX_H
#define DEWPOND_BENCH_RIVALS_BARE_FUTEX_H

#include <atomic>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bench {

/* One session only; each return wakes, whether somebody waits or not. */
class BareFutex
{
public:
    struct Loan {
    };

    explicit BareFutex(unsigned)
    {
    }

    void
    acquire(Loan &)
    {
        while (is_here_.exchange(0) == 0) {
            (void)syscall(SYS_futex, &is_here_, FUTEX_WAIT_PRIVATE, 0, nullptr,
                          nullptr, 0);
        }
    }

    void
    release(Loan &)
    {
        is_here_.store(1);
        (void)syscall(SYS_futex, &is_here_, FUTEX_WAKE_PRIVATE, 1, nullptr,
                      nullptr, 0);
    }

private:
    std::atomic<uint32_t> is_here_{1};
};

} // namespace bench

#endif
