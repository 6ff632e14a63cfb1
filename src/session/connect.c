/* SPDX-License-Identifier: MIT */
/* Opens a session: options, connect, learning, init_sql, on_connect. */
#define _GNU_SOURCE 1
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "session/parts.h"

/* With its slot a session takes less than 384 bytes (bench/scale.cpp). */
static_assert(sizeof(struct session) <= 160, "a session has grown");

/* What the library takes for the first answer and gives back, 17 kB of it. The
 * room lies before what the session keeps, and before the next one's, so that
 * they use it in turn; else each session keeps a piece that was used once. */
#define QUESTION_ROOM 20480

static dew_code
no_memory(dew_error *error)
{
    return error_no_memory(error, DEW_STAGE_CONNECT, "a session");
}

/* Without a bound there must be no I/O. */
static dew_code
no_timer(dew_error *error)
{
    return error_system(error, DEW_STAGE_CONNECT, errno,
                        "no timer for the connect could be started");
}

/* One deadline for all of it: the caller's or connect_timeout_ms. */
static struct io_limit
whole_limit(const struct settings *settings, const struct io_limit *limit)
{
    struct io_limit whole = *limit;
    const int64_t own =
        settings->connect_timeout_ms == SETTINGS_OFF
            ? CLOCK_NEVER
            : clock_deadline_after_ms(settings->connect_timeout_ms);

    if (own < whole.deadline_ns) {
        whole.deadline_ns = own;
    }
    return whole;
}

/* What cut the connect short, with the errno that the library gave to it. */
static dew_code
cut_error(const MYSQL *mysql, enum flavour_cut cut_by, int64_t started_ns,
          const struct io_limit *limit, const char *phase, dew_error *error)
{
    /* The prototypes lack a const; nothing is changed. */
    MYSQL *const handle = (MYSQL *)(uintptr_t)mysql;
    const unsigned number = mysql_errno(handle);
    const char *const state =
        number == 0 ? "HY000" : mysql_sqlstate(handle);
    const long long allowed_ms =
        (limit->deadline_ns - started_ns + CLOCK_NS_PER_MS / 2) /
        CLOCK_NS_PER_MS;

    if (cut_by == FLAVOUR_CANCELLED) {
        return error_set_mysql(error, DEW_ECONNECT, DEW_STAGE_CONNECT, number,
                               state, "connect was cancelled (%s)", phase);
    }
    return error_set_mysql(error, DEW_ECONNECT, DEW_STAGE_CONNECT,
                           number == 0 ? 2013 : number, state,
                           "connect timed out after %lld ms (%s)",
                           allowed_ms < 0 ? 0 : allowed_ms, phase);
}

bool
session_learn_defaults(void)
{
    MYSQL *const mysql = mysql_init(NULL);

    if (mysql == NULL) {
        return false;
    }
    mysql_set_local_infile_default(mysql);
    flavour_default_infile = mysql->options.local_infile_init;
    mysql_close(mysql);
    return true;
}

/* Other programs of ours must not inherit it. The library has no atomic way:
 * a fork in another thread between its socket(2) and this is not covered. */
static dew_code
adopt_socket(struct session *session, dew_error *error)
{
    session->fd = flavour_socket(session->mysql);
    if (fault(FAULT_DESCRIPTOR)) {
        return error_system(error, DEW_STAGE_CONNECT, EMFILE,
                            "the new connection's socket cannot be used");
    }
    if (fcntl(session->fd, F_SETFD, FD_CLOEXEC) != 0) {
        return error_system(error, DEW_STAGE_CONNECT, errno,
                            "the new connection's socket cannot be used");
    }
    forked_note(&session->shared, session->fd);
    return DEW_OK;
}

static dew_code
note_database(struct session *session, dew_error *error)
{
    if (session->mysql->db == NULL || session->mysql->db[0] == '\0') {
        return DEW_OK;
    }
    session->database = memory_copy_string(session->mysql->db);
    return session->database == NULL ? no_memory(error) : DEW_OK;
}

/* A reply that nobody asked for, taken for the answer to a SET or to init_sql,
 * would leave that one's answer to the first borrower. */
static bool
is_in_step(struct session *session, bool proven, dew_error *error)
{
    if (proven || proof_is_in_step(session)) {
        return true;
    }
    if (mysql_errno(session->mysql) != 0) {
        session_last_error(session, DEW_STAGE_CONNECT, error);
    } else {
        error_set(error, DEW_ECONNECT, DEW_STAGE_CONNECT,
                  "the server sent a reply that nobody asked for");
    }
    return false;
}

