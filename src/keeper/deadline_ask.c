/* SPDX-License-Identifier: MIT */
/* What a server is asked for a deadline: to stop a query, and whether it did. */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/deadline_inside.h"
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
deadline_kill(const struct deadline *deadline)
{
    const struct settings *const settings = login_of(deadline);
    const struct io_limit limit = limit_of(settings);
    dew_error error = {.code = DEW_OK};

    if (session_kill_query(settings, deadline->server_thread, &limit, &error)) {
        return true;
    }
    log_line(settings, LOG_WARNING,
             "a query past its deadline could not be killed (%s): its "
             "socket is cut",
             error.message);
    (void)shutdown(deadline->socket, SHUT_RDWR);
    return false;
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

    if (progress == SESSION_MOVED_ON ||
        (progress == SESSION_UNSURE && !deadline->unsure)) {
        return progress;
    }
    log_line(settings, LOG_WARNING,
             "a query goes on although its KILL was confirmed: its socket is "
             "cut");
    return SESSION_GOES_ON;
}
