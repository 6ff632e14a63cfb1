/* SPDX-License-Identifier: MIT */
/* MySQL++'s ConnectionPool: grows without a limit, never waits. */
#ifndef DEWPOND_BENCH_RIVALS_MYSQLPP_H
#define DEWPOND_BENCH_RIVALS_MYSQLPP_H

#include <mysql++.h>
#include <cpool.h>
#include <vector>

namespace bench {

/* Its handles are not connected: grab and release do not look. */
class MysqlppPool : public mysqlpp::ConnectionPool
{
public:
    ~MysqlppPool() override { clear(); }

protected:
    mysqlpp::Connection *
    create() override
    {
        return new mysqlpp::Connection(false);
    }

    void
    destroy(mysqlpp::Connection *connection) override
    {
        delete connection;
    }

    unsigned int
    max_idle_time() override
    {
        return 3600;
    }
};

class Mysqlpp
{
public:
    struct Loan {
        mysqlpp::Connection *connection = nullptr;
    };

    explicit Mysqlpp(unsigned sessions)
    {
        std::vector<mysqlpp::Connection *> all;
        for (unsigned i = 0; i < sessions; i++) {
            all.push_back(pool_.grab());
        }
        for (mysqlpp::Connection *connection : all) {
            pool_.release(connection);
        }
    }

    void
    acquire(Loan &loan)
    {
        loan.connection = pool_.grab();
    }

    void
    release(Loan &loan)
    {
        pool_.release(loan.connection);
    }

private:
    MysqlppPool pool_;
};

} // namespace bench

#endif
