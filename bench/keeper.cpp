/* SPDX-License-Identifier: MIT */
/* What does a pool cost that nobody uses, and what do open and close take? */
/*
 * "rest": 10 000 sessions of the stand-in lie idle; the processor time of the
 * keeper, with the keepalive as it is by default, and every 2 s. "tend": one
 * dew_pool_tend over as many, without threads.
 * "open", "close": 1 000 sessions, created before open returns. "connects"
 * beside them is the server's own pace: as many connects at once
 * (connects_max), nothing else. "connects_furnished": each asks what a session
 * of dewpond's asks, one SELECT. On the server that is named, or the stand-in.
 */
#include <algorithm>
#include <atomic>
#include <cstring>
#include <malloc.h>
#include <string>
#include <thread>
#include <vector>

#include "lib/report.h"
#include "lib/target.h"
#include "rivals/dewpond.h"

namespace bench {
namespace {

constexpr unsigned at_once = 4;

/* 1 000, or as many as the server takes; two of its connections are for us. */
unsigned
most_opened()
{
    const unsigned takes = target().connections;
    return takes == 0 ? 1000 : std::clamp(takes, 3u, 1002u) - 2;
}

const unsigned opened = most_opened();

dew_config
crowd_config()
{
    dew_config config = standin_config(most_sessions());
    config.connects_max = 16;
    return config;
}

void
rest(benchmark::State &state, uint32_t keepalive_ms)
{
    dew_config config = crowd_config();
    config.keepalive_ms = keepalive_ms;
    Dewpond pool(config);
    if (keepalive_ms != 0) {
        sleep_ns(static_cast<int64_t>(keepalive_ms) * 1000000);
    }
    const Usage before = Usage::now();
    sleep_ns(window_ns() * 5);
    const Usage after = Usage::now();
    const double seconds = static_cast<double>(after.ns - before.ns) * 1e-9;
    tell_ns(state, (after.own_s - before.own_s) * 1e9 / seconds);
    state.counters["cpu_us_per_s"] =
        (after.own_s - before.own_s) * 1e6 / seconds;
    tell_others(state, before, after);
}

void
tend(benchmark::State &state)
{
    dew_config config = crowd_config();
    Histogram times;
    config.flags = DEW_NO_THREADS;
    Dewpond pool(config);
    const Usage before = Usage::now();
    while (now_ns() - before.ns < window_ns() * 3) {
        const uint64_t from = ticks();
        const int64_t next_ms = dew_pool_tend(pool.pool());
        times.add(ticks() - from);
        sleep_ns(std::min<int64_t>(std::max<int64_t>(next_ms, 1), 100) *
                 1000000);
    }
    tell_ns(state, times.quantile(0.5) / ticks_per_ns());
    tell_times(state, "tend_", times);
    state.counters["tends"] = static_cast<double>(times.count());
    tell_others(state, before, Usage::now());
}

dew_config
opened_config()
{
    dew_config config =
        target().has(Way::unix_socket) ? target_config(Way::unix_socket, opened)
        : target().has(Way::tcp)       ? target_config(Way::tcp, opened)
                                       : standin_config(opened);
    config.connects_max = at_once;
    return config;
}

MYSQL *
connect_like(const dew_config &config)
{
    const bool tcp = config.unix_socket == nullptr;
    const unsigned protocol = tcp ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
    MYSQL *const mysql = mysql_init(nullptr);
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(mysql, tcp ? config.host : nullptr, config.user,
                           config.password, config.database,
                           tcp ? config.port : 0, config.unix_socket,
                           0) == nullptr) {
        fprintf(stderr, "server: %s\n", mysql_error(mysql));
        exit(1);
    }
    return mysql;
}

unsigned
count_connected(MYSQL *mysql)
{
    if (mysql_query(mysql, "SHOW STATUS LIKE 'Threads_connected'") != 0) {
        return 0;
    }
    MYSQL_RES *const result = mysql_store_result(mysql);
    const MYSQL_ROW row = result != nullptr ? mysql_fetch_row(result) : nullptr;
    const unsigned count =
        row != nullptr ? static_cast<unsigned>(atoi(row[1])) : 0;
    mysql_free_result(result);
    return count;
}

/* What is measured next must not pay for the server's work on these. */
void
await_farewells(const dew_config &config)
{
    MYSQL *const mysql = connect_like(config);
    const int64_t until = now_ns() + 2000000000;
    while (count_connected(mysql) > 1 && now_ns() < until) {
        sleep_ns(5000000);
    }
    mysql_close(mysql);
}

/* Each row's sessions touch their memory for the first time, as in a program
 * that starts: else the later rows use what the earlier ones have touched. */
void
begin_cold()
{
    (void)malloc_trim(0);
}

/* Of this process and the server together: it tells more than the time does
 * where others use the same processors. */
void
tell_cpu(benchmark::State &state, const Usage &before, const Usage &after)
{
    state.counters["sessions"] = opened;
    state.counters["cpu_us_per_session"] =
        (after.own_s - before.own_s) * 1e6 / opened;
    tell_others(state, before, after);
}

void
open_and_close(benchmark::State &state, bool tell_close)
{
    const dew_config config = opened_config();
    dew_error error;
    dew_pool *pool = nullptr;
    begin_cold();
    const Usage before = Usage::now();
    insist(dew_pool_open(&pool, &config, &error), error, "open");
    const Usage open = Usage::now();
    insist(dew_pool_close(pool, 60000, &error), error, "close");
    const Usage after = Usage::now();
    const Usage &from = tell_close ? open : before;
    const Usage &to = tell_close ? after : open;
    tell_ns(state, static_cast<double>(to.ns - from.ns));
    tell_cpu(state, from, to);
    await_farewells(config);
}

/* What a server is, the session's values, and those that a reset goes back to:
 * as many columns as src/session/values.c asks for. */
std::string
furnishing(MYSQL *mysql)
{
    const bool mariadb = strstr(mysql_get_server_info(mysql), "MariaDB");
    const std::string old = mariadb ? "tx_" : "transaction_";
    std::string sql = "SELECT 1234567890123456789";
    for (const char *name :
         {"wait_timeout", "max_connections", "read_only", "innodb_read_only",
          "hostname", "port", "socket", "server_id", "datadir"}) {
        sql += std::string(",@@") + name;
    }
    sql += ",@@global." + old + "read_only";
    for (const char *scope : {",@@", ",@@global."}) {
        for (const char *name :
             {"character_set_client", "character_set_results",
              "character_set_connection", "collation_connection",
              "autocommit", "sql_mode", "time_zone"}) {
            sql += std::string(scope) + name;
        }
        sql += scope + old + "isolation";
    }
    sql += ",CRC32(CURRENT_ROLE())";
    return sql;
}

void
ask_for_all(MYSQL *mysql)
{
    const std::string sql = furnishing(mysql);
    MYSQL_RES *const result =
        mysql_real_query(mysql, sql.data(), sql.size()) == 0
            ? mysql_store_result(mysql)
            : nullptr;
    if (result == nullptr) {
        fprintf(stderr, "server: %s\n", mysql_error(mysql));
        exit(1);
    }
    mysql_free_result(result);
}

void
connects(benchmark::State &state, bool furnished)
{
    const dew_config config = opened_config();
    std::vector<MYSQL *> all(opened);
    std::atomic<unsigned> next{0};
    std::vector<std::thread> crew;
    begin_cold();
    const Usage before = Usage::now();
    for (unsigned i = 0; i < at_once; i++) {
        crew.emplace_back([&] {
            for (unsigned at; (at = next++) < opened;) {
                all[at] = connect_like(config);
                if (furnished) {
                    ask_for_all(all[at]);
                }
            }
        });
    }
    for (std::thread &thread : crew) {
        thread.join();
    }
    const Usage after = Usage::now();
    tell_ns(state, static_cast<double>(after.ns - before.ns));
    tell_cpu(state, before, after);
    for (MYSQL *mysql : all) {
        mysql_close(mysql);
    }
    await_farewells(config);
}

void
add(const std::string &name, Body body)
{
    add_row("keeper/" + name, std::move(body));
}

} // namespace
} // namespace bench

int
main(int argc, char **argv)
{
    using namespace bench;
    const std::string many = "/sessions:" + std::to_string(most_sessions());
    const std::string thousand = "/sessions:" + std::to_string(opened);
    if (opened < 1000) {
        fprintf(stderr, "note: the server takes %u connections: they are "
                "opened in place of 1 000\n", opened);
    }
    add("rest" + many, [](benchmark::State &state) { rest(state, 0); });
    add("rest" + many + "/keepalive:2s",
        [](benchmark::State &state) { rest(state, 2000); });
    add("tend" + many, tend);
    add("open" + thousand,
        [](benchmark::State &state) { open_and_close(state, false); });
    add("close" + thousand,
        [](benchmark::State &state) { open_and_close(state, true); });
    add("connects" + thousand,
        [](benchmark::State &state) { connects(state, false); });
    add("connects_furnished" + thousand,
        [](benchmark::State &state) { connects(state, true); });
    return run(argc, argv);
}
