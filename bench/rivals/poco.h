/* SPDX-License-Identifier: MIT */
/* Poco's two pools: ObjectPool, which waits, and Data::SessionPool, which throws. */
#ifndef DEWPOND_BENCH_RIVALS_POCO_H
#define DEWPOND_BENCH_RIVALS_POCO_H

#include <Poco/Data/DataException.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/SessionPool.h>
#include <Poco/ObjectPool.h>
#include <optional>
#include <sched.h>

namespace bench {

class PocoObjectPool
{
public:
    struct Object {
    };
    struct Loan {
        Object *object = nullptr;
    };

    explicit PocoObjectPool(unsigned sessions) : pool_(sessions, sessions)
    {
    }

    void
    acquire(Loan &loan)
    {
        while ((loan.object = pool_.borrowObject(10000)) == nullptr) {
        }
    }

    void
    release(Loan &loan)
    {
        pool_.returnObject(loan.object);
    }

private:
    Poco::ObjectPool<Object> pool_;
};

class PocoSessionPool
{
public:
    struct Loan {
        std::optional<Poco::Data::Session> session;
    };

    explicit PocoSessionPool(unsigned sessions)
        : registered_(register_sqlite()),
          pool_("SQLite", ":memory:", static_cast<int>(sessions),
                static_cast<int>(sessions), 3600)
    {
    }

    void
    acquire(Loan &loan)
    {
        for (;;) {
            try {
                loan.session.emplace(pool_.get());
                return;
            } catch (const Poco::Data::SessionPoolExhaustedException &) {
                sched_yield();
            }
        }
    }

    void
    release(Loan &loan)
    {
        loan.session.reset();
    }

private:
    static bool
    register_sqlite()
    {
        Poco::Data::SQLite::Connector::registerConnector();
        return true;
    }

    bool registered_;
    Poco::Data::SessionPool pool_;
};

} // namespace bench

#endif
