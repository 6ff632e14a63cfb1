/* SPDX-License-Identifier: MIT */
/* What does a borrow and its return cost when a session is always at rest? */
/*
 * More sessions than threads, no hold, nothing sent. "dewpond" is the static
 * library with DEW_RESET_NEVER, "dewpond_auto" the default policy, which sees
 * that nothing was sent, "dewpond_so" the shared library through function
 * pointers, and "dewpond_touched" a loan that did use the wire, as far as the
 * handle tells: its return looks at the socket, too.
 */
#include <dlfcn.h>

#include "lib/report.h"
#include "rivals/dewpond.h"
#include "rivals/each.h"

namespace bench {
namespace {

class DewpondAuto : public Dewpond
{
public:
    explicit DewpondAuto(unsigned sessions) : Dewpond(config(sessions))
    {
    }

private:
    static dew_config
    config(unsigned sessions)
    {
        dew_config config = standin_config(sessions);
        config.reset = DEW_RESET_AUTO;
        return config;
    }
};

/* What any command leaves behind: the packet counter is another one. */
class DewpondTouched : public Dewpond
{
public:
    using Dewpond::Dewpond;

    void
    acquire(Loan &loan)
    {
        Dewpond::acquire(loan);
        loan.conn.mysql->net.pkt_nr = 2;
    }
};

class DewpondShared
{
public:
    using Loan = Dewpond::Loan;

    explicit DewpondShared(unsigned sessions)
    {
        const dew_config config = standin_config(sessions);
        dew_error error;
        find(open_, "dew_pool_open");
        find(close_, "dew_pool_close");
        find(acquire_, "dew_acquire_at");
        find(release_, "dew_release");
        insist(open_(&pool_, &config, &error), error, "open");
    }

    DewpondShared(const DewpondShared &) = delete;
    DewpondShared &operator=(const DewpondShared &) = delete;

    ~DewpondShared() { (void)close_(pool_, 10000, nullptr); }

    void
    acquire(Loan &loan)
    {
        dew_error error;
        const dew_code code = acquire_(pool_, DEW_WAIT_FOREVER, &loan.conn,
                                       &error, __FILE__, __LINE__);
        if (__builtin_expect(code != DEW_OK, 0)) {
            insist(code, error, "acquire");
        }
    }

    void
    release(Loan &loan)
    {
        release_(&loan.conn);
    }

private:
    template <class Function>
    static void
    find(Function *&function, const char *name)
    {
        static void *const library =
            dlopen(DEWPOND_BENCH_SO, RTLD_NOW | RTLD_LOCAL);
        function = library == nullptr ? nullptr
                                      : reinterpret_cast<Function *>(
                                            dlsym(library, name));
        if (function == nullptr) {
            fprintf(stderr, "%s\n", dlerror());
            exit(1);
        }
    }

    decltype(dew_pool_open) *open_;
    decltype(dew_pool_close) *close_;
    decltype(dew_acquire_at) *acquire_;
    decltype(dew_release) *release_;
    dew_pool *pool_ = nullptr;
};

constexpr unsigned sessions = 64;

struct Rows {
    template <class Pool>
    void
    row(const std::string &name)
    {
        for (const unsigned threads : {1u, 2u, 4u, 8u, 16u, 64u}) {
            add_row("acquire_idle/" + cell(name, threads, sessions),
                    [threads](benchmark::State &state) {
                        Pool pool(sessions);
                        tell(state, measure(pool, Load{threads}));
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
    rows.row<bench::Dewpond>("dewpond");
    rows.row<bench::DewpondAuto>("dewpond_auto");
    rows.row<bench::DewpondShared>("dewpond_so");
    rows.row<bench::DewpondTouched>("dewpond_touched");
    bench::each_rival(rows);
    return bench::run(argc, argv);
}
