/* SPDX-License-Identifier: MIT */
/* A connection without a pool: how it begins and ends. */
#include "api/single.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/watchdog.h"
#include "core/loose.h"
#include "keeper/deadline.h"
#include "keeper/rebirth.h"
#include "session/session.h"

/* A KILL that is on its way is confirmed by then, or it meets nobody. */
#define KILL_LIMIT_MS 20

static void
connection_ends(struct settings *settings)
{
    settings_free(settings);
    deadline_unuse();
    watchdog_unuse();
}

/* Hangs up what could not be lent; takes both over. */
static dew_code
no_room(const struct loose *loose, dew_error *error)
{
    const int fd = session_hang_up(loose->session, SESSION_FAREWELL);

    if (fd >= 0) {
        (void)close(fd);
    }
    connection_ends(loose->settings);
    return error_no_memory(error, DEW_STAGE_CONNECT,
                           "one more connection without a pool, or 65536 of "
                           "them are open: release some");
}

dew_code
single_open(struct settings *settings, dew_conn *conn, dew_error *error)
{
    const struct io_limit limit = {
        clock_deadline_after_ms(settings->connect_timeout_ms), -1};
    struct loose loose = {NULL, settings, NULL};
    dew_code code = DEW_OK;

    if (!rebirth_init()) {
        settings_free(settings);
        return error_no_memory(error, DEW_STAGE_CONNECT, "fork handlers");
    }
    code = session_library_init(error);
    watchdog_use();
    deadline_use();
    if (code == DEW_OK) {
        code = session_open(&loose.session, settings, &limit, error);
    }
    if (code != DEW_OK) {
        connection_ends(settings);
        return code;
    }
    const uint64_t ticket = loose_lend(&loose);
    if (ticket == 0) {
        return no_room(&loose, error);
    }
    *conn = (dew_conn){session_handle(loose.session), NULL, ticket};
    return DEW_OK;
}

dew_code
single_hang_up(uint64_t ticket)
{
    struct loose loose;

    if (!loose_claim(ticket, &loose)) {
        return DEW_ESTALE;
    }
    (void)deadline_end(loose.deadline, KILL_LIMIT_MS);
    deadline_forget(loose.settings);
    const int fd = session_hang_up(loose.session, SESSION_FAREWELL);
    if (fd >= 0) {
        (void)close(fd);
    }
    connection_ends(loose.settings);
    return DEW_OK;
}

MYSQL *
single_detach(uint64_t ticket)
{
    struct loose loose;

    if (!loose_claim(ticket, &loose)) {
        return NULL;
    }
    (void)deadline_end(loose.deadline, KILL_LIMIT_MS);
    deadline_forget(loose.settings);
    connection_ends(loose.settings);
    return session_detach(loose.session);
}
