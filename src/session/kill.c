/* SPDX-License-Identifier: MIT */
/* KILL QUERY over a side session, until the server has said that it did. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "session/inside.h"

/* What a side session needs of the settings: how to get in, nothing else. */
static struct settings
side_settings(const struct settings *settings)
{
    struct settings side = *settings;

    side.database = NULL;
    side.init_sql = NULL;
    side.on_connect = NULL;
    return side;
}

static bool
say_kill(struct session *side, unsigned long server_thread,
         const struct io_limit *limit, dew_error *error)
{
    struct io_step step;
    char sql[64];

    const int length =
        snprintf(sql, sizeof(sql), "KILL QUERY %lu", server_thread);
    if (!io_step_begin(&step, side, limit)) {
        (void)error_system(error, DEW_STAGE_QUERY, errno,
                           "no timer for KILL QUERY could be started");
        return false;
    }
    const bool said =
        mysql_real_query(side->mysql, sql, (unsigned long)length) == 0;
    const bool cut = io_step_end(&step);
    if (!said || cut) {
        session_last_error(side, DEW_STAGE_QUERY, error);
    }
    return said && !cut;
}

bool
session_kill_query(const struct settings *settings, unsigned long server_thread,
                   const struct io_limit *limit, dew_error *error)
{
    const struct settings side = side_settings(settings);
    struct session *session = NULL;

    if (session_open(&session, &side, limit, error) != DEW_OK) {
        return false;
    }
    const bool killed = say_kill(session, server_thread, limit, error);
    const int fd =
        session_hang_up(session, killed ? SESSION_FAREWELL : SESSION_CUT);
    if (fd >= 0) {
        (void)close(fd);
    }
    return killed;
}
