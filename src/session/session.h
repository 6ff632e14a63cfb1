/* SPDX-License-Identifier: MIT */
/* A session with a server: opened, looked at, cleaned, probed, hung up. */
/*
 * WHAT. The only door to the client library. One session is one MYSQL handle
 * and what was learnt about it at connect. Nothing here is atomic: a session
 * is used by one thread at a time, its holder (see core/slot.h), and moves
 * between threads with the slot that owns it.
 *
 * LIFE.   open -> AT REST -> lend -> (borrower) -> give_back -+-> AT REST
 *                    ^                                        +-> PENDING
 *                    +---------------- settle <---------------+     |
 *                                                 BROKEN <----+-----+
 * PENDING: the answer to a reset that was sent at return is still to be read;
 * nothing else may be done with the session but settle (or hang_up). BROKEN:
 * hang up. A session is handed on only AT REST.
 *
 * TIME. Every call here ends within its io_limit, whatever the server does,
 * except where it says otherwise (name resolution).
 */
#ifndef DEWPOND_SESSION_SESSION_H
#define DEWPOND_SESSION_SESSION_H

#include "base/settings.h"

struct session;

/* How long a step may take, and what cancels it. */
struct io_limit {
    int64_t deadline_ns; /* CLOCK_NEVER: the settings' own timeouts only */
    int cancel_fd;       /* readable: give up at once; -1: none */
};

enum session_state {
    SESSION_AT_REST,
    SESSION_PENDING,
    SESSION_BROKEN,
};

/* Why a session is BROKEN, for counters and log lines. */
enum session_flaw {
    SESSION_SOUND,
    SESSION_DEAD,          /* no transport, net error, fatal errno, EOF */
    SESSION_UNREAD,        /* a reply nobody read, or bytes that should not be */
    SESSION_MID_RESULT,    /* a result that cannot be drained within bounds */
    SESSION_STATEMENTS,    /* statements left open where no reset follows */
    SESSION_OVERGROWN,     /* its packet buffer passed buffer_max_kb */
    SESSION_RESET_REFUSED, /* the reset or a repair was refused or too late */
    SESSION_STRAY,         /* a probe got a reply to something else */
    SESSION_SILENT,        /* a probe's answer did not come in time */
    SESSION_OTHER_USER,    /* its borrower logged it in as somebody else */
    SESSION_OTHER_ROLE,    /* its borrower chose a role that is still there */
};
const char *session_flaw_name(enum session_flaw flaw);

/* Once per process, before the first session: thread-safe, idempotent. */
dew_code session_library_init(dew_error *error);

/* The flavour and version this library was built against (see DEW_CLIENT). */
uint32_t session_client_built(void);

/* The client_flags that the client library can serve beside these settings. */
uint64_t session_client_flags(const struct settings *settings);

/* Opens a session: connect, charset, init_sql, on_connect, and what there is
 * to learn of the server. DEW_OK and *session (owner: the caller, until
 * hang_up or detach), or DEW_ECONNECT / DEW_ENOMEM with the server's own
 * errno, SQLSTATE and text, and *session NULL. Name resolution cannot be
 * interrupted; everything else ends by the limit. */
dew_code session_open(struct session **session,
                      const struct settings *settings,
                      const struct io_limit *limit, dew_error *error);

/* What sessions learnt of the servers they met. One for all sessions that are
 * opened with the same settings but for the login; NULL: no memory. */
struct session_lore;
struct session_lore *session_lore_new(void);
void session_lore_free(struct session_lore *lore); /* NULL is allowed */

/* The same for one of many sessions: it asks its server once, and what an
 * earlier one learnt counts for it where the answer is the same in every word
 * (lore.h). NULL: there are no others. */
dew_code session_open_among(struct session **session,
                            struct session_lore *lore,
                            const struct settings *settings,
                            const struct io_limit *limit, dew_error *error);

/* The handle a borrower works with. */
MYSQL *session_handle(const struct session *session);
/* The server's id of it (SHOW PROCESSLIST). */
unsigned long session_server_thread(const struct session *session);
/* What the server said when the session was opened. Zero: it did not tell. */
struct session_server {
    uint64_t identity;      /* the same for all sessions with this server */
    int64_t wait_timeout_s; /* of this session, after init_sql and on_connect */
    int64_t max_connections;
    uint32_t version; /* 101119 */
    bool is_mariadb;
    bool read_only;
};
const struct session_server *session_server(const struct session *session);

