/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: the session and its small helpers. */
/*
 * OPENING (connect.c drives it): options -> connect -> learn -> init_sql ->
 * on_connect. What a return must put back is what this made, so learn.c notes
 * it here and settle repeats the same steps: database, repair_sql, rights,
 * init_sql, on_connect, in this order. The rights are a user's: the role that
 * SET ROLE chose. Where only "role" is said it is the server's, which may be
 * that of a replica.
 */
#ifndef DEWPOND_SESSION_INSIDE_H
#define DEWPOND_SESSION_INSIDE_H

#include <sys/stat.h>

#include "base/forked.h"
#include "base/watchdog.h"
/* The accessors that differ between the libraries. */
#include "session/flavour.h"
#include "session/session.h"

/* What a deferred clean-up still owes us, in the order it was sent. Free for
 * the returning half to use; opening leaves `expected` 0. */
enum session_answer {
    ANSWER_RESET = 1u << 0,    /* COM_RESET_CONNECTION: one OK */
    ANSWER_ROLLBACK = 1u << 1, /* ROLLBACK: one OK */
    ANSWER_DATABASE = 1u << 2, /* COM_INIT_DB: one OK */
    ANSWER_REPAIR = 1u << 3,   /* repair_sql: one OK */
    ANSWER_NONCE = 1u << 4,    /* the proof's question: one row */
    ANSWER_INIT_SQL = 1u << 5, /* init_sql: anything, drained */
};

/* What a reset does not bring back on this server, learnt at connect. */
enum session_forgets {
    FORGETS_CHARSET = 1u << 0,    /* character_set_*, collation_connection */
    FORGETS_AUTOCOMMIT = 1u << 1, /* the server's own default is another one */
    FORGETS_OTHER = 1u << 2,      /* isolation, sql_mode or time_zone */
};

/* The largest BIGINT has as many. */
#define SESSION_NONCE_DIGITS 19

/* What each loan touches comes first. */
struct session {
    MYSQL *mysql; /* first: struct session_front (quick.h) */
    int fd; /* the library's own number: to poll, never to close */

    /* The returning half's own. */
    uint32_t expected;  /* enum session_answer: answers still to be read */
    bool sent;          /* a reset or rollback, by the last give_back */
    bool stands; /* its answer had begun, and nobody had hung up (arrival.c) */
    bool asks_role;     /* the proof's question asks for it, too */
    bool refused_write; /* the last loan was told that it may not write */
    bool demoted;       /* writable when it was opened, read-only now */
    bool told_waiting;  /* the log has it that returns wait for the server */

    bool plain;            /* neither TLS nor compression on the wire */
    bool no_reset_command; /* answered 1047: COM_CHANGE_USER instead */
    uint8_t forgets;       /* enum session_forgets */
    uint8_t facts;         /* how many of them it told (values.h); 0: none */
    bool rights_known;     /* the two below are (rights.c) */
    bool asks_rights;      /* the proof's question asks for them, too */
    uint32_t login; /* a hash of the user's name, as after opening */
    char nonce[SESSION_NONCE_DIGITS + 1]; /* what ANSWER_NONCE must bring */
    /* Of the role that SET ROLE chose: when init_sql and on_connect began, and
     * as after opening. */
    uint32_t rights_begun, rights;
    uint32_t role_asked_ms; /* when asks_role last was, coarse clock */
    /* The database as after connect, NULL for none. Owned. */
    char *database;
    /* Puts back what `forgets` names, e.g. "SET NAMES ..., autocommit=0";
     * NULL when a reset forgets nothing. Owned. */
    char *repair_sql;
    /* The client side's character set as after connect (mysql->charset). */
    const void *charset;

    unsigned long thread_id;
    struct session_server server;
    struct forked_socket shared; /* a fork's child must not have it */
};

/* ---- a bound on blocking calls of the library ---- */
/*
 * Between begin and end every blocking call on this session made by this
 * thread ends by limit->deadline_ns, and (where the flavour can) as soon as
 * limit->cancel_fd is readable; the library then reports 2013 and drops its
 * transport. MariaDB: an I/O wait hook and a thread-local limit, no system
 * call on a plain socket; Oracle: the watchdog. SIGPIPE is held off in between
 * as well, where the library may raise it. Begin may fail (no descriptor, no
 * thread): then there must be no I/O, and no end. Steps of different sessions
 * may nest (callbacks). The step and the limit must outlive the end.
 */
struct io_step {
    struct session *session;
    struct flavour_bound bound;
};
bool io_step_begin(struct io_step *step, struct session *session,
                   const struct io_limit *limit);
/* True when the limit cut the step: whatever the calls said is void. */
bool io_step_end(struct io_step *step);

/* ---- errnos.c ---- */

/* Whether a session that reported this errno must not be used again. The
 * same number means different things on the two servers (4031, 1927). */
bool session_errno_is_fatal(unsigned mysql_errno_, bool is_mariadb_server,
                            const char *sqlstate);

/* Whether it says that the server, or only this transaction, takes no writes. */
bool session_errno_is_of_role(unsigned mysql_errno_);

/* ---- steps that opening and settling share (inside an io_step) ---- */

/* Reads and frees every result that the last command has, at most
 * SESSION_DRAIN_ROWS rows in all. False: an error (see mysql_errno) or too
 * many. The caller has read the first answer (mysql_real_query did, or
 * flavour_read_answer). */
#define SESSION_DRAIN_ROWS 10000
bool session_drain_results(struct session *session);

/* settings->init_sql, its results drained. On false *error tells why. True
 * when there is none. */
bool session_run_init_sql(struct session *session,
                          const struct settings *settings, dew_stage stage,
                          dew_error *error);
/* settings->on_connect; the protocol must be at rest afterwards. On false
 * *error tells why. True when there is none. */
bool session_run_on_connect(struct session *session,
                            const struct settings *settings, dew_stage stage,
                            dew_error *error);
/* COM_RESET_CONNECTION and its answer, at once. A server that does not know
 * it gets COM_CHANGE_USER, now and for ever (no_reset_command). False: see
 * mysql_errno. The session must be at rest. */
bool session_reset_now(struct session *session);

/* ---- what opening is made of ---- */

/* options.c: everything that is set before mysql_real_connect. */
bool session_set_options(MYSQL *mysql, const struct settings *settings,
                         dew_error *error);
/* A defaults file is read by mysql_real_connect, after our options: what it
 * may not decide is decided again here. */
dew_code session_options_overrule(struct session *session,
                                  const struct settings *settings,
                                  dew_error *error);
/* learn.c: asks the server what it is and what a reset forgets here, and
 * brings charset and autocommit to what settings say. NULL: no lore. *proven is
 * set where the last thing that was asked was a question, and its answer was
 * right: the session is in step. */
bool session_learn(struct session *session, const struct settings *settings,
                   struct session_lore *lore, bool *proven, dew_error *error);

/* What init_sql and on_connect may have changed of it; sets *proven anew. False:
 * the connection is gone, and *error tells why. */
bool session_learn_again(struct session *session,
                         const struct settings *settings, bool *proven,
                         dew_error *error);

/* Puts the client library's own switches back as we set them at connect:
 * LOCAL INFILE off and its handlers gone, reconnect off. No I/O. */
void session_options_restore(struct session *session);
/* Once, before any session: flavour_default_infile. False: no memory. */
bool session_learn_defaults(void);

#endif
