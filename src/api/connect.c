/* SPDX-License-Identifier: MIT */
/* A connection without a pool, and the ping of a borrowed one. */
#include "api/config.h"
#include "api/guard.h"
#include "api/single.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/reclaim.h"
#include "core/loose.h"
#include "keeper/lease.h"
#include "keeper/rebirth.h"
#include "session/session.h"

dew_code
dew_connect(const dew_config *config, dew_conn *conn, dew_error *error)
{
    struct settings *settings = NULL;

    if (conn == NULL) {
        return guard_null(conn, "conn", error);
    }
    *conn = (dew_conn)DEW_CONN_INIT;
    const dew_code code = settings_make(&settings, config, error);
    return code != DEW_OK ? code : single_open(settings, conn, error);
}

/* What a loan's session is and which settings bind it. False: stale. */
static bool
find(const dew_conn *conn, struct session **session,
     const struct settings **settings)
{
    struct loose loose;

    if (conn->ticket == 0) {
        return false;
    }
    if (conn->pool == NULL) {
        const bool found = loose_find(conn->ticket, &loose);

        *session = found ? loose.session : NULL;
        *settings = found ? loose.settings : NULL;
        return found;
    }
    if (!pool_is_mine(conn->pool)) {
        return false;
    }
    reclaim_read_begin();
    struct slot *slot = pond_find(&conn->pool->pond, conn->ticket);
    if (slot == NULL) {
        tally_add(&conn->pool->pond.tallies.stale_returns);
    } else {
        *session = slot->session;
        *settings = conn->pool->settings;
    }
    reclaim_read_end();
    return slot != NULL;
}

dew_code
dew_ping(dew_conn *conn, dew_error *error)
{
    struct session *session = NULL;
    const struct settings *settings = NULL;
    enum session_flaw flaw = SESSION_SOUND;
    dew_error why = {.code = DEW_OK};

    if (conn == NULL) {
        return guard_null(conn, "conn", error);
    }
    const dew_code refused = guard_callback(conn->pool, error);
    if (refused != DEW_OK) {
        return refused;
    }
    if (!find(conn, &session, &settings)) {
        return error_set(error, DEW_ESTALE, DEW_STAGE_VALIDATE,
                         "this loan was returned before");
    }
    /* A buffer that grew is the return's business, not the ping's. */
    struct settings lenient = *settings;
    lenient.buffer_max_kb = SETTINGS_OFF;
    const struct io_limit limit = {
        clock_deadline_after_ms(settings->ping_timeout_ms), -1};
    const enum session_state state =
        session_probe(session, &lenient, &limit, &flaw, &why);
    const bool is_busy = flaw == SESSION_MID_RESULT || flaw == SESSION_UNREAD;
    if (conn->pool != NULL && !is_busy) {
        tally_add(&conn->pool->pond.tallies.pings);
    }
    if (state == SESSION_AT_REST) {
        return DEW_OK;
    }
    if (why.code == DEW_ESYSTEM) {
        return error_copy(error, &why); /* it was not asked */
    }
    if (is_busy) {
        return error_set(error, DEW_EQUERY, DEW_STAGE_VALIDATE,
                         "the session is not at rest (%s): read or free your "
                         "results before you ping",
                         session_flaw_name(flaw));
    }
    return error_set_mysql(error, DEW_ECONNECT, DEW_STAGE_VALIDATE,
                           why.mysql_errno, why.sqlstate,
                           "the session is not usable (%s): %.400s; discard "
                           "it and borrow another",
                           session_flaw_name(flaw), why.message);
}
