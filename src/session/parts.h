/* SPDX-License-Identifier: MIT */
/* What the returning half shares: the look, the drain, the proof. */
/*
 * A RETURN in three words. Look: what the handle's own fields say, which may
 * be "untouched" and nothing more is needed. Send: the clean-up, and behind
 * it a question only this session can be asked (the proof). Settle: read the
 * answers. Every earlier reply that nobody read would come first and shift
 * all answers by one, so a right answer to the proof shows that the
 * conversation is in step, whatever the borrower did to it.
 */
#ifndef DEWPOND_SESSION_PARTS_H
#define DEWPOND_SESSION_PARTS_H

#include "session/inside.h"

enum look {
    LOOK_QUIET,     /* nothing speaks against it */
    LOOK_SUSPECT,   /* at rest or not: only a proof can tell */
    LOOK_DRAINABLE, /* results to read that nobody owns */
    LOOK_FLAWED,    /* see *flaw */
};

/* ---- inspect.c ---- */

/* Ends the loan's mark. True when no command was sent since session_lend. */
bool inspect_untouched(struct session *session);
/* The session is open: its user is the right one from now on. */
void inspect_note_login(struct session *session);
/* The structure only: a few ns, no system call. */
enum look inspect_structure(const struct session *session,
                            const struct settings *settings,
                            enum session_flaw *flaw);
/* One poll: nothing to read, nobody hung up, room for a small packet. */
enum look inspect_socket(const struct session *session,
                         enum session_flaw *flaw);
/* Why a call of the client library failed: DEAD, or `otherwise`. */
enum session_flaw inspect_failure(const struct session *session,
                                  enum session_flaw otherwise);

/* ---- drain.c ---- */

/* Reads what is left of results that nobody owns, within SESSION_DRAIN_ROWS,
 * DRAIN_BYTES and the limit. False: *flaw says why it cannot be kept. */
#define DRAIN_BYTES (UINT64_C(1) << 20)
bool drain_leftovers(struct session *session, const struct io_limit *limit,
                     enum session_flaw *flaw);

/* ---- proof.c ---- */

/* What the server said along with the right answer. */
struct proof {
    bool database_is_ours; /* as after connect, or none as after connect */
    bool multi_statements; /* the server accepts several in one query */
    bool other_rights;     /* those of a role that its borrower chose */
};
/* Sends the question; its answer is ANSWER_NONCE. */
bool proof_send(struct session *session);
/* The same where a reset went before: it asks for the rights, too. */
bool proof_send_behind_reset(struct session *session);
/* Waits until an answer begins to arrive. False: the limit, or cancelled. To
 * be called before reading where there is a canceller: the reading is bounded
 * by its io_step, but not every flavour of that hears a canceller. */
bool proof_await(const struct session *session, const struct io_limit *limit);
/* Reads the answer (blocks: inside an io_step). False: not the right one. */
bool proof_read(struct session *session, struct proof *proof);
/* Whether nothing has come behind what was read last: a reply that nobody asked
 * for would be the next borrower's. */
bool proof_was_last(const struct session *session);
/* The library does not show what it has received: only a proof of its own tells
 * whether anything has come behind the answer to something else. */
bool proof_needs_last_word(const struct session *session);
/* Asks, reads, and looks whether anything has come behind the answer: one round
 * trip (blocks: inside an io_step). */
bool proof_is_in_step(struct session *session);
/* Whether the answer just read was one OK and nothing else. */
bool proof_was_ok(const struct session *session);
/* Reads the next answer, which must be one OK and nothing else. */
bool proof_read_ok(struct session *session);
/* Sends a query whose answer must be such a one, and reads it. */
bool proof_run(struct session *session, const char *sql);

/* ---- rights.c ---- */

/* Back to those that it began with, and a new proof. False: no command leads
 * there, or it was refused, or it did not help. */
bool rights_put_back(struct session *session, struct proof *proof);

/* ---- correct.c ---- */

/* Brings back autocommit, the switch of several statements and, after a reset,
 * the database, where they are not as after connect. *asked is set where that
 * took a command. False: refused, or the server's flags show a transaction. */
bool correct_what_differs(struct session *session,
                          const struct settings *settings,
                          const struct proof *proof, bool was_reset,
                          bool *asked);

/* ---- settle.c ---- */

/* What old servers and proxies answer to the reset command. */
#define ERRNO_UNKNOWN_COMMAND 1047u

/* A reset and all that follows it, at once: where nothing can be sent ahead.
 * AT REST or BROKEN. */
enum session_state settle_from_scratch(struct session *session,
                                       const struct settings *settings,
                                       const struct io_limit *limit,
                                       enum session_flaw *flaw);

#endif
