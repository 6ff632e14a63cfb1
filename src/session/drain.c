/* SPDX-License-Identifier: MIT */
/* Reads results that nobody owns, within bounds of rows, bytes and time. */
#include "session/parts.h"

struct allowance {
    uint64_t rows, bytes;
};

enum drained { DRAINED, DRAIN_FAILED, DRAIN_TOO_MUCH };

/* False when the allowance does not cover this row. */
static bool
spend(struct allowance *left, const unsigned long *lengths, unsigned fields)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; lengths != NULL && i < fields; i++) {
        bytes += lengths[i];
    }
    if (left->rows == 0 || left->bytes < bytes) {
        return false;
    }
    left->rows--;
    left->bytes -= bytes;
    return true;
}

static enum drained
drain_rows(MYSQL *mysql, MYSQL_RES *result, struct allowance *left)
{
    const unsigned fields = mysql_num_fields(result);
    while (mysql_fetch_row(result) != NULL) {
        if (!spend(left, mysql_fetch_lengths(result), fields)) {
            return DRAIN_TOO_MUCH;
        }
    }
    return mysql_errno(mysql) == 0 ? DRAINED : DRAIN_FAILED;
}

/* The result that waits to be stored, if there is one. */
static enum drained
drain_one(MYSQL *mysql, struct allowance *left)
{
    if (mysql->status == MYSQL_STATUS_READY) {
        return DRAINED;
    }
    MYSQL_RES *const result = mysql_use_result(mysql);
    if (result == NULL) {
        return DRAIN_FAILED;
    }
    const enum drained drained = drain_rows(mysql, result, left);
    if (drained == DRAIN_TOO_MUCH) {
        /* Else mysql_free_result would read all the rest. The session is
         * given up: what is left on the wire does not matter. */
        mysql->status = MYSQL_STATUS_READY;
    }
    mysql_free_result(result);
    return drained;
}

static enum drained
drain_all(MYSQL *mysql)
{
    struct allowance left = {SESSION_DRAIN_ROWS, DRAIN_BYTES};
    enum drained drained = drain_one(mysql, &left);
    while (drained == DRAINED && flavour_more_results(mysql)) {
        if (left.rows-- == 0) {
            return DRAIN_TOO_MUCH; /* a result without rows counts as one */
        }
        drained = mysql_next_result(mysql) > 0 ? DRAIN_FAILED
                                               : drain_one(mysql, &left);
    }
    return drained;
}

bool
session_drain_results(struct session *session)
{
    return drain_all(session->mysql) == DRAINED;
}

bool
drain_leftovers(struct session *session, const struct io_limit *limit,
                enum session_flaw *flaw)
{
    struct io_step step;
    *flaw = SESSION_MID_RESULT;
    if (!io_step_begin(&step, session, limit)) {
        return false;
    }
    const enum drained drained = drain_all(session->mysql);
    if (io_step_end(&step) || drained == DRAIN_TOO_MUCH) {
        return false;
    }
    /* An error of the server (a query killed in mid-result) ends the result
     * too; the caller looks again and sees whether the session survived. */
    *flaw = SESSION_SOUND;
    return true;
}
