/* SPDX-License-Identifier: MIT */
/* The accessors of flavour.h for MariaDB Connector/C. */
/*
 * Connector/C resolves, connects and shakes hands in one blocking call whose
 * timeouts are whole seconds and per read. Every wait of it, though, passes
 * the hook MARIADB_OPT_IO_WAIT, over TCP and unix sockets alike: ours polls
 * the socket and the canceller for what is left of our own limit.
 *
 * TLS reads from a blocking socket and would reach the hook only after the
 * socket's own timeout. So inside a bound the socket is non-blocking: then
 * OpenSSL asks to wait, and the library waits through the hook. While
 * connecting, the hook does so when the library waits for the greeting. If
 * the greeting is there at once, the handshake reads from a blocking socket:
 * over TCP the watchdog then keeps the deadline (a TCP connect always waits,
 * so the hook has seen the socket), and a canceller is heard when a read has
 * been silent for LIBRARY_TIMEOUT_S.
 *
 * What is left: TLS over a unix socket whose greeting is there at once, and a
 * unix socket whose backlog is full, which the library retries by itself.
 * Both end by LIBRARY_TIMEOUT_S and a pause of the same length when the other
 * side is silent; a dribbled TLS handshake over a unix socket has no end.
 */
#define _GNU_SOURCE 1
#include "session/flavour.h"

#if FLAVOUR_MARIADB

#include <errno.h>
#include <fcntl.h>
#include <ma_pvio.h>
#include <poll.h>

#include "base/clock.h"
#include "base/settings.h"
#include "session/session.h"

/* The innermost bound of this thread, for the hook. */
static _Thread_local struct flavour_bound *innermost;

bool
flavour_has_transport(const MYSQL *mysql)
{
    return mysql->net.pvio != NULL;
}

bool
flavour_is_dead(const MYSQL *mysql)
{
    return mysql->net.pvio == NULL || mysql->net.error >= 2;
}

int
flavour_socket(const MYSQL *mysql)
{
    /* The library's prototype lacks a const; it changes nothing. */
    return flavour_has_transport(mysql)
               ? (int)mysql_get_socket((MYSQL *)(uintptr_t)mysql)
               : -1;
}

static bool
has_tls(const MYSQL *mysql)
{
    return mysql->net.pvio != NULL && mysql->net.pvio->ctls != NULL;
}

bool
flavour_is_wrapped(const MYSQL *mysql)
{
    return mysql->net.compress || has_tls(mysql);
}

enum flavour_known
flavour_unread_bytes(const MYSQL *mysql)
{
    const MARIADB_PVIO *const pvio = mysql->net.pvio;

    if (pvio == NULL) {
        return FLAVOUR_NONE;
    }
    if (mysql->net.compress && mysql->net.remain_in_buf != 0) {
        return FLAVOUR_SOME;
    }
    if (pvio->cache != NULL && pvio->cache_pos != NULL &&
        pvio->cache_pos < pvio->cache + pvio->cache_size) {
        return FLAVOUR_SOME;
    }
    return FLAVOUR_NONE;
}

bool
flavour_reconnect_is_on(const MYSQL *mysql)
{
    return mysql->options.reconnect != 0;
}

void
flavour_reconnect_off(MYSQL *mysql)
{
    mysql->options.reconnect = 0;
}

void
flavour_local_infile_off(MYSQL *mysql)
{
    const unsigned int off = 0;

    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_set_local_infile_default(mysql);
}

bool
flavour_has_init_command(const MYSQL *mysql)
{
    return mysql->options.init_command != NULL;
}

/* ---- commands whose answer is read later ---- */

unsigned
flavour_can(void)
{
    return FLAVOUR_CAN_QUERY | FLAVOUR_CAN_RESET | FLAVOUR_CAN_SIMPLE |
           FLAVOUR_CAN_PIPELINE;
}

bool
flavour_send_simple(MYSQL *mysql, enum enum_server_command command,
                    const void *argument, size_t length)
{
    return mysql->methods->db_command(mysql, command, argument, length, 1,
                                      NULL) == 0;
}

