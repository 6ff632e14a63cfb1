/* SPDX-License-Identifier: MIT */
/* Asks a session at rest whether it still answers, within a bound in ms. */
/*
 * Never mysql_ping: it has no bound, and it takes a stray earlier reply for
 * its own and says that all is well. The proof's question notices both.
 */
#include <errno.h>

#include "base/error.h"
#include "base/fault.h"
#include "session/parts.h"

static enum session_state
broken(const struct session *session, enum session_flaw why,
       enum session_flaw *flaw, dew_error *error)
{
    *flaw = why;
    if (why != SESSION_SILENT && mysql_errno(session->mysql) != 0) {
        session_last_error(session, DEW_STAGE_VALIDATE, error);
    } else {
        error_set(error, DEW_ECONNECT, DEW_STAGE_VALIDATE,
                  "the session did not stand the test: %s",
                  session_flaw_name(why));
    }
    return SESSION_BROKEN;
}

enum session_state
session_probe(struct session *session, const struct settings *settings,
              const struct io_limit *limit, enum session_flaw *flaw,
              dew_error *error)
{
    struct io_step step;
    struct proof proof;
    const enum look look = inspect_structure(session, settings, flaw);
    if (look == LOOK_FLAWED || look == LOOK_DRAINABLE) {
        return broken(session,
                      look == LOOK_FLAWED ? *flaw : SESSION_MID_RESULT, flaw,
                      error);
    }
    if (fault(FAULT_PING)) {
        return broken(session, SESSION_SILENT, flaw, error);
    }
    if (!io_step_begin(&step, session, limit)) {
        *flaw = SESSION_SILENT;
        error_system(error, DEW_STAGE_VALIDATE, errno,
                     "no timer for the probe could be started");
        return SESSION_BROKEN;
    }
    const bool sent = proof_send(session);
    const bool late =
        sent && limit->cancel_fd >= 0 && !proof_await(session, limit);
    const bool answered = sent && !late && proof_read(session, &proof);
    if (io_step_end(&step) || late) {
        return broken(session, SESSION_SILENT, flaw, error);
    }
    if (!answered) {
        return broken(session, inspect_failure(session, SESSION_STRAY), flaw,
                      error);
    }
    if (!proof_was_last(session)) {
        return broken(session, SESSION_STRAY, flaw, error);
    }
    *flaw = SESSION_SOUND;
    return SESSION_AT_REST;
}
