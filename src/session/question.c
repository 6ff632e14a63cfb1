/* SPDX-License-Identifier: MIT */
/* Asks for columns behind a number of our own, and takes no other answer. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "session/parts.h"
#include "session/values.h"

#define NUMBER_SIZE 24

/* Exactly one row of ours. Anything else is the answer to something else, and
 * may have no end: it is not read on, and the session is lost. */
static enum values_reading
read_row(struct session *session, MYSQL_RES *result, const char *number,
         uint32_t count, question_take *take, void *arg)
{
    const MYSQL_ROW row = mysql_num_fields(result) == 1 + count
                              ? mysql_fetch_row(result)
                              : NULL;

    if (row == NULL || row[0] == NULL || strcmp(row[0], number) != 0) {
        return VALUES_LOST;
    }
    const bool taken = take(row + 1, count, arg);
    if (mysql_fetch_row(result) != NULL || mysql_errno(session->mysql) != 0) {
        return VALUES_LOST;
    }
    return taken ? VALUES_READ : VALUES_NOT_READ;
}

static enum values_reading
read_answer(struct session *session, const char *number, uint32_t count,
            question_take *take, void *arg)
{
    MYSQL *const mysql = session->mysql;
    MYSQL_RES *const result = mysql_use_result(mysql);

    if (result == NULL) {
        return VALUES_LOST;
    }
    const enum values_reading reading =
        read_row(session, result, number, count, take, arg);
    if (reading == VALUES_LOST) {
        mysql->status = MYSQL_STATUS_READY;
    }
    mysql_free_result(result);
    return reading;
}

enum values_reading
question_ask(struct session *session, const char *columns, uint32_t count,
             question_take *take, void *arg)
{
    char number[NUMBER_SIZE], sql[QUESTION_SIZE];

    (void)snprintf(number, sizeof(number), "%" PRIu64, random_u64());
    const int length =
        snprintf(sql, sizeof(sql), "SELECT %s,%s", number, columns);
    if (mysql_real_query(session->mysql, sql, (unsigned long)length) != 0) {
        return flavour_is_dead(session->mysql) ? VALUES_LOST : VALUES_NOT_READ;
    }
    return read_answer(session, number, count, take, arg);
}

bool
question_was_last(const struct session *session)
{
    return !proof_needs_last_word(session) && proof_was_last(session);
}
