/* SPDX-License-Identifier: MIT */
/* Sets the options of Oracle's libmysqlclient and connects within a limit. */
/*
 * The connect runs through the library's own non-blocking calls, which are
 * repeated until they are done, with our poll of socket and canceller in
 * between. There is no way to wait for a TCP connect under way (the library
 * does not tell its socket until it stands), so that is looked at every
 * CONNECT_LOOK_MS; so is what the library may wait for besides reading.
 */
#define _GNU_SOURCE 1
#include "session/flavour.h"

#if !FLAVOUR_MARIADB

#include <errmsg.h>

#include "base/clock.h"
#include "base/poll.h"
#include "base/settings.h"
#include "session/session.h"

#define CONNECT_LOOK_MS 2
#define CONNECT_READ_MS 20

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
    const int64_t look_ns = clock_deadline_after_ms(look_ms);
    struct pollfd polls[2] = {
        {.fd = limit->cancel_fd, .events = POLLIN},
        {.fd = knows_socket ? flavour_socket(mysql) : -1, .events = POLLIN},
    };

    (void)poll_until(
        polls, 2, look_ns < limit->deadline_ns ? look_ns : limit->deadline_ns);
    *cut_by = polls[0].revents != 0                   ? FLAVOUR_CANCELLED
              : clock_poll_ms(limit->deadline_ns) == 0 ? FLAVOUR_TIMED_OUT
                                                       : FLAVOUR_NOT_CUT;
    return *cut_by == FLAVOUR_NOT_CUT;
}

/* CLIENT_SSL tells the server that a handshake follows, and none does where it is
 * off: both wait. */
uint64_t
session_client_flags(const struct settings *settings)
{
    const uint64_t flags = CLIENT_ALL_FLAGS;

    return settings->tls_mode == DEW_TLS_OFF ? flags & ~(uint64_t)CLIENT_SSL
                                             : flags;
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
typedef int flavour_oracle_connect_is_chosen_by_the_preprocessor;