bool
flavour_send_reset(MYSQL *mysql)
{
    return flavour_send_simple(mysql, COM_RESET_CONNECTION, NULL, 0);
}

enum flavour_result
flavour_read_reset(MYSQL *mysql)
{
    return flavour_read_answer(mysql) ? FLAVOUR_DONE : FLAVOUR_FAILED;
}

bool
flavour_read_answer(MYSQL *mysql)
{
    return mysql_read_query_result(mysql) == 0;
}

/* ---- bounds ---- */

/* The library's own timeout for one wait. For TLS it passes 5 ms, meant for
 * a socket that has waited already; ours has not. */
static int
library_timeout_ms(const struct flavour_bound *bound, bool is_read,
                   int timeout_ms)
{
    if (bound->connecting) {
        return -1;
    }
    if (has_tls(bound->mysql)) {
        const unsigned seconds = is_read ? bound->mysql->options.read_timeout
                                         : bound->mysql->options.write_timeout;
        return seconds == 0 || seconds > INT32_MAX / 1000
                   ? -1
                   : (int)seconds * 1000;
    }
    return timeout_ms > 0 ? timeout_ms : -1;
}

static void
make_non_blocking(struct flavour_bound *bound, int fd)
{
    const int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && (flags & O_NONBLOCK) == 0 &&
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) {
        bound->non_blocking = true;
    }
}

/* The hook sees a socket while connecting: what TLS needs (see above). */
static void
see_socket(struct flavour_bound *bound, int fd)
{
    make_non_blocking(bound, fd);
    if (!bound->wants_tls || bound->seen_fd == fd) {
        return;
    }
    if (bound->armed) {
        (void)watchdog_disarm(&bound->timer);
    }
    bound->seen_fd = fd;
    bound->armed =
        watchdog_arm(&bound->timer, fd, bound->limit->deadline_ns);
}

static int
cut(struct flavour_bound *bound)
{
    bound->fired = true;
    errno = ETIMEDOUT;
    return 0;
}

/* Waits for the socket, the limit and the canceller. As poll: 1 is ready. */
static int
wait_within(struct flavour_bound *bound, int fd, bool is_read, int timeout_ms)
{
    const int64_t by_library = clock_deadline_after_ms(timeout_ms);
    const int64_t deadline_ns = by_library < bound->limit->deadline_ns
                                    ? by_library
                                    : bound->limit->deadline_ns;
    struct pollfd polls[2] = {
        {.fd = fd, .events = is_read ? POLLIN : POLLOUT},
        {.fd = bound->limit->cancel_fd, .events = POLLIN},
    };

    for (;;) {
        const int rc = poll(polls, 2, clock_poll_ms(deadline_ns));
        if (rc > 0 && polls[1].revents != 0) {
            bound->cancelled = true;
            return cut(bound);
        }
        /* A server that dribbles is always ready: the limit counts first. */
        if (bound->limit->deadline_ns != CLOCK_NEVER &&
            clock_now_ns() >= bound->limit->deadline_ns) {
            return cut(bound);
        }
        if (rc != 0 && (rc > 0 || errno != EINTR)) {
            return rc;
        }
        if (rc == 0 && clock_now_ns() >= deadline_ns) {
            errno = ETIMEDOUT;
            return 0;
        }
    }
}

static int
io_wait(my_socket fd, my_bool is_read, int timeout_ms)
{
    struct flavour_bound *const bound = innermost;

    if (bound->connecting) {
        see_socket(bound, fd);
    }
    return wait_within(bound, fd, is_read != 0,
                       library_timeout_ms(bound, is_read != 0, timeout_ms));
}

static void
install(MYSQL *mysql, struct flavour_bound *bound)
{
    /* A program may have set a hook of its own (coroutines do). */
    mysql_get_optionv(mysql, MARIADB_OPT_IO_WAIT, (void *)&bound->users_hook);
    mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, io_wait);
    bound->outer = innermost;
    innermost = bound;
}

