/* SPDX-License-Identifier: MIT */
/* KILL QUERY over a side session, and later the question whether it helped. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
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

/* *value, where it is wanted, is the first character of the answer's first row. */
static bool
say(struct session *side, const char *sql, int length,
    const struct io_limit *limit, char *value, dew_error *error)
{
    struct io_step step;
    MYSQL_RES *result = NULL;

    if (!io_step_begin(&step, side, limit)) {
        (void)error_system(error, DEW_STAGE_QUERY, errno,
                           "no timer for KILL QUERY could be started");
        return false;
    }
    const bool said =
        mysql_real_query(side->mysql, sql, (unsigned long)length) == 0;
    if (said && value != NULL) {
        result = mysql_store_result(side->mysql);
    }
    const MYSQL_ROW row = result != NULL ? mysql_fetch_row(result) : NULL;
    if (row != NULL && row[0] != NULL) {
        *value = row[0][0];
    }
    mysql_free_result(result);
    const bool cut = io_step_end(&step);
    if (!said || cut) {
        session_last_error(side, DEW_STAGE_QUERY, error);
    }
    return said && !cut;
}

static void
part(struct session *side, bool politely)
{
    const int fd =
        session_hang_up(side, politely ? SESSION_FAREWELL : SESSION_CUT);

    if (fd >= 0) {
        (void)close(fd);
    }
}

bool
session_kill_query(const struct settings *settings, unsigned long server_thread,
                   const struct io_limit *limit, dew_error *error)
{
    const struct settings login = side_settings(settings);
    struct session *side = NULL;
    char sql[64];

    if (session_open(&side, &login, limit, error) != DEW_OK) {
        return false;
    }
    const int length =
        snprintf(sql, sizeof(sql), "KILL QUERY %lu", server_thread);
    const bool killed = say(side, sql, length, limit, NULL, error);
    part(side, killed);
    return killed;
}

/* How long the thread has been at it, in ms: at least and less than. */
static const char *
age_sql(const struct session *side)
{
    return side->server.is_mariadb ? "TIME_MS AS least,TIME_MS AS most"
                                   : "TIME*1000 AS least,TIME*1000+1000 AS most";
}

enum session_progress
session_progress(const struct settings *settings, unsigned long server_thread,
                 int64_t since_ns, const struct io_limit *limit)
{
    const struct settings login = side_settings(settings);
    struct session *side = NULL;
    char sql[256], value = '0';

    if (session_open(&side, &login, limit, NULL) != DEW_OK) {
        return SESSION_GOES_ON;
    }
    const int64_t since_ms = (clock_now_ns() - since_ns) / CLOCK_NS_PER_MS;
    /* Without a statement there is no text of one. */
    const int length = snprintf(
        sql, sizeof(sql),
        "SELECT CASE WHEN INFO IS NULL OR most<%" PRId64
        " THEN 1 WHEN least>=%" PRId64 " THEN 0 ELSE 2 END FROM (SELECT "
        "INFO,%s FROM information_schema.PROCESSLIST WHERE ID=%lu) AS it",
        since_ms, since_ms, age_sql(side), server_thread);
    const bool told = say(side, sql, length, limit, &value, NULL);
    part(side, told);
    if (!told || value == '0') {
        return SESSION_GOES_ON;
    }
    return value == '1' ? SESSION_MOVED_ON : SESSION_UNSURE;
}