/* All that talks to the server after the connect: in one bounded step. */
static dew_code
furnish(struct session *session, struct session_lore *lore,
        const struct settings *settings, const struct io_limit *limit,
        int64_t started_ns, dew_error *error)
{
    struct io_step step;
    dew_error detail = {0};
    bool good, proven = false;

    if (!io_step_begin(&step, session, limit)) {
        return no_timer(error);
    }
    good = session_learn(session, settings, lore, &proven, &detail) &&
           session_run_init_sql(session, settings, DEW_STAGE_CONNECT,
                                &detail) &&
           session_run_on_connect(session, settings, DEW_STAGE_CONNECT,
                                  &detail) &&
           session_learn_again(session, settings, &proven, &detail) &&
           is_in_step(session, proven, &detail);
    if (io_step_end(&step)) {
        return cut_error(session->mysql,
                         step.bound.cancelled ? FLAVOUR_CANCELLED
                                              : FLAVOUR_TIMED_OUT,
                         started_ns, limit, "first queries", error);
    }
    return good ? DEW_OK : error_copy(error, &detail);
}

static dew_code
connect_handle(struct session *session, const struct settings *settings,
               const struct io_limit *limit, int64_t started_ns,
               dew_error *error)
{
    enum flavour_cut cut_by = FLAVOUR_NOT_CUT;

    if (fault(FAULT_CONNECT)) {
        return error_set_mysql(error, DEW_ECONNECT, DEW_STAGE_CONNECT, 2003,
                               "HY000", "a fault point refused the connect");
    }
    if (settings->host != NULL && strchr(settings->host, ',') != NULL) {
        return error_set(error, DEW_ECONNECT, DEW_STAGE_CONNECT,
                         "host is a list of hosts: dewpond wants one");
    }
    if (!session_set_options(session->mysql, settings, error)) {
        return DEW_ECONNECT;
    }
    if (flavour_connect(session->mysql, settings, limit, &cut_by)) {
        return DEW_OK;
    }
    if (cut_by == FLAVOUR_UNGUARDED) {
        return no_timer(error);
    }
    if (cut_by != FLAVOUR_NOT_CUT) {
        return cut_error(session->mysql, cut_by, started_ns, limit,
                         "handshake", error);
    }
    session_last_error(session, DEW_STAGE_CONNECT, error);
    return DEW_ECONNECT;
}

static dew_code
open_handle(struct session *session, const struct settings *settings,
            const struct io_limit *limit, int64_t started_ns, dew_error *error)
{
    dew_code code =
        connect_handle(session, settings, limit, started_ns, error);

    if (code == DEW_OK) {
        code = adopt_socket(session, error);
    }
    if (code == DEW_OK) {
        code = session_options_overrule(session, settings, error);
    }
    if (code == DEW_OK) {
        code = note_database(session, error);
    }
    return code;
}

static dew_code
begin_session(struct session *session, struct session_lore *lore,
              const struct settings *settings, const struct io_limit *limit,
              int64_t started_ns, dew_error *error)
{
    dew_code code =
        furnish(session, lore, settings, limit, started_ns, error);

    if (code == DEW_OK && session->database == NULL) {
        /* init_sql or on_connect may have chosen one. */
        code = note_database(session, error);
    }
    if (code == DEW_OK) {
        inspect_note_login(session);
    }
    return code;
}

dew_code
session_open(struct session **session, const struct settings *settings,
             const struct io_limit *limit, dew_error *error)
{
    return session_open_among(session, NULL, settings, limit, error);
}

dew_code
session_open_among(struct session **session, struct session_lore *lore,
                   const struct settings *settings,
                   const struct io_limit *limit, dew_error *error)
{
    const int64_t started_ns = clock_now_ns();
    const struct io_limit whole = whole_limit(settings, limit);
    struct session *opened;
    dew_code code = session_library_init(error);

    *session = NULL;
    if (code != DEW_OK) {
        return code;
    }
    opened = memory_zeroed(sizeof(*opened));
    if (opened == NULL) {
        return no_memory(error);
    }
    opened->fd = -1;
    void *const room = memory_room(QUESTION_ROOM);
    opened->mysql = fault(FAULT_ALLOC) ? NULL : mysql_init(NULL);
    if (opened->mysql == NULL) {
        memory_free(room);
        memory_free(opened);
        return no_memory(error);
    }
    code = open_handle(opened, settings, &whole, started_ns, error);
    memory_free(room);
    if (code == DEW_OK) {
        code = begin_session(opened, lore, settings, &whole, started_ns, error);
    }
    if (code != DEW_OK) {
        const int socket = session_hang_up(opened, SESSION_CUT);
        if (socket >= 0) {
            close(socket);
        }
        return code;
    }
    *session = opened;
    return DEW_OK;
}
