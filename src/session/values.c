/* SPDX-License-Identifier: MIT */
/* Reads variables with one SELECT and composes one SET for what differs. */
#define _GNU_SOURCE 1
#include "session/values.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum session_forgets bit;
} variables[VARIABLES] = {
    [CHARSET_CLIENT] = {"character_set_client", FORGETS_CHARSET},
    [CHARSET_RESULTS] = {"character_set_results", FORGETS_CHARSET},
    [CHARSET_CONNECTION] = {"character_set_connection", FORGETS_CHARSET},
    [COLLATION_CONNECTION] = {"collation_connection", FORGETS_CHARSET},
    [AUTOCOMMIT] = {"autocommit", FORGETS_AUTOCOMMIT},
    [ISOLATION] = {NULL, FORGETS_OTHER}, /* its name differs: see below */
    [SQL_MODE] = {"sql_mode", FORGETS_OTHER},
    [TIME_ZONE] = {"time_zone", FORGETS_OTHER},
};

static const char *
variable_name(const struct session *session, enum variable variable)
{
    if (variable != ISOLATION) {
        return variables[variable].name;
    }
    return facts_old_names(session) ? "tx_isolation" : "transaction_isolation";
}

/* False: it does not fit, or cannot be put between quotes as it is. */
static bool
take_value(struct values *values, enum variable variable, const char *text)
{
    values->is_null[variable] = text == NULL;
    values->text[variable][0] = '\0';
    if (text == NULL) {
        return true;
    }
    if (strlen(text) >= VALUES_TEXT_SIZE || strpbrk(text, "'\\") != NULL) {
        return false;
    }
    memcpy(values->text[variable], text, strlen(text) + 1);
    return true;
}

static bool
take_row(struct session *session, struct values *values, uint32_t facts,
         char *const *row)
{
    facts_take(session, facts, row);
    for (int i = 0; i < VARIABLES; i++) {
        if (!take_value(values, (enum variable)i, row[facts + (uint32_t)i])) {
            return false;
        }
    }
    return true;
}

static void
compose_select(const struct session *session, uint32_t facts, char *sql)
{
    int used = snprintf(sql, VALUES_SQL_SIZE, "SELECT ");

    used += facts_write(session, facts, sql + used,
                        VALUES_SQL_SIZE - (size_t)used);
    for (int i = 0; i < VARIABLES; i++) {
        used += snprintf(sql + used, VALUES_SQL_SIZE - (size_t)used, ",@@%s",
                         variable_name(session, (enum variable)i));
    }
}

/* Exactly one row of ours. Anything else is the answer to something else, and
 * may have no end: it is not read on, and the session is lost. */
static enum values_reading
read_row(struct session *session, MYSQL_RES *result, uint32_t facts,
         struct values *values)
{
    const MYSQL_ROW row = mysql_num_fields(result) == facts + VARIABLES
                              ? mysql_fetch_row(result)
                              : NULL;

    if (row == NULL) {
        return VALUES_LOST;
    }
    const bool taken = take_row(session, values, facts, row);
    if (mysql_fetch_row(result) != NULL || mysql_errno(session->mysql) != 0) {
        return VALUES_LOST;
    }
    return taken ? VALUES_READ : VALUES_NOT_READ;
}

static enum values_reading
read_with(struct session *session, uint32_t facts, char *sql,
          struct values *values)
{
    MYSQL *const mysql = session->mysql;

    compose_select(session, facts, sql);
    if (mysql_query(mysql, sql) != 0) {
        return flavour_is_dead(mysql) ? VALUES_LOST : VALUES_NOT_READ;
    }
    MYSQL_RES *const result = mysql_use_result(mysql);
    if (result == NULL) {
        return VALUES_LOST;
    }
    const enum values_reading reading =
        read_row(session, result, facts, values);
    if (reading == VALUES_LOST) {
        mysql->status = MYSQL_STATUS_READY;
    }
    mysql_free_result(result);
    return reading;
}

/* The server understands not every name, or a proxy does not; it is asked for
 * fewer. Whoever refuses for another reason has said what is to be told. */
static bool
wants_fewer(const struct session *session)
{
    switch (mysql_errno(session->mysql)) {
    case 1064: /* syntax */
    case 1105: /* a proxy's "unknown" */
    case 1193: /* unknown system variable */
    case 1235: /* not supported */ return true;
    default: return false;
    }
}

enum values_reading
values_read(struct session *session, struct values_scratch *scratch,
            struct values *values)
{
    const bool is_first = session->facts == 0;
    enum values_reading reading =
        read_with(session, is_first ? FACTS_ALL : session->facts, scratch->sql,
                  values);

    if (reading == VALUES_NOT_READ && is_first && wants_fewer(session)) {
        reading = read_with(session, FACTS_FEW, scratch->sql, values);
    }
    return reading;
}

static bool
is_number(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static bool
is_same(const struct values *a, const struct values *b, int i)
{
    return a->is_null[i] == b->is_null[i] &&
           strcmp(a->text[i], b->text[i]) == 0;
}

uint32_t
values_compose_set(const struct session *session,
                   struct values_scratch *scratch)
{
    const struct values *const wanted = &scratch->wanted;
    uint32_t differs = 0;
    int used = 0;

    scratch->sql[0] = '\0';
    for (int i = 0; i < VARIABLES; i++) {
        const char *const quote =
            wanted->is_null[i] || is_number(wanted->text[i]) ? "" : "'";
        if (is_same(wanted, &scratch->now, i)) {
            continue;
        }
        differs |= (uint32_t)variables[i].bit;
        used += snprintf(scratch->sql + used, VALUES_SQL_SIZE - (size_t)used,
                         "%s%s=%s%s%s", used == 0 ? "SET " : ", ",
                         variable_name(session, (enum variable)i), quote,
                         wanted->is_null[i] ? "NULL" : wanted->text[i],
                         quote);
    }
    return differs;
}
