/* SPDX-License-Identifier: MIT */
/* What does a crowd pay: throughput, waits and fairness with too few sessions? */
/*
 * 4 and 16 times as many threads as sessions. A busy hold uses its processor
 * all the time, a blocking one sleeps, as one who waits for a server's answer.
 * "no_pool" is the ceiling: with a busy hold as many threads that just hold,
 * with a blocking one as many threads as there are sessions. "dewpond_fifo"
 * always hands over in order, "dewpond_barging" never does.
 */
#include "lib/report.h"
#include "rivals/dewpond.h"
#include "rivals/each.h"
#include "rivals/no_pool.h"

namespace bench {
namespace {

template <uint32_t handoff> class DewpondHandoff : public Dewpond
{
public:
    explicit DewpondHandoff(unsigned sessions) : Dewpond(config(sessions))
    {
    }

private:
    static dew_config
    config(unsigned sessions)
    {
        dew_config config = standin_config(sessions);
        config.handoff_after_ms = handoff;
        return config;
    }
};

constexpr unsigned sessions = 4;

struct Hold {
    int64_t ns;
    bool blocks;
    const char *name;
};

constexpr Hold holds[] = {
    {0, false, "/hold:0"},          {1000, false, "/hold:1us"},
    {50000, false, "/hold:50us"},   {50000, true, "/blocks:50us"},
    {1000000, true, "/blocks:1ms"},
};

template <class Pool>
void
add(const std::string &name, unsigned threads, const Hold &hold)
{
    const bool is_ceiling = std::is_same_v<Pool, NoPool> && hold.blocks;
    const Load load{is_ceiling ? sessions : threads, hold.ns, hold.blocks};
    add_row("acquire_crowded/" + cell(name, threads, sessions) + hold.name,
            [load](benchmark::State &state) {
                Pool pool(sessions);
                tell(state, measure(pool, load));
            });
}

struct Rows {
    template <class Pool>
    void
    row(const std::string &name)
    {
        for (const Hold &hold : holds) {
            add<Pool>(name, 16, hold);
            add<Pool>(name, 64, hold);
        }
    }

    template <class Pool>
    void
    variant(const std::string &name)
    {
        for (const Hold &hold : holds) {
            add<Pool>(name, 16, hold);
        }
    }
};

} // namespace
} // namespace bench

int
main(int argc, char **argv)
{
    bench::Rows rows;
    rows.row<bench::NoPool>("no_pool");
    rows.row<bench::Dewpond>("dewpond");
    rows.variant<bench::DewpondHandoff<DEW_ZERO>>("dewpond_fifo");
    rows.variant<bench::DewpondHandoff<DEW_OFF>>("dewpond_barging");
    bench::each_bounded_rival(rows);
    return bench::run(argc, argv);
}
