/* SPDX-License-Identifier: MIT */
/* No pool at all: what the holds alone cost, the ceiling of every row. */
#ifndef DEWPOND_BENCH_RIVALS_NO_POOL_H
#define DEWPOND_BENCH_RIVALS_NO_POOL_H

namespace bench {

class NoPool
{
public:
    struct Loan {
    };

    explicit NoPool(unsigned)
    {
    }

    void
    acquire(Loan &)
    {
        asm volatile("" ::: "memory");
    }

    void
    release(Loan &)
    {
        asm volatile("" ::: "memory");
    }
};

} // namespace bench

#endif
