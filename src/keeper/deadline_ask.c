/* SPDX-License-Identifier: MIT */
/* What a server is asked for a deadline: to stop a query, and whether it did. */
#include "base/clock.h"
#include "base/log.h"
#include "keeper/deadline_inside.h"
#include "keeper/pool.h"
#include "session/session.h"

static const struct settings *
login_of(const struct deadline *deadline)
{
    return deadline->snapshot != NULL ? deadline->snapshot->settings
                                      : deadline->settings;
}

static struct io_limit
limit_of(const struct settings *settings)
{
    return (struct io_limit){
        clock_deadline_after_ms(settings->ping_timeout_ms), -1};
}

bool
deadline_kill(const struct deadline *deadline, dew_error *error)
{
    const struct settings *const settings = login_of(deadline);
    const struct io_limit limit = limit_of(settings);

    return session_kill_query(settings, deadline->server_thread, &limit, error);
}

/* Only the server can tell, and if it does not, the query has not ended. */
enum session_progress
deadline_progress(const struct deadline *deadline)
{
    const struct settings *const settings = login_of(deadline);
    const struct io_limit limit = limit_of(settings);
    const enum session_progress progress =
        session_progress(settings, deadline->server_thread,
                         deadline->passes_ns, &limit);

    return progress == SESSION_UNSURE && deadline->unsure ? SESSION_GOES_ON
                                                          : progress;
}

static const char *
name_of(const struct settings *settings)
{
    const dew_pool *const pool = settings->owner;

    return pool != NULL ? pool->entry.name : settings->name;
}

void
deadline_tell_cut(const struct settings *settings, const dew_error *refusal)
{
    if (refusal != NULL) {
        log_line(settings, LOG_WARNING,
                 "%s: a query past its deadline could not be killed (%s): its "
                 "socket is cut",
                 name_of(settings), refusal->message);
    } else {
        log_line(settings, LOG_WARNING,
                 "%s: a query goes on although its KILL was confirmed: its "
                 "socket is cut",
                 name_of(settings));
    }
}
