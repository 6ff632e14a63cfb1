/* SPDX-License-Identifier: MIT */
/* Steps that opening a session and cleaning it share, each within a bound. */
#define _GNU_SOURCE 1
#include <string.h>

#include "base/callback.h"
#include "base/error.h"
#include "base/fault.h"
#include "session/inside.h"

#define ER_UNKNOWN_COM 1047u

bool
io_step_begin(struct io_step *step, struct session *session,
              const struct io_limit *limit)
{
    step->session = session;
    return flavour_bound_begin(session->mysql, limit, &step->bound);
}

bool
io_step_end(struct io_step *step)
{
    return flavour_bound_end(step->session->mysql, &step->bound);
}

static bool
is_at_rest(const MYSQL *mysql)
{
    return !flavour_is_dead(mysql) && mysql->status == MYSQL_STATUS_READY &&
           !flavour_more_results(mysql);
}

bool
session_run_init_sql(struct session *session, const struct settings *settings,
                     dew_stage stage, dew_error *error)
{
    if (settings->init_sql == NULL ||
        (mysql_real_query(session->mysql, settings->init_sql,
                          (unsigned long)strlen(settings->init_sql)) == 0 &&
         session_drain_results(session))) {
        return true;
    }
    if (mysql_errno(session->mysql) != 0) {
        session_last_error(session, stage, error);
    } else {
        error_set(error, DEW_ECONNECT, stage,
                  "init_sql returned more than it may (%d rows)",
                  SESSION_DRAIN_ROWS);
    }
    return false;
}

bool
session_run_on_connect(struct session *session,
                       const struct settings *settings, dew_stage stage,
                       dew_error *error)
{
    struct callback frame;
    int refused;

    if (settings->on_connect == NULL) {
        return true;
    }
    callback_enter(&frame, settings->owner, CALLBACK_INSIDE);
    refused =
        settings->on_connect(session->mysql, settings->on_connect_arg);
    callback_leave(&frame);
    if (refused != 0) {
        error_set_mysql(error, DEW_ECONNECT, stage,
                        mysql_errno(session->mysql),
                        mysql_sqlstate(session->mysql),
                        "on_connect refused the session (it returned %d)",
                        refused);
        return false;
    }
    if (!is_at_rest(session->mysql)) {
        error_set(error, DEW_ECONNECT, stage,
                  "on_connect left the session dead or a result unread");
        return false;
    }
    return true;
}

/* What the reset does to the handle where the server does not know it: the
 * same, and the database of the connect. The login is the handle's own: the
 * caller's settings may be older than it, or leave it to a defaults file. */
static bool
change_user(struct session *session)
{
    MYSQL *const mysql = session->mysql;

    return mysql_change_user(mysql, mysql->user, mysql->passwd,
                             session->database) == 0;
}

bool
session_reset_now(struct session *session)
{
    if (fault(FAULT_RESET)) {
        return false;
    }
    if (!session->no_reset_command) {
        if (mysql_reset_connection(session->mysql) == 0) {
            return true;
        }
        session->no_reset_command =
            mysql_errno(session->mysql) == ER_UNKNOWN_COM;
    }
    return session->no_reset_command && change_user(session);
}
