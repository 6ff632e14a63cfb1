/* SPDX-License-Identifier: MIT */
/* SOCI's connection_pool: a mutex, a condvar, a scan of a vector. */
#ifndef DEWPOND_BENCH_RIVALS_SOCI_H
#define DEWPOND_BENCH_RIVALS_SOCI_H

#include <cstddef>
#include <soci/soci.h>

namespace bench {

/* lease and give_back, the cheapest way in; a soci::session object around
 * each loan costs about ten times as much. */
class Soci
{
public:
    struct Loan {
        std::size_t position = 0;
    };

    explicit Soci(unsigned sessions) : pool_(sessions)
    {
    }

    void
    acquire(Loan &loan)
    {
        loan.position = pool_.lease();
    }

    void
    release(Loan &loan)
    {
        pool_.give_back(loan.position);
    }

private:
    soci::connection_pool pool_;
};

} // namespace bench

#endif
