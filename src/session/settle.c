/* SPDX-License-Identifier: MIT */
/* Reads the answers of a clean-up and repairs what a reset forgets. */
/*
 * A session is handed on only when every answer was the one that was asked
 * for, the proof's number among them, and the server's own flags, which came
 * with it, show no transaction. Whatever give_back could not send ahead is
 * done here, in the order of opening: database, repair_sql, rights, init_sql,
 * on_connect.
 */
#include <string.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "session/parts.h"

/* How far a clean-up has come. */
struct progress {
    bool refused; /* the server does not know the reset command */
    bool late;    /* no answer within the limit, or cancelled */
    bool repaired, proven, initialised;
    bool corrected; /* a command went out behind the proof */
    struct proof proof;
};

static bool
expects(struct session *session, enum session_answer answer)
{
    const bool expected = (session->expected & (uint32_t)answer) != 0;
    session->expected &= ~(uint32_t)answer;
    return expected;
}

static bool
read_reset(struct session *session, const struct io_limit *limit,
           struct progress *progress)
{
    enum flavour_result result = flavour_read_reset(session->mysql);
    while (result == FLAVOUR_WAIT) {
        progress->late = !proof_await(session, limit);
        if (progress->late) {
            return false;
        }
        result = flavour_read_reset(session->mysql);
    }
    if (result == FLAVOUR_DONE) {
        return proof_was_ok(session);
    }
    /* Old servers and proxies. The answers behind it come all the same. */
    progress->refused = mysql_errno(session->mysql) == ERRNO_UNKNOWN_COMMAND;
    return progress->refused;
}

/* In the order in which give_back sent them. */
static bool
read_in_order(struct session *session, const struct io_limit *limit,
              struct progress *progress)
{
    if (expects(session, ANSWER_RESET) &&
        !read_reset(session, limit, progress)) {
        return false;
    }
    if ((expects(session, ANSWER_ROLLBACK) && !proof_read_ok(session)) ||
        (expects(session, ANSWER_DATABASE) && !proof_read_ok(session))) {
        return false;
    }
    if (expects(session, ANSWER_REPAIR)) {
        progress->repaired = true;
        if (!proof_read_ok(session)) {
            return false;
        }
    }
    if (expects(session, ANSWER_NONCE)) {
        progress->proven = proof_read(session, &progress->proof);
        if (!progress->proven) {
            return false;
        }
    }
    if (expects(session, ANSWER_INIT_SQL)) {
        progress->initialised = true;
        return flavour_read_answer(session->mysql) &&
               session_drain_results(session);
    }
    return true;
}

static bool
read_expected(struct session *session, const struct io_limit *limit,
              struct progress *progress)
{
    /* A reset's answer has its own way of waiting: some of it may have been
     * read while it was sent. */
    const bool wait = limit->cancel_fd >= 0 && session->expected != 0 &&
                      (session->expected & ANSWER_RESET) == 0;
    progress->late = wait && !proof_await(session, limit);
    return !progress->late && read_in_order(session, limit, progress);
}

/* And init_sql must not have run with the rights of another. */
static bool
prove(struct session *session, bool was_reset, struct progress *progress)
{
    progress->proven =
        progress->proven ||
        ((was_reset ? proof_send_behind_reset(session) : proof_send(session)) &&
         proof_read(session, &progress->proof));
    if (!progress->proven || !progress->proof.other_rights) {
        return progress->proven;
    }
    progress->corrected = true;
    return !progress->initialised && rights_put_back(session, &progress->proof);
}

/* What was not sent ahead, and what the proof showed to be amiss. */
static bool
complete(struct session *session, const struct settings *settings,
         bool was_reset, struct progress *progress)
{
    if (was_reset && !progress->repaired && session->repair_sql != NULL &&
        !proof_run(session, session->repair_sql)) {
        return false;
    }
    if (!prove(session, was_reset, progress)) {
        return false;
    }
    if (settings->reset == DEW_RESET_NEVER) {
        return true;
    }
    return correct_what_differs(session, settings, &progress->proof, was_reset,
                                &progress->corrected);
}

/* The client side's character set is not the server's business: neither a
 * reset nor its answer brings it back. */
static void
restore_client_side(struct session *session)
{
    if (MUTANT(40)) { return; }
    session->mysql->charset = (void *)(uintptr_t)session->charset;
    session->mysql->unbuffered_fetch_owner = NULL;
}

static bool
settle_answers(struct session *session, const struct settings *settings,
               const struct io_limit *limit, bool was_reset,
               struct progress *progress)
{
    if (!read_expected(session, limit, progress)) {
        return false;
    }
    if (progress->refused) {
        session->no_reset_command = true;
        *progress = (struct progress){.refused = false};
        if (!session_reset_now(session)) {
            return false;
        }
    }
    if (was_reset) {
        restore_client_side(session);
    }
    return complete(session, settings, was_reset, progress);
}