static void
uninstall(MYSQL *mysql, struct flavour_bound *bound)
{
    innermost = bound->outer;
    mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, bound->users_hook);
}

/* The library remembers the mode that it set itself: blocking. */
static void
make_blocking_again(const MYSQL *mysql, const struct flavour_bound *bound)
{
    const int fd = bound->non_blocking ? flavour_socket(mysql) : -1;
    const int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

    if (flags >= 0) {
        (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    }
}

bool
flavour_bound_begin(MYSQL *mysql, const struct io_limit *limit,
                    struct flavour_bound *bound)
{
    *bound = (struct flavour_bound){.mysql = mysql, .limit = limit};
    bound->seen_fd = -1;
    install(mysql, bound);
    if (has_tls(mysql)) {
        make_non_blocking(bound, flavour_socket(mysql));
        sigpipe_hold(&bound->sigpipe);
    }
    return true;
}

bool
flavour_bound_end(MYSQL *mysql, struct flavour_bound *bound)
{
    if (bound->armed && watchdog_disarm(&bound->timer)) {
        bound->fired = true;
    }
    make_blocking_again(mysql, bound);
    sigpipe_release(&bound->sigpipe);
    uninstall(mysql, bound);
    return bound->fired;
}

/* ---- opening ---- */

/* Ours alone bounds the connect, so the library's timeout is only what one
 * silent read of a blocking TLS handshake, or its own retries of a unix
 * socket whose backlog is full, may take. */
#define LIBRARY_TIMEOUT_S 1u

/* `off` is told as well: from 3.4 on the library asks for TLS by itself. */
static void
set_tls(MYSQL *mysql, const struct settings *settings)
{
    const my_bool enforce = settings->tls_mode != DEW_TLS_OFF;
    const my_bool verify = settings->tls_mode == DEW_TLS_VERIFY;

    if (settings->tls_ca != NULL) {
        mysql_options(mysql, MYSQL_OPT_SSL_CA, settings->tls_ca);
    }
    if (settings->tls_cert != NULL) {
        mysql_options(mysql, MYSQL_OPT_SSL_CERT, settings->tls_cert);
    }
    if (settings->tls_key != NULL) {
        mysql_options(mysql, MYSQL_OPT_SSL_KEY, settings->tls_key);
    }
    if (settings->tls_mode != DEW_TLS_DEFAULT) {
        mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &enforce);
        mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    }
}

void
flavour_set_options(MYSQL *mysql, const struct settings *settings)
{
    const unsigned int seconds = LIBRARY_TIMEOUT_S;

    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    flavour_local_infile_off(mysql);
    set_tls(mysql, settings);
}

bool
flavour_verifies_server(MYSQL *mysql)
{
    my_bool verifies = 0;

    return mysql_get_optionv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
                             &verifies) == 0 &&
           verifies != 0;
}

bool
flavour_connect(MYSQL *mysql, const struct settings *settings,
                const struct io_limit *limit, enum flavour_cut *cut_by)
{
    struct flavour_bound bound;
    bool connected, fired;

    (void)flavour_bound_begin(mysql, limit, &bound);
    bound.connecting = true;
    bound.wants_tls = settings->tls_mode != DEW_TLS_OFF;
    sigpipe_hold(&bound.sigpipe);
    connected = mysql_real_connect(mysql, settings->host, settings->user,
                                   settings->password, settings->database,
                                   settings->port, settings->unix_socket,
                                   settings->client_flags) != NULL;
    fired = flavour_bound_end(mysql, &bound);
    *cut_by = !fired            ? FLAVOUR_NOT_CUT
              : bound.cancelled ? FLAVOUR_CANCELLED
                                : FLAVOUR_TIMED_OUT;
    return connected && !fired;
}

bool
flavour_may_raise_sigpipe(const MYSQL *mysql)
{
    /* Connector/C sends with MSG_NOSIGNAL; OpenSSL writes without. */
    return has_tls(mysql);
}

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_mariadb_is_chosen_by_the_preprocessor;
