/* SPDX-License-Identifier: MIT */
/* The accessors of flavour.h for Oracle's libmysqlclient. */
/*
 * The connect runs through the library's own non-blocking calls, which are
 * repeated until they are done, with our poll of socket and canceller in
 * between. There is no way to wait for a TCP connect under way (the library
 * does not tell its socket until it stands), so that is looked at every
 * CONNECT_LOOK_MS; so is what the library may wait for besides reading.
 *
 * All later calls block (statements have no other kind). They are bounded by
 * the watchdog, which shuts the socket down; a canceller is not heard there.
 * The library writes without MSG_NOSIGNAL, so a bound always holds SIGPIPE.
 */
#define _GNU_SOURCE 1
#include "session/flavour.h"

#if !FLAVOUR_MARIADB

#include <errmsg.h>
#include <poll.h>

#include "base/clock.h"
#include "base/settings.h"
#include "session/session.h"

#define CONNECT_LOOK_MS 2
#define CONNECT_READ_MS 20

/* mysql_reset_connection_nonblocking came with 8.4. */
#define HAS_ASYNC_RESET (MYSQL_VERSION_ID >= 80400)

bool
flavour_has_transport(const MYSQL *mysql)
{
    return mysql->net.vio != NULL;
}

bool
flavour_is_dead(const MYSQL *mysql)
{
    return mysql->net.vio == NULL || mysql->net.error >= 2;
}

int
flavour_socket(const MYSQL *mysql)
{
    return flavour_has_transport(mysql) ? (int)mysql->net.fd : -1;
}

static bool
has_tls(const MYSQL *mysql)
{
    return mysql->net.vio != NULL &&
           mysql_get_ssl_cipher((MYSQL *)(uintptr_t)mysql) != NULL;
}

bool
flavour_is_wrapped(const MYSQL *mysql)
{
    return mysql->net.compress || has_tls(mysql);
}

enum flavour_known
flavour_unread_bytes(const MYSQL *mysql)
{
    if (mysql->net.vio == NULL) {
        return FLAVOUR_NONE;
    }
    /* What else it has read lies in a Vio, whose shape is private. */
    return mysql->net.remain_in_buf != 0 && mysql->net.compress
               ? FLAVOUR_SOME
               : FLAVOUR_UNKNOWN;
}

bool
flavour_reconnect_is_on(const MYSQL *mysql)
{
    return mysql->reconnect;
}

void
flavour_reconnect_off(MYSQL *mysql)
{
    /* Not by MYSQL_OPT_RECONNECT, which prints a warning to stderr. */
    mysql->reconnect = false;
}

void
flavour_local_infile_off(MYSQL *mysql)
{
    const unsigned int off = 0;

    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_options(mysql, MYSQL_OPT_LOAD_DATA_LOCAL_DIR, NULL);
    mysql_set_local_infile_default(mysql);
}

bool
flavour_has_init_command(const MYSQL *mysql)
{
    return mysql->options.init_commands != NULL;
}

/* ---- commands whose answer is read later ---- */

unsigned
flavour_can(void)
{
    return FLAVOUR_CAN_QUERY | (HAS_ASYNC_RESET ? FLAVOUR_CAN_RESET : 0u);
}

bool
flavour_send_simple(MYSQL *mysql, enum enum_server_command command,
                    const void *argument, size_t length)
{
    /* The methods of a handle are private: nothing to call. */
    (void)mysql;
    (void)command;
    (void)argument;
    (void)length;
    return false;
}

#if HAS_ASYNC_RESET
/* The command went out and nothing has come back: the packet counter stands
 * behind our one packet. It tells a reset that is answered within the first
 * call from one that is still to be read. */
static bool
is_unanswered(const MYSQL *mysql)
{
    return flavour_has_transport(mysql) && mysql->net.pkt_nr == 1;
}

bool
flavour_send_reset(MYSQL *mysql)
{
    return mysql_reset_connection_nonblocking(mysql) != NET_ASYNC_ERROR;
}

enum flavour_result
flavour_read_reset(MYSQL *mysql)
{
    if (flavour_is_dead(mysql)) {
        return FLAVOUR_FAILED;
    }
    if (!is_unanswered(mysql)) {
        return FLAVOUR_DONE;
    }
    switch (mysql_reset_connection_nonblocking(mysql)) {
    case NET_ASYNC_COMPLETE:
        return FLAVOUR_DONE;
    case NET_ASYNC_NOT_READY:
        return FLAVOUR_WAIT;
    case NET_ASYNC_ERROR:
    case NET_ASYNC_COMPLETE_NO_MORE_RESULTS:
        break;
    }
    return FLAVOUR_FAILED;
}
#else
bool
flavour_send_reset(MYSQL *mysql)
{
    (void)mysql;
    return false;
}

enum flavour_result
flavour_read_reset(MYSQL *mysql)
{
    (void)mysql;
    return FLAVOUR_FAILED;
}
#endif

bool
flavour_read_answer(MYSQL *mysql)
{
    return !mysql_read_query_result(mysql);
}

/* ---- bounds ---- */

bool
flavour_may_raise_sigpipe(const MYSQL *mysql)
{
    return flavour_has_transport(mysql);
}

