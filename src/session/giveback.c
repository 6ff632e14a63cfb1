/* SPDX-License-Identifier: MIT */
/* Takes a session back from its borrower: looks, drains, sends the clean-up. */
/*
 * SENT AHEAD. What a clean-up needs is sent in one go (flavour_gather.h: one
 * system call, and the server is woken once), and its answers are read at the
 * session's next touch (settle.c): in this order the reset, the database where
 * it matters, what else a reset forgets on this server, the proof, init_sql.
 * The database: where the handle says that it was changed, and before init_sql,
 * which must not run in another one; so where it was changed init_sql waits
 * until the way back is known to have worked.
 *
 * NOT SENT AHEAD: COM_CHANGE_USER for servers that know no reset, and client
 * libraries that cannot send a reset without waiting. There the return pays
 * the round trips itself, so that an idle session never keeps its locks.
 */
#include <string.h>

#include "base/fault.h"
#include "base/mutant.h"
#include "base/log.h"
#include "session/flavour_gather.h"
#include "session/parts.h"

/* Explicit, because the borrower may have set completion_type. */
#define ROLLBACK_SQL "ROLLBACK AND NO CHAIN NO RELEASE"

/* What the handle knows of USE; the proof has the last word. */
static bool
database_seems_ours(const struct session *session)
{
    const char *const now = session->mysql->db;
    return now == NULL || session->database == NULL
               ? now == session->database
               : strcmp(now, session->database) == 0;
}

static bool
send_query(struct session *session, const char *sql,
           enum session_answer answer)
{
    if (!flavour_send_query(session->mysql, sql, strlen(sql))) {
        return false;
    }
    session->expected |= (uint32_t)answer;
    return true;
}

static bool
send_database(struct session *session)
{
    if (session->database == NULL) {
        return true; /* no command leads back to none: the proof decides */
    }
    if (!flavour_send_simple(session->mysql, COM_INIT_DB, session->database,
                             strlen(session->database))) {
        return false;
    }
    session->expected |= ANSWER_DATABASE;
    return true;
}

static bool
send_behind_reset(struct session *session, const struct settings *settings)
{
    const bool ours = database_seems_ours(session);
    const bool init_ahead = ours && settings->init_sql != NULL;
    if ((!ours || init_ahead) && !send_database(session)) {
        return false;
    }
    if (session->repair_sql != NULL &&
        !send_query(session, session->repair_sql, ANSWER_REPAIR)) {
        return false;
    }
    return proof_send_behind_reset(session) &&
           (!init_ahead ||
            send_query(session, settings->init_sql, ANSWER_INIT_SQL));
}

static bool
send_reset(struct session *session, const struct settings *settings)
{
    if (!flavour_send_reset(session->mysql)) {
        return false;
    }
    session->expected = ANSWER_RESET;
    return (flavour_can() & FLAVOUR_CAN_PIPELINE) == 0 ||
           send_behind_reset(session, settings);
}

static bool
send_rollback(struct session *session)
{
    if (MUTANT(38) && (session->mysql->server_status & SERVER_STATUS_IN_TRANS) == 0) { return proof_send(session); }
    return send_query(session, ROLLBACK_SQL, ANSWER_ROLLBACK) &&
           ((flavour_can() & FLAVOUR_CAN_PIPELINE) == 0 ||
            proof_send(session));
}

static bool
send_by_policy(struct session *session, const struct settings *settings)
{
    switch (settings->reset) {
    case DEW_RESET_ROLLBACK: return send_rollback(session);
    case DEW_RESET_NEVER: return proof_send(session);
    case DEW_RESET_AUTO:
    case DEW_RESET_ALWAYS:
    default: return send_reset(session, settings);
    }
}

/* Nothing here waits: inspect_socket saw room, and all of it is small, init_sql
 * apart. */
static enum session_state
send_ahead(struct session *session, const struct settings *settings,
           enum session_flaw *flaw)
{
    struct sigpipe_hold hold = {.held = false};
    struct flavour_gather gather;
    if (flavour_may_raise_sigpipe(session->mysql)) {
        sigpipe_hold(&hold);
    }
    flavour_gather_begin(session->mysql, &gather);
    const bool sent = flavour_gather_end(
        &gather, send_by_policy(session, settings));
    sigpipe_release(&hold);
    if (!sent || fault(FAULT_RESET)) {
        *flaw = inspect_failure(session, SESSION_RESET_REFUSED);
        return SESSION_BROKEN;
    }
    return SESSION_PENDING;
}