/* The user's part of a session's beginning, once more. */
static bool
begin_again(struct session *session, const struct settings *settings,
            const struct progress *progress, dew_error *error)
{
    return (progress->initialised ||
            session_run_init_sql(session, settings, DEW_STAGE_RESET,
                                 error)) &&
           session_run_on_connect(session, settings, DEW_STAGE_RESET, error);
}

static void
explain(const struct session *session, enum session_flaw flaw,
        dew_error *error)
{
    if (mysql_errno(session->mysql) != 0) {
        session_last_error(session, DEW_STAGE_RESET, error);
    } else {
        error_set(error, DEW_ECONNECT, DEW_STAGE_RESET,
                  "the session could not be cleaned: %s",
                  session_flaw_name(flaw));
    }
}

/* Before the proof only a reply to something else explains a wrong answer;
 * an error, or a wrong answer after it, is the server's no; so is silence. */
static enum session_flaw
why_not_settled(const struct session *session,
                const struct progress *progress)
{
    if (progress->proof.other_rights) {
        return inspect_failure(session, SESSION_OTHER_ROLE);
    }
    const bool refused = progress->proven || progress->late ||
                         mysql_errno(session->mysql) != 0;
    return inspect_failure(session, refused ? SESSION_RESET_REFUSED
                                            : SESSION_UNREAD);
}

/* Whether nothing has come behind the last answer, of the proof or of what was
 * asked after it. A library that reads ahead has shown it where the proof was
 * the last: what lay on the socket when its answer was read is in the library's
 * buffer, and that nobody had hung up was seen right before. */
static bool
is_last_word(struct session *session, const struct settings *settings,
             bool was_reset, const struct progress *progress)
{
    const bool asked_more =
        progress->corrected ||
        (was_reset &&
         (settings->init_sql != NULL || settings->on_connect != NULL));
    if (MUTANT(61)) { return true; }
    if (!asked_more && session->stands &&
        flavour_unread_bytes(session->mysql) == FLAVOUR_NONE) {
        return true;
    }
    return asked_more && proof_needs_last_word(session)
               ? proof_is_in_step(session)
               : proof_was_last(session);
}

static bool
settle_in_step(struct session *session, const struct settings *settings,
               const struct io_limit *limit, bool was_reset,
               enum session_flaw *flaw, dew_error *error)
{
    struct progress progress = {.refused = false};
    if (!settle_answers(session, settings, limit, was_reset, &progress)) {
        *flaw = why_not_settled(session, &progress);
        explain(session, *flaw, error);
        return false;
    }
    if (was_reset && !begin_again(session, settings, &progress, error)) {
        *flaw = inspect_failure(session, SESSION_RESET_REFUSED);
        return false;
    }
    if (!is_last_word(session, settings, was_reset, &progress)) {
        *flaw = inspect_failure(session, SESSION_UNREAD);
        explain(session, *flaw, error);
        return false;
    }
    session->mysql->net.pkt_nr = 0;
    return true;
}

/* Runs a settling step within the limit; reset_first where nothing was sent
 * ahead. */
static enum session_state
settle_within(struct session *session, const struct settings *settings,
              const struct io_limit *limit, bool reset_first,
              enum session_flaw *flaw, dew_error *error)
{
    const bool was_reset =
        reset_first || (session->expected & ANSWER_RESET) != 0;
    struct io_step step;
    bool settled = true;
    *flaw = SESSION_RESET_REFUSED;
    if (!io_step_begin(&step, session, limit)) {
        explain(session, *flaw, error);
        return SESSION_BROKEN;
    }
    if (fault(FAULT_RESET) ||
        (reset_first && !session_reset_now(session))) {
        *flaw = inspect_failure(session, SESSION_RESET_REFUSED);
        explain(session, *flaw, error);
        settled = false;
    }
    settled = settled && settle_in_step(session, settings, limit, was_reset,
                                        flaw, error);
    if (io_step_end(&step)) {
        *flaw = SESSION_RESET_REFUSED;
        error_set(error, DEW_ECONNECT, DEW_STAGE_RESET,
                  "the clean-up of the session was not answered in time");
        return SESSION_BROKEN;
    }
    if (!settled) {
        return SESSION_BROKEN;
    }
    *flaw = SESSION_SOUND;
    return SESSION_AT_REST;
}

enum session_state
settle_from_scratch(struct session *session, const struct settings *settings,
                    const struct io_limit *limit, enum session_flaw *flaw)
{
    return settle_within(session, settings, limit, true, flaw, NULL);
}

enum session_state
session_settle(struct session *session, const struct settings *settings,
               const struct io_limit *limit, enum session_flaw *flaw,
               dew_error *error)
{
    return settle_within(session, settings, limit, false, flaw, error);
}
