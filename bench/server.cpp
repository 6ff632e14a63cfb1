/* SPDX-License-Identifier: MIT */
/* With a real server: how many queries, how late, and what each reset costs? */
/*
 * A loan is one SELECT 1 and its row. "per_thread" has no pool, the ceiling;
 * "per_query" has none either and connects each time. The rows with a gap have
 * one thread that is busy with something else for 100 us after each return:
 * there the borrow and the return are what counts, each told by itself. With
 * one_cpu the server is on the thread's CPU: what a return sends then costs no
 * wake of an idle one, and is not answered before the thread sleeps.
 */
#include "lib/report.h"
#include "rivals/with_server.h"
#if DEWPOND_BENCH_SOCI && DEWPOND_BENCH_SOCI_MYSQL
#include "rivals/soci_server.h"
#endif

namespace bench {
namespace {

struct Cell {
    unsigned threads, sessions;
    bool everybody; /* or the few that the targets name */
};

constexpr Cell cells[] = {
    {1, 1, false}, {2, 2, true},  {8, 8, true},     {32, 4, true},
    {32, 8, true}, {64, 8, false}, {256, 64, true},
};

constexpr int64_t gap_ns = 100000;

template <class Pool>
void
add(Way way, const std::string &name, const Load &load, unsigned sessions,
    const char *suffix = "")
{
    const std::string where = way == Way::tcp ? "server/tcp/" : "server/unix/";
    const std::string row = where + cell(name, load.threads, sessions) + suffix;
    if (!target().has(way) || !target().takes(sessions, row)) {
        return;
    }
    add_row(row, [way, load, sessions](benchmark::State &state) {
                Pool pool(way, sessions);
                tell(state, measure(pool, load));
            });
}

/* The CPU is chosen before there is a session. */
template <class Pool> class OnOneCpu : private OneCpu, public Pool
{
public:
    using Pool::Pool;
};

template <class Pool>
void
pool(const std::string &name, bool is_key)
{
    for (const Way way : {Way::unix_socket, Way::tcp}) {
        for (const Cell &one : cells) {
            if (is_key || one.everybody) {
                add<Pool>(way, name, Load{one.threads}, one.sessions);
            }
        }
    }
}

/* All threads have their own connection: cells with fewer sessions are others'
 * business. */
template <class Pool>
void
without_pool(const std::string &name, unsigned most)
{
    for (const Way way : {Way::unix_socket, Way::tcp}) {
        for (const unsigned threads : {1u, 2u, 8u, 32u, 64u, 256u}) {
            if (threads <= most) {
                add<Pool>(way, name, Load{threads}, threads);
            }
        }
    }
}

template <class Pool>
void
with_gap(const std::string &name)
{
    Load load{1};
    load.gap_ns = gap_ns;
    for (const Way way : {Way::unix_socket, Way::tcp}) {
        add<Pool>(way, name, load, 1, "/gap:100us");
        if (target().pid != 0) {
            add<OnOneCpu<Pool>>(way, name, load, 1, "/gap:100us/one_cpu");
        }
    }
}

void
add_rivals()
{
    pool<MutexLifoServer<Extra::nothing>>("mutex_lifo", true);
    pool<MutexLifoServer<Extra::ping>>("mutex_lifo_ping", false);
    pool<MutexLifoServer<Extra::reset>>("mutex_lifo_reset", true);
    pool<MutexLifoServer<Extra::reset_proof>>("mutex_lifo_reset_proof", true);
#if DEWPOND_BENCH_SOCI && DEWPOND_BENCH_SOCI_MYSQL
    pool<SociServer>("soci", false);
#endif
#if DEWPOND_BENCH_POCO
    pool<PocoServer>("poco_objectpool", false);
#endif
#if DEWPOND_BENCH_LIBZDB
    pool<LibzdbServer>("libzdb", false);
#endif
#if DEWPOND_BENCH_MYSQLPP
    for (const Way way : {Way::unix_socket, Way::tcp}) {
        for (const unsigned threads : {2u, 8u}) {
            add<MysqlppServer>(way, "mysqlpp", Load{threads}, threads);
        }
    }
#endif
}

} // namespace
} // namespace bench

int
main(int argc, char **argv)
{
    using namespace bench;
    need_target();
    without_pool<PerThread>("per_thread", 256);
    /* More that connect at once do not fit into a server's back_log. */
    without_pool<PerQuery>("per_query", 64);
    pool<DewpondServer<DEW_RESET_NEVER>>("dewpond_never", true);
    pool<DewpondServer<DEW_RESET_AUTO>>("dewpond_auto", true);
    pool<DewpondServer<DEW_RESET_ROLLBACK>>("dewpond_rollback", false);
    pool<DewpondServer<DEW_RESET_ALWAYS>>("dewpond_always", false);
    add_rivals();
    with_gap<DewpondServer<DEW_RESET_NEVER>>("dewpond_never");
    with_gap<DewpondServer<DEW_RESET_AUTO>>("dewpond_auto");
    with_gap<DewpondServer<DEW_RESET_ROLLBACK>>("dewpond_rollback");
    with_gap<DewpondServer<DEW_RESET_ALWAYS>>("dewpond_always");
    with_gap<MutexLifoServer<Extra::reset>>("mutex_lifo_reset");
    with_gap<MutexLifoServer<Extra::reset_proof>>("mutex_lifo_reset_proof");
    with_gap<MutexLifoServer<Extra::nothing>>("mutex_lifo");
    return run(argc, argv);
}
