/* SPDX-License-Identifier: MIT */
/* Sets every option of a handle before it connects, and puts some back. */
#define _GNU_SOURCE 1
#include <limits.h>
#include <string.h>

#include "base/callback.h"
#include "base/error.h"
#include "base/log.h"
#include "session/inside.h"

/* The libraries count in whole seconds: rounded up, at least one. */
static unsigned int
whole_seconds(int64_t ms)
{
    const int64_t seconds = (ms + 999) / 1000;

    return seconds < 1         ? 1
           : seconds > INT_MAX ? (unsigned int)INT_MAX
                               : (unsigned int)seconds;
}

/* SETTINGS_OFF leaves the library's default: no timeout. */
static void
set_timeout(MYSQL *mysql, enum mysql_option option, int64_t ms)
{
    const unsigned int seconds = whole_seconds(ms);

    if (ms != SETTINGS_OFF) {
        mysql_options(mysql, option, &seconds);
    }
}

static void
set_names(MYSQL *mysql, const struct settings *settings)
{
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, settings->charset);
    mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name",
                   "dewpond");
    mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "dewpond_pool",
                   settings->name);
}

static void
set_defaults_file(MYSQL *mysql, const struct settings *settings)
{
    if (settings->defaults_file != NULL) {
        mysql_options(mysql, MYSQL_READ_DEFAULT_FILE,
                      settings->defaults_file);
    }
    if (settings->defaults_group != NULL) {
        mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP,
                      settings->defaults_group);
    }
}

bool
session_set_options(MYSQL *mysql, const struct settings *settings,
                    dew_error *error)
{
    struct callback frame;
    int refused;

    set_timeout(mysql, MYSQL_OPT_CONNECT_TIMEOUT,
                settings->connect_timeout_ms);
    set_timeout(mysql, MYSQL_OPT_READ_TIMEOUT, settings->read_timeout_ms);
    set_timeout(mysql, MYSQL_OPT_WRITE_TIMEOUT, settings->write_timeout_ms);
    set_names(mysql, settings);
    set_defaults_file(mysql, settings);
    flavour_set_options(mysql, settings);
    if (settings->on_options == NULL) {
        return true;
    }
    callback_enter(&frame, settings->owner, CALLBACK_INSIDE);
    refused = settings->on_options(mysql, settings->on_options_arg);
    callback_leave(&frame);
    if (refused != 0) {
        error_set(error, DEW_ECONNECT, DEW_STAGE_CONNECT,
                  "on_options refused the session (it returned %d)", refused);
        return false;
    }
    return true;
}

void
session_options_restore(struct session *session)
{
    flavour_local_infile_off(session->mysql);
    flavour_reconnect_off(session->mysql);
}

dew_code
session_options_overrule(struct session *session,
                         const struct settings *settings, dew_error *error)
{
    MYSQL *const mysql = session->mysql;
    const bool must_be_tls = settings->tls_mode == DEW_TLS_REQUIRED ||
                             settings->tls_mode == DEW_TLS_VERIFY;

    session_options_restore(session);
    if (must_be_tls && mysql_get_ssl_cipher(mysql) == NULL) {
        return error_set(error, DEW_ECONNECT, DEW_STAGE_CONNECT,
                         "TLS is required, but the session has none");
    }
    if (settings->tls_mode == DEW_TLS_VERIFY &&
        !flavour_verifies_server(mysql)) {
        return error_set(error, DEW_ECONNECT, DEW_STAGE_CONNECT,
                         "the server's certificate was not verified");
    }
    if (flavour_has_init_command(mysql)) {
        log_line(settings, LOG_WARNING,
                 "an init_command of the client library is not run again "
                 "after a reset: use init_sql");
    }
    return DEW_OK;
}
