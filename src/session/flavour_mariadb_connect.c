/* SPDX-License-Identifier: MIT */
/* Sets the options of MariaDB Connector/C and connects within a bound. */
#include "session/flavour.h"

#if FLAVOUR_MARIADB

#include <errno.h>

#include "base/settings.h"

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

/* What the user leaves to files and functions of his own is not known here. */
static bool
others_decide(const struct settings *settings)
{
    return settings->tls_mode == DEW_TLS_DEFAULT &&
           (settings->defaults_file != NULL ||
            settings->defaults_group != NULL || settings->on_options != NULL);
}

/* Whether somebody may have told the library to ask for TLS. */
static bool
may_be_told_tls(const struct settings *settings)
{
    return settings->tls_mode == DEW_TLS_REQUIRED ||
           settings->tls_mode == DEW_TLS_VERIFY || settings->tls_ca != NULL ||
           settings->tls_cert != NULL || settings->tls_key != NULL ||
           others_decide(settings);
}

/* What the handshake may become. By itself the library asks for TLS only where it
 * verifies by itself, too (from 3.4 on). */
static bool
may_be_tls(MYSQL *mysql, const struct settings *settings)
{
    return may_be_told_tls(settings) || flavour_verifies_server(mysql);
}

/* The two flags of TLS are the library's to set. CLIENT_SSL alone tells the server
 * that a handshake follows, and none does: both wait; and the other one does not
 * have anything checked. (Seen with 3.3 and 3.4.) */
uint64_t
session_client_flags(const struct settings *settings)
{
    uint64_t flags = CLIENT_ALLOWED_FLAGS;

    if (!may_be_told_tls(settings)) {
        flags &= ~(uint64_t)CLIENT_SSL;
    }
    if (settings->tls_mode != DEW_TLS_VERIFY && !others_decide(settings)) {
        flags &= ~(uint64_t)CLIENT_SSL_VERIFY_SERVER_CERT;
    }
    return flags;
}

bool
flavour_connect(MYSQL *mysql, const struct settings *settings,
                const struct io_limit *limit, enum flavour_cut *cut_by)
{
    struct flavour_bound bound;
    bool connected, fired;

    (void)flavour_bound_begin(mysql, limit, &bound);
    bound.connecting = true;
    bound.wants_tls = may_be_tls(mysql, settings);
    if (bound.wants_tls) {
        sigpipe_hold(&bound.sigpipe);
    }
    connected = mysql_real_connect(mysql, settings->host, settings->user,
                                   settings->password, settings->database,
                                   settings->port, settings->unix_socket,
                                   settings->client_flags) != NULL;
    fired = flavour_bound_end(mysql, &bound);
    *cut_by = !fired                 ? FLAVOUR_NOT_CUT
              : bound.unguarded != 0 ? FLAVOUR_UNGUARDED
              : bound.cancelled      ? FLAVOUR_CANCELLED
                                     : FLAVOUR_TIMED_OUT;
    errno = bound.unguarded;
    return connected && !fired;
}

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_mariadb_connect_is_chosen_by_the_preprocessor;
