/* SPDX-License-Identifier: MIT */
/* libzdb: pings each session that it lends, under the mutex of the pool. */
/*
 * Its sessions are SQLite's, in memory, so that the ping ("select 1;") is as
 * cheap as one can be. It does not wait: when all are lent it gives NULL, and
 * its user must try again, here after sched_yield.
 */
#ifndef DEWPOND_BENCH_RIVALS_LIBZDB_H
#define DEWPOND_BENCH_RIVALS_LIBZDB_H

#include <sched.h>
extern "C" {
#include <zdb.h>
}

namespace bench {

/* Whether libzdb's pings are sent; the library's own function is replaced by
 * one that says "alive" at once while it is false (libzdb.cpp). */
extern bool libzdb_pings;

template <bool pings> class Libzdb
{
public:
    struct Loan {
        Connection_T connection = nullptr;
    };

    explicit Libzdb(unsigned sessions)
        : Libzdb(sessions, "sqlite:///:memory:")
    {
    }

    Libzdb(unsigned sessions, const char *url) : url_(URL_new(url))
    {
        libzdb_pings = pings;
        pool_ = ConnectionPool_new(url_);
        ConnectionPool_setInitialConnections(pool_,
                                             static_cast<int>(sessions));
        ConnectionPool_setMaxConnections(pool_, static_cast<int>(sessions));
        ConnectionPool_start(pool_);
    }

    Libzdb(const Libzdb &) = delete;
    Libzdb &operator=(const Libzdb &) = delete;

    ~Libzdb()
    {
        ConnectionPool_stop(pool_);
        ConnectionPool_free(&pool_);
        URL_free(&url_);
    }

    void
    acquire(Loan &loan)
    {
        while ((loan.connection = ConnectionPool_getConnection(pool_)) ==
               nullptr) {
            sched_yield();
        }
    }

    void
    release(Loan &loan)
    {
        Connection_close(loan.connection);
    }

private:
    URL_T url_;
    ConnectionPool_T pool_;
};

} // namespace bench

#endif