bool
flavour_bound_begin(MYSQL *mysql, const struct io_limit *limit,
                    struct flavour_bound *bound)
{
    *bound = (struct flavour_bound){.mysql = mysql, .limit = limit};
    if (limit->deadline_ns != CLOCK_NEVER && flavour_has_transport(mysql)) {
        bound->armed = watchdog_arm(&bound->timer, flavour_socket(mysql),
                                    limit->deadline_ns);
        if (!bound->armed) {
            return false;
        }
    }
    sigpipe_hold(&bound->sigpipe);
    return true;
}

bool
flavour_bound_end(MYSQL *mysql, struct flavour_bound *bound)
{
    (void)mysql;
    if (bound->armed && watchdog_disarm(&bound->timer)) {
        bound->fired = true;
    }
    sigpipe_release(&bound->sigpipe);
    return bound->fired;
}

/* ---- opening ---- */

static void
set_tls(MYSQL *mysql, const struct settings *settings)
{
    static const unsigned int modes[] = {
        [DEW_TLS_OFF] = SSL_MODE_DISABLED,
        [DEW_TLS_REQUIRED] = SSL_MODE_REQUIRED,
        [DEW_TLS_VERIFY] = SSL_MODE_VERIFY_IDENTITY,
    };

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
        mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[settings->tls_mode]);
    }
}

void
flavour_set_options(MYSQL *mysql, const struct settings *settings)
{
    /* Without TLS, caching_sha2_password needs the key when the server's
     * cache is cold; else the first login after its restart is refused. */
    const bool fetch_key = true;

    mysql_options(mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &fetch_key);
    flavour_local_infile_off(mysql);
    set_tls(mysql, settings);
}

bool
flavour_verifies_server(MYSQL *mysql)
{
    unsigned int mode = 0;

    return mysql_get_option(mysql, MYSQL_OPT_SSL_MODE, &mode) == 0 &&
           mode == SSL_MODE_VERIFY_IDENTITY;
}

/* Waits until the connect can go on. False: cut, and why. */
static bool
wait_to_go_on(MYSQL *mysql, const struct io_limit *limit,
              enum flavour_cut *cut_by)
{
    const enum connect_stage stage =
        mysql_get_connect_nonblocking_stage(mysql);
    const bool knows_socket = stage >= CONNECT_STAGE_READ_GREETING;
    const int look_ms = knows_socket ? CONNECT_READ_MS : CONNECT_LOOK_MS;
    const int rest_ms = clock_poll_ms(limit->deadline_ns);
    struct pollfd polls[2] = {
        {.fd = limit->cancel_fd, .events = POLLIN},
        {.fd = knows_socket ? flavour_socket(mysql) : -1, .events = POLLIN},
    };

    (void)poll(polls, 2, rest_ms >= 0 && rest_ms < look_ms ? rest_ms : look_ms);
    *cut_by = polls[0].revents != 0                   ? FLAVOUR_CANCELLED
              : clock_poll_ms(limit->deadline_ns) == 0 ? FLAVOUR_TIMED_OUT
                                                       : FLAVOUR_NOT_CUT;
    return *cut_by == FLAVOUR_NOT_CUT;
}

/* Without the second flag a failed connect forgets the options. */
static unsigned long
connect_flags(const struct settings *settings)
{
    return (unsigned long)settings->client_flags | CLIENT_REMEMBER_OPTIONS;
}

/* A refusal that has come when the library first looks for it is lost: it
 * goes on (2013, writing to a server that has left) or gives up without a
 * reason (2000). Seen with 9.7: up to four in ten refused logins. */
static bool
may_have_lost_the_reason(MYSQL *mysql)
{
    return mysql_errno(mysql) == CR_UNKNOWN_ERROR ||
           mysql_errno(mysql) == CR_SERVER_LOST;
}

/* Once more, to hear the reason: the blocking connect does not lose it. The
 * server has just answered at once, so this does too; should it not, each
 * silent read ends by the rest of the limit in whole seconds. */
static bool
connect_to_hear_why(MYSQL *mysql, const struct settings *settings,
                    const struct io_limit *limit)
{
    const int rest_ms = clock_poll_ms(limit->deadline_ns);
    const unsigned int seconds = (unsigned int)(rest_ms / 1000) + 1;

    if (rest_ms >= 0) {
        mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    }
    return mysql_real_connect(mysql, settings->host, settings->user,
                              settings->password, settings->database,
                              settings->port, settings->unix_socket,
                              connect_flags(settings)) != NULL;
}

bool
flavour_connect(MYSQL *mysql, const struct settings *settings,
                const struct io_limit *limit, enum flavour_cut *cut_by)
{
    struct sigpipe_hold hold = {0};
    enum net_async_status status;
    bool connected;

    *cut_by = FLAVOUR_NOT_CUT;
    sigpipe_hold(&hold);
    do {
        status = mysql_real_connect_nonblocking(
            mysql, settings->host, settings->user, settings->password,
            settings->database, settings->port, settings->unix_socket,
            connect_flags(settings));
    } while (status == NET_ASYNC_NOT_READY &&
             wait_to_go_on(mysql, limit, cut_by));
    connected = status == NET_ASYNC_COMPLETE;
    if (status == NET_ASYNC_ERROR && may_have_lost_the_reason(mysql)) {
        connected = connect_to_hear_why(mysql, settings, limit);
    }
    sigpipe_release(&hold);
    return connected;
}

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_oracle_is_chosen_by_the_preprocessor;
