/* SPDX-License-Identifier: MIT */
/* Bounds blocking calls of MariaDB Connector/C by its I/O wait hook. */
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
 * been silent for LIBRARY_TIMEOUT_S (flavour_mariadb_connect.c).
 *
 * A connection that cannot become TLS needs none of this: its reads and writes
 * never block (MSG_DONTWAIT), so every wait of it passes the hook.
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

#include "base/clock.h"
#include "base/poll.h"
#include "session/session.h"

/* The innermost bound of this thread, for the hook. */
static _Thread_local struct flavour_bound *innermost;

bool
flavour_may_raise_sigpipe(const MYSQL *mysql)
{
    /* Connector/C sends with MSG_NOSIGNAL; OpenSSL writes without. */
    return flavour_has_tls(mysql);
}

/* The library's own timeout for one wait. For TLS it passes 5 ms, meant for
 * a socket that has waited already; ours has not. */
static int
library_timeout_ms(const struct flavour_bound *bound, bool is_read,
                   int timeout_ms)
{
    if (bound->connecting) {
        return -1;
    }
    if (flavour_has_tls(bound->mysql)) {
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

/* The hook sees a socket while connecting: what TLS needs (see above). False:
 * nothing would end the handshake, so it must not begin. */
static bool
see_socket(struct flavour_bound *bound, int fd)
{
    if (!bound->wants_tls) {
        return true;
    }
    make_non_blocking(bound, fd);
    if (bound->seen_fd == fd) {
        return true;
    }
    if (bound->armed) {
        (void)watchdog_disarm(&bound->timer);
    }
    bound->seen_fd = fd;
    bound->armed =
        watchdog_arm(&bound->timer, fd, bound->limit->deadline_ns);
    if (!bound->armed) {
        bound->unguarded = errno;
    }
    return bound->armed;
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

    const int ready = poll_until(polls, 2, deadline_ns);

    if (polls[1].revents != 0) {
        bound->cancelled = true;
        return cut(bound);
    }
    /* A server that dribbles is always ready: the limit counts first. */
    if (bound->limit->deadline_ns != CLOCK_NEVER &&
        clock_now_ns() >= bound->limit->deadline_ns) {
        return cut(bound);
    }
    if (ready == 0) {
        errno = ETIMEDOUT;
    }
    return ready;
}

static int
io_wait(my_socket fd, my_bool is_read, int timeout_ms)
{
    struct flavour_bound *const bound = innermost;

    if (bound->connecting && !see_socket(bound, fd)) {
        return cut(bound);
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
    if (flavour_has_tls(mysql)) {
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

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_mariadb_bound_is_chosen_by_the_preprocessor;
