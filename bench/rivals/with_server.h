/* SPDX-License-Identifier: MIT */
/* The pools of the question `server`: as measure.h wants them, with a query. */
#ifndef DEWPOND_BENCH_RIVALS_WITH_SERVER_H
#define DEWPOND_BENCH_RIVALS_WITH_SERVER_H

#include "lib/target.h"
#include "rivals/dewpond.h"
#include "rivals/each.h"

namespace bench {

/* dewpond with one of its reset policies. */
template <dew_reset reset> class DewpondServer : public Dewpond
{
public:
    DewpondServer(Way way, unsigned sessions) : Dewpond(config(way, sessions))
    {
    }

    void
    use(Loan &loan)
    {
        ask(loan.conn.mysql);
    }

private:
    static dew_config
    config(Way way, unsigned sessions)
    {
        dew_config config = target_config(way, sessions);
        config.reset = reset;
        return config;
    }
};

/* No pool: a connection of its own for each thread. The ceiling. */
class PerThread
{
public:
    struct Loan {
        MYSQL *mysql = nullptr;
        ~Loan()
        {
            if (mysql != nullptr) {
                mysql_close(mysql);
            }
        }
    };

    PerThread(Way way, unsigned) : way_(way) {}

    void
    acquire(Loan &loan)
    {
        if (__builtin_expect(loan.mysql == nullptr, 0)) {
            loan.mysql = connect_plainly(way_);
        }
    }

    void use(Loan &loan) { ask(loan.mysql); }
    void release(Loan &) {}

private:
    Way way_;
};

/* No pool, and a connection for each query. */
class PerQuery
{
public:
    struct Loan {
        MYSQL *mysql = nullptr;
    };

    PerQuery(Way way, unsigned) : way_(way) {}
    void acquire(Loan &loan) { loan.mysql = connect_plainly(way_); }
    void use(Loan &loan) { ask(loan.mysql); }
    void release(Loan &loan) { mysql_close(loan.mysql); }

private:
    Way way_;
};

enum class Extra { nothing, ping, reset, reset_proof };

/* The mutex and its condvar with real sessions, and what many pools add: a
 * ping of each session that is lent, or a reset of each that comes back; or a
 * reset and the question that dewpond asks behind it, which is then the same
 * promise. All of it is waited for. */
template <Extra extra> class MutexLifoServer
{
public:
    using Loan = MutexLifo::Loan;

    MutexLifoServer(Way way, unsigned sessions) : pool_(sessions)
    {
        for (unsigned i = 0; i < sessions; i++) {
            all_.push_back(connect_plainly(way));
        }
    }

    MutexLifoServer(const MutexLifoServer &) = delete;
    MutexLifoServer &operator=(const MutexLifoServer &) = delete;

    ~MutexLifoServer()
    {
        for (MYSQL *mysql : all_) {
            mysql_close(mysql);
        }
    }

    void
    acquire(Loan &loan)
    {
        pool_.acquire(loan);
        if (extra == Extra::ping && mysql_ping(all_[loan.index]) != 0) {
            abort();
        }
    }

    void use(Loan &loan) { ask(all_[loan.index]); }

    void
    release(Loan &loan)
    {
        if ((extra == Extra::reset || extra == Extra::reset_proof) &&
            mysql_reset_connection(all_[loan.index]) != 0) {
            abort();
        }
        if (extra == Extra::reset_proof) {
            prove(all_[loan.index]);
        }
        pool_.release(loan);
    }

private:
    MutexLifo pool_;
    std::vector<MYSQL *> all_;
};

#if DEWPOND_BENCH_LIBZDB
class LibzdbServer : public Libzdb<true>
{
public:
    LibzdbServer(Way way, unsigned sessions)
        : Libzdb<true>(sessions, url(way).c_str())
    {
    }

    void
    use(Loan &loan)
    {
        const ResultSet_T rows =
            Connection_executeQuery(loan.connection, "%s", question);
        if (!ResultSet_next(rows)) {
            abort();
        }
    }

private:
    static std::string
    url(Way way)
    {
        const Target &t = target();
        const bool tcp = way == Way::tcp;
        return "mysql://" + (tcp ? t.host + ":" + std::to_string(t.port)
                                 : std::string("localhost")) +
               "/" + escaped(t.database) + "?user=" + escaped(t.user) +
               "&password=" + escaped(t.password) +
               (tcp ? "" : "&unix-socket=" + escaped(t.socket));
    }

    static std::string
    escaped(const std::string &text)
    {
        std::string out;
        for (const unsigned char byte : text) {
            char code[4];
            snprintf(code, sizeof code, "%%%02X", byte);
            out += isalnum(byte) ? std::string(1, static_cast<char>(byte))
                                 : code;
        }
        return out;
    }
};
#endif

#if DEWPOND_BENCH_MYSQLPP
class MysqlppServer : public MysqlppPool
{
public:
    struct Loan {
        mysqlpp::Connection *connection = nullptr;
    };

    MysqlppServer(Way way, unsigned) : way_(way) {}
    ~MysqlppServer() override { clear(); }
    void acquire(Loan &loan) { loan.connection = grab(); }

    void
    use(Loan &loan)
    {
        if (loan.connection->query(question).store().num_rows() != 1) {
            abort();
        }
    }

    void
    release(Loan &loan)
    {
        mysqlpp::ConnectionPool::release(loan.connection);
    }

protected:
    mysqlpp::Connection *
    create() override
    {
        const Target &t = target();
        const bool tcp = way_ == Way::tcp;
        return new mysqlpp::Connection(
            t.database.c_str(), tcp ? t.host.c_str() : t.socket.c_str(),
            t.user.c_str(), t.password.c_str(), tcp ? t.port : 0);
    }

private:
    Way way_;
};
#endif

#if DEWPOND_BENCH_POCO
/* Poco's ObjectPool with the client library's own sessions: Poco's cannot be
 * given a unix socket. */
class PocoServer
{
public:
    struct Session {
        Session() : mysql(connect_plainly(way)) {}
        ~Session() { mysql_close(mysql); }
        Session(const Session &) = delete;
        Session &operator=(const Session &) = delete;
        MYSQL *mysql;
        static inline Way way;
    };
    struct Loan {
        Session *session = nullptr;
    };

    PocoServer(Way way, unsigned sessions)
        : pool_((Session::way = way, sessions), sessions)
    {
    }

    void
    acquire(Loan &loan)
    {
        while ((loan.session = pool_.borrowObject(10000)) == nullptr) {
        }
    }

    void use(Loan &loan) { ask(loan.session->mysql); }
    void release(Loan &loan) { pool_.returnObject(loan.session); }

private:
    Poco::ObjectPool<Session> pool_;
};
#endif

} // namespace bench

#endif
