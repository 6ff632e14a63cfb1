/* SPDX-License-Identifier: MIT */
/* The places where the two client libraries differ, under one name each. */
/*
 * The files flavour_mariadb*.c (Connector/C) and flavour_oracle*.c
 * (libmysqlclient) implement these; the header that is compiled against
 * chooses. Nothing here makes a system call unless it says so.
 */
#ifndef DEWPOND_SESSION_FLAVOUR_H
#define DEWPOND_SESSION_FLAVOUR_H

#include <mysql.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/inner.h"
#include "base/watchdog.h"
#include "session/sigpipe.h"

#if defined(MARIADB_BASE_VERSION) || defined(MARIADB_PACKAGE_VERSION_ID)
#define FLAVOUR_MARIADB 1
#define FLAVOUR_MORE_RESULTS SERVER_MORE_RESULTS_EXIST
#else
#define FLAVOUR_MARIADB 0
#define FLAVOUR_MORE_RESULTS SERVER_MORE_RESULTS_EXISTS
#endif

struct settings;
struct io_limit;

/* ---- what the handle looks like ---- */

/* The socket, or -1 without a transport. */
int flavour_socket(const MYSQL *mysql);
/* The session is encrypted. */
bool flavour_has_tls(const MYSQL *mysql);
/* TLS or compression: bytes on the socket are not packets. */
bool flavour_is_wrapped(const MYSQL *mysql);

/* Lets go of the statements that are open on this handle: they keep existing for
 * their owner, whose close is then safe and sends nothing. */
void flavour_detach_statements(MYSQL *mysql);

/* Reconnect: whether it is on, and off for good. */
bool flavour_reconnect_is_on(const MYSQL *mysql);
void flavour_reconnect_off(MYSQL *mysql);

/* The handler of LOCAL INFILE that a handle has by default: learnt once, before
 * any session. */
typedef int flavour_infile(void **, const char *, void *);
extern flavour_infile *flavour_default_infile INNER;

/* ---- commands whose answer is read later ---- */

/* What this build can send without waiting for the answer. */
enum flavour_can {
    FLAVOUR_CAN_QUERY = 1u << 0,  /* mysql_send_query: both */
    FLAVOUR_CAN_RESET = 1u << 1,  /* MariaDB; Oracle from 8.4 */
    FLAVOUR_CAN_SIMPLE = 1u << 2, /* any command byte: MariaDB */
    /* Several at once, answers read in order. */
    FLAVOUR_CAN_PIPELINE = 1u << 3,
};
unsigned flavour_can(void);

enum flavour_result { FLAVOUR_DONE, FLAVOUR_WAIT, FLAVOUR_FAILED };

/* Sends COM_RESET_CONNECTION. The answer: flavour_read_reset. FAILED also
 * where flavour_can says no. */
bool flavour_send_reset(MYSQL *mysql);
/* Reads its answer. MariaDB: blocks (use an io_step unless the packet is
 * there). Oracle: never blocks, WAIT until the answer came: poll and again. */
enum flavour_result flavour_read_reset(MYSQL *mysql);
/* The library has read the reset's answer already, while it was sending: then
 * nothing of it is on the socket any more. Never true on MariaDB. */
bool flavour_has_answer(const MYSQL *mysql);
/* Sends any other command with one OK (or EOF) as its answer. MariaDB only. */
bool flavour_send_simple(MYSQL *mysql, enum enum_server_command command,
                         const void *argument, size_t length);
/* Sends a query; the answer: flavour_read_answer, then its results. */
bool flavour_send_query(MYSQL *mysql, const char *sql, size_t length);
/* Reads the next answer of the pipeline (mysql_read_query_result): blocks.
 * True: an OK, or a result set that mysql_field_count announces. */
bool flavour_read_answer(MYSQL *mysql);
/* How many packets lie on a plain socket, once there is something; reads
 * nothing, and blocks like a read. For a library that takes up what is there and
 * does not tell how much (FLAVOUR_UNKNOWN). 0: not to be told, as on MariaDB. */
unsigned flavour_packets_there(const MYSQL *mysql);

/* ---- opening ---- */

/* TLS, LOCAL INFILE off, keys, the connect timeout: where options differ. */
void flavour_set_options(MYSQL *mysql, const struct settings *settings);
/* LOCAL INFILE off and its default handlers back. */
void flavour_local_infile_off(MYSQL *mysql);
/* Whether the handle, as configured in the end, checks the server's name. */
bool flavour_verifies_server(MYSQL *mysql);
/* Whether MYSQL_INIT_COMMAND was set (by on_options or a defaults file). */
bool flavour_has_init_command(const MYSQL *mysql);

enum flavour_cut {
    FLAVOUR_NOT_CUT,
    FLAVOUR_TIMED_OUT,
    FLAVOUR_CANCELLED,
    FLAVOUR_UNGUARDED, /* no descriptor or thread for its timer: see errno */
};

/* mysql_real_connect within the limit. False: see mysql_errno and *cut_by. */
bool flavour_connect(MYSQL *mysql, const struct settings *settings,
                     const struct io_limit *limit, enum flavour_cut *cut_by);

/* ---- parting ---- */

/* What is known of the session. */
enum flavour_parting {
    FLAVOUR_CUT = 1u << 0,       /* it was open, its socket is shut down */
    FLAVOUR_PLAIN = 1u << 1,     /* neither TLS nor compression */
    FLAVOUR_RESET_DUE = 1u << 2, /* a reset's answer is still to be read */
};
/* Says COM_QUIT, unless it was cut, and frees the handle: mysql_close. After
 * that a duplicate of the socket shows when the server closes its end; not so
 * with Oracle's library where it is not plain: it shuts the socket down. */
void flavour_part(MYSQL *mysql, unsigned how);

/* ---- bounds around blocking calls (use io_step) ---- */

/* Whether writing to a dead socket may raise SIGPIPE in this session. */
bool flavour_may_raise_sigpipe(const MYSQL *mysql);

/* One bound; lives in the caller's frame, never moves. */
struct flavour_bound {
    MYSQL *mysql;
    const struct io_limit *limit;
    struct flavour_bound *outer; /* of this thread: callbacks may nest */
    struct watchdog_timer timer;
    struct sigpipe_hold sigpipe;
    int (*users_hook)(int fd, char is_read, int timeout_ms);
    int seen_fd; /* while connecting: the socket that the timer guards */
    bool armed;  /* the timer runs */
    bool connecting, wants_tls, non_blocking;
    bool fired, cancelled;
    int unguarded; /* while connecting: why the timer could not be armed */
};
/* False, and errno: it could not be armed. */
bool flavour_bound_begin(MYSQL *mysql, const struct io_limit *limit,
                         struct flavour_bound *bound);
/* True when it was cut by the limit or the canceller. */
bool flavour_bound_end(MYSQL *mysql, struct flavour_bound *bound);

#include "session/flavour_look.h"

#endif