/* session_lend and session_is_untouched: quick.h. */

/* The borrower is done, he sent something under DEW_RESET_NEVER, and the
 * structure shows a conversation at rest: true, and the session is AT REST.
 * False: nothing happened, session_give_back it. A few ns, no system call. */
bool session_rests(const struct session *session,
                   const struct settings *settings);

/* The borrower is done: look at the protocol state, drain what may be
 * drained, and send the clean-up of settings->reset. Never waits for the
 * server under DEW_RESET_AUTO / ROLLBACK / NEVER, except to drain within
 * `limit`. An untouched loan costs no system call. */
enum session_state session_give_back(struct session *session,
                                     const struct settings *settings,
                                     const struct io_limit *limit,
                                     enum session_flaw *flaw);

/* Whether the last give_back sent a clean-up, ahead or with its answers. */
bool session_sent_clean_up(const struct session *session);

/* Whether the last loan was told that it may not write: a hint, a transaction
 * that was begun READ ONLY says the same. */
bool session_refused_write(const struct session *session);
/* Whether the server took writes when the session was opened and takes none
 * now. Known after a clean-up or a probe that asked: the first one after a hint,
 * else one in five seconds. */
bool session_is_demoted(const struct session *session);

/* The borrower's statements that are still open no longer reach the session:
 * a late mysql_stmt_close does not touch it. On the borrower's thread, before
 * anybody else may hang it up. session_give_back does it by itself. */
void session_cut_off(struct session *session);

/* Waits for the first byte of what is PENDING, or for the session's end. False:
 * nothing came by the limit, and the session is as it was. */
bool session_wait_answer(struct session *session,
                         const struct io_limit *limit);

/* Reads what is PENDING, repairs what a reset forgets, runs init_sql and
 * on_connect again: AT REST or BROKEN, within `limit`. */
enum session_state session_settle(struct session *session,
                                  const struct settings *settings,
                                  const struct io_limit *limit,
                                  enum session_flaw *flaw, dew_error *error);

/* One poll with a zero timeout: true when nothing can be read and nothing
 * hung up. Only for a session AT REST. About 0.4 us. */
bool session_is_quiet(const struct session *session);

/* True when the server has closed its end, whatever it said before: one poll,
 * in any state of the session. */
bool session_is_gone(const struct session *session);

/* A round trip bounded in real ms: AT REST or BROKEN. */
enum session_state session_probe(struct session *session,
                                 const struct settings *settings,
                                 const struct io_limit *limit,
                                 enum session_flaw *flaw, dew_error *error);

/* Fills *error with what the handle last said (mysql_errno and friends). */
void session_last_error(const struct session *session, dew_stage stage,
                        dew_error *error);

/* Ends the session and frees it. FAREWELL says COM_QUIT first; CUT shuts the
 * socket down before anything else (half-sent packets, silent servers).
 * Returns a duplicate of the socket on which the server's own close can be
 * awaited (readable), or -1 where there is nothing to wait for: the caller
 * owns and closes it. Never blocks on the server. */
enum session_parting { SESSION_FAREWELL, SESSION_CUT };
int session_hang_up(struct session *session, enum session_parting parting);

/* KILL QUERY for this server thread, over a side session of its own: true when
 * the server has confirmed it. Without an init_sql, on_connect or database.
 * Ends by the limit. */
bool session_kill_query(const struct settings *settings,
                        unsigned long server_thread,
                        const struct io_limit *limit, dew_error *error);
/* The same way: what a server says of a thread of its own. */
enum session_progress {
    SESSION_GOES_ON,  /* it runs what ran at since_ns; or the server is silent */
    SESSION_MOVED_ON, /* it rests, or runs what began after that */
    SESSION_UNSURE,   /* one or the other: MySQL's servers tell whole seconds */
};
enum session_progress session_progress(const struct settings *settings,
                                       unsigned long server_thread,
                                       int64_t since_ns,
                                       const struct io_limit *limit);

/* Gives the handle away and frees the rest. The handle is a plain MYSQL * that
 * mysql_close ends; nothing of ours is left in it. */
MYSQL *session_detach(struct session *session);

/* The library's own number of the socket: to name it, never to close it; -1
 * when there is none any more. */
int session_socket(const struct session *session);

/* What tells this socket from all others (base/socket.h), as after connect. */
uint64_t session_socket_identity(const struct session *session);

/* A duplicate of the socket for shutdown(2) by someone else, or -1. */
int session_dup_socket(const struct session *session);

#endif
