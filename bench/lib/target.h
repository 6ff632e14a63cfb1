/* SPDX-License-Identifier: MIT */
/* The server that questions with a server ask, as the environment names it. */
/*
 * bench/run starts a private MariaDB server and sets these, or takes them from
 * its --server: DEWPOND_BENCH_SOCKET, _HOST, _PORT, _USER, _PASSWORD,
 * _DATABASE, _CONNECTIONS, which is how many it will take, and _SERVER_PID
 * where it runs on this machine for us alone. _LOCAL_PID is that of another
 * one on this machine: lib/machine.h counts its processor time as ours.
 */
#ifndef DEWPOND_BENCH_TARGET_H
#define DEWPOND_BENCH_TARGET_H

#include <dewpond.h>
#include <string>

namespace bench {

enum class Way { unix_socket, tcp };

struct Target {
    std::string socket, host, user, password, database;
    unsigned port = 0;
    int pid = 0; /* 0: elsewhere, or not for us alone */
    unsigned connections = 0; /* 0: not known */
    bool has(Way way) const;
    /* False, and said aloud, if it does not take so many connections. */
    bool takes(unsigned sessions, const std::string &row) const;
};

const Target &target();
/* Ends the program with a sentence if no server was named. */
void need_target();

/* A plain connection with the client library alone; ends the program if there
 * is none. */
MYSQL *connect_plainly(Way way);
/* One statement and its rows; ends the program if it fails. */
void ask(MYSQL *mysql);
extern const char *const question;
/* dewpond's own question behind a reset, and its answer; ends the program if
 * that is not the right one. */
void prove(MYSQL *mysql);

/* While it lives, the calling thread, those that it starts and the server are
 * on one CPU. Only where the server's pid is known. */
class OneCpu
{
public:
    OneCpu();
    ~OneCpu();
    OneCpu(const OneCpu &) = delete;
    OneCpu &operator=(const OneCpu &) = delete;
};

/* The same place for a pool. */
dew_config target_config(Way way, unsigned sessions);

} // namespace bench

#endif
