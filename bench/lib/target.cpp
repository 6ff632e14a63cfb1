/* SPDX-License-Identifier: MIT */
/* The server that questions with a server ask, as the environment names it. */
#include "lib/target.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <pthread.h>
#include <sched.h>

#include "lib/machine.h"

namespace bench {

static std::string
from_environment(const char *name)
{
    const char *const text =
        getenv((std::string("DEWPOND_BENCH_") + name).c_str());
    return text == nullptr ? "" : text;
}

const Target &
target()
{
    static const Target named = [] {
        Target t;
        t.socket = from_environment("SOCKET");
        t.host = from_environment("HOST");
        t.user = from_environment("USER");
        t.password = from_environment("PASSWORD");
        t.database = from_environment("DATABASE");
        t.port = static_cast<unsigned>(
            atoi(from_environment("PORT").c_str()));
        t.pid = atoi(from_environment("SERVER_PID").c_str());
        t.connections = static_cast<unsigned>(
            atoi(from_environment("CONNECTIONS").c_str()));
        return t;
    }();
    return named;
}

bool
Target::has(Way way) const
{
    return way == Way::tcp ? port != 0 : !socket.empty();
}

bool
Target::takes(unsigned sessions, const std::string &row) const
{
    if (connections == 0 || sessions <= connections) {
        return true;
    }
    fprintf(stderr, "note: no %s: the server takes %u connections more, not "
            "%u\n", row.c_str(), connections, sessions);
    return false;
}

void
need_target()
{
    if (!target().has(Way::tcp) && !target().has(Way::unix_socket)) {
        fprintf(stderr, "no server named: use bench/run, or set "
                "DEWPOND_BENCH_SOCKET or _PORT (see lib/target.h)\n");
        exit(1);
    }
}

static const char *
or_null(const std::string &text)
{
    return text.empty() ? nullptr : text.c_str();
}

[[noreturn]] static void
give_up(MYSQL *mysql)
{
    fprintf(stderr, "server: %s\n", mysql_error(mysql));
    exit(1);
}

MYSQL *
connect_plainly(Way way)
{
    const Target &t = target();
    const bool tcp = way == Way::tcp;
    const unsigned protocol = tcp ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
    const unsigned seconds = 60;
    MYSQL *const mysql = mysql_init(nullptr);
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(mysql, tcp ? t.host.c_str() : nullptr,
                           t.user.c_str(), t.password.c_str(),
                           or_null(t.database), tcp ? t.port : 0,
                           tcp ? nullptr : t.socket.c_str(), 0) == nullptr) {
        give_up(mysql);
    }
    return mysql;
}

const char *const question = "SELECT 1";

void
ask(MYSQL *mysql)
{
    if (mysql_query(mysql, question) != 0) {
        give_up(mysql);
    }
    MYSQL_RES *const result = mysql_store_result(mysql);
    if (result == nullptr || mysql_fetch_row(result) == nullptr) {
        give_up(mysql);
    }
    mysql_free_result(result);
}

/* See src/session/proof.c: a number, the database, the role. */
void
prove(MYSQL *mysql)
{
    static thread_local uint64_t drawn = ticks();
    char number[24], sql[128];
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    snprintf(number, sizeof number, "%llu",
             1000000000000000000ull + (drawn >> 8));
    snprintf(sql, sizeof sql,
             "SELECT %s,DATABASE(),CRC32(CURRENT_ROLE());/*dewpond*/",
             number);
    if (mysql_query(mysql, sql) != 0) {
        give_up(mysql);
    }
    MYSQL_RES *const result = mysql_store_result(mysql);
    const MYSQL_ROW row =
        result == nullptr ? nullptr : mysql_fetch_row(result);
    if (row == nullptr || strcmp(row[0], number) != 0 || row[1] == nullptr ||
        target().database != row[1]) {
        give_up(mysql);
    }
    mysql_free_result(result);
}

/* As the calling thread is. */
static void
pin_server()
{
    cpu_set_t mine;
    (void)pthread_getaffinity_np(pthread_self(), sizeof mine, &mine);
    const std::string tasks =
        "/proc/" + std::to_string(target().pid) + "/task";
    for (const auto &task : std::filesystem::directory_iterator(tasks)) {
        (void)sched_setaffinity(
            static_cast<pid_t>(std::stoi(task.path().filename())),
            sizeof mine, &mine);
    }
}

OneCpu::OneCpu()
{
    pin(0);
    pin_server();
}

OneCpu::~OneCpu()
{
    pin(-1);
    pin_server();
}

dew_config
target_config(Way way, unsigned sessions)
{
    const Target &t = target();
    dew_config config;
    dew_config_init(&config, sizeof config);
    if (way == Way::tcp) {
        config.host = t.host.c_str();
        config.port = t.port;
    } else {
        config.unix_socket = t.socket.c_str();
    }
    config.user = t.user.c_str();
    config.password = t.password.c_str();
    config.database = or_null(t.database);
    config.size = config.maxsize = config.pre_create = sessions;
    config.waiters_max = 65535;
    config.connect_timeout_ms = 60000;
    return config;
}

} // namespace bench