static bool
resets(const struct settings *settings)
{
    return settings->reset == DEW_RESET_AUTO ||
           settings->reset == DEW_RESET_ALWAYS;
}

/* A library may read an answer that comes while it is still sending. */
static bool
was_refused_at_once(const struct session *session, enum session_state state)
{
    return state == SESSION_BROKEN && session->expected == 0 &&
           mysql_errno(session->mysql) == ERRNO_UNKNOWN_COMMAND;
}

static void
tell_waiting(struct session *session, const struct settings *settings)
{
    if (!session->told_waiting) {
        session->told_waiting = true;
        log_line(settings, LOG_INFO,
                 "session %lu: its returns wait for the clean-up (%s)",
                 session->thread_id,
                 session->no_reset_command
                     ? "the server does not know COM_RESET_CONNECTION"
                     : "this client library cannot send one ahead");
    }
}

static enum session_state
clean(struct session *session, const struct settings *settings,
      const struct io_limit *limit, enum session_flaw *flaw)
{
    if (!resets(settings)) {
        return send_ahead(session, settings, flaw);
    }
    flavour_detach_statements(session->mysql);
    if (!session->no_reset_command &&
        (flavour_can() & FLAVOUR_CAN_RESET) != 0) {
        const enum session_state state = send_ahead(session, settings, flaw);
        session->no_reset_command = was_refused_at_once(session, state);
        if (!session->no_reset_command) {
            return state;
        }
    }
    tell_waiting(session, settings);
    return settle_from_scratch(session, settings, limit, flaw);
}

/* The look at a loan that used the wire; drains what may be drained. */
static enum look
look_at_touched(struct session *session, const struct settings *settings,
                const struct io_limit *limit, enum session_flaw *flaw)
{
    enum look look = inspect_structure(session, settings, flaw);
    if (look == LOOK_DRAINABLE) {
        if (MUTANT(39)) { return LOOK_QUIET; }
        if (!drain_leftovers(session, limit, flaw)) {
            return LOOK_FLAWED;
        }
        look = inspect_structure(session, settings, flaw);
    }
    if (look == LOOK_DRAINABLE) {
        *flaw = SESSION_MID_RESULT;
        return LOOK_FLAWED;
    }
    if (look == LOOK_FLAWED) {
        return look;
    }
    const enum look socket = inspect_socket(session, flaw);
    return socket == LOOK_QUIET ? look : socket;
}

void
session_cut_off(struct session *session)
{
    flavour_detach_statements(session->mysql);
}

static enum session_state
give_up(struct session *session)
{
    session_cut_off(session);
    return SESSION_BROKEN;
}

static enum session_state
give_back_untouched(struct session *session)
{
    /* A statement that was only initialised: the server knows nothing of
     * it, and its owner's late prepare must not reach the next borrower. */
    flavour_detach_statements(session->mysql);
    session_options_restore(session);
    return SESSION_AT_REST;
}

enum session_state
session_give_back(struct session *session, const struct settings *settings,
                  const struct io_limit *limit, enum session_flaw *flaw)
{
    *flaw = SESSION_SOUND;
    session->expected = 0;
    session->sent = session->refused_write = session->stands = false;
    if (inspect_untouched(session) && settings->reset != DEW_RESET_ALWAYS) {
        return give_back_untouched(session);
    }
    const enum look look = look_at_touched(session, settings, limit, flaw);
    if (look == LOOK_FLAWED) {
        return give_up(session);
    }
    if (!resets(settings) && flavour_has_statements(session->mysql)) {
        *flaw = SESSION_STATEMENTS;
        return give_up(session);
    }
    session_options_restore(session);
    session->refused_write =
        session_errno_is_of_role(mysql_errno(session->mysql));
    if (settings->reset == DEW_RESET_NEVER && look == LOOK_QUIET &&
        !session->refused_write) {
        return SESSION_AT_REST;
    }
    session->sent = settings->reset != DEW_RESET_NEVER;
    return clean(session, settings, limit, flaw);
}

bool
session_sent_clean_up(const struct session *session)
{
    return session->sent;
}

bool
session_refused_write(const struct session *session)
{
    return session->refused_write;
}
