/* SPDX-License-Identifier: MIT */
/* Reads variables with one SELECT and composes one SET for what differs. */
#define _GNU_SOURCE 1
#include "session/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_VALUES 3 /* before the variables in the SELECT */

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
    /* MySQL 8 dropped the old name; MariaDB learnt the new one in 11.1. */
    return session->server.is_mariadb || session->server.version < 50720
               ? "tx_isolation"
               : "transaction_isolation";
}

static int64_t
number_of(const char *text)
{
    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

static bool
switch_of(const char *text)
{
    return text != NULL && strcmp(text, "0") != 0 && strcmp(text, "OFF") != 0;
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
take_row(struct session *session, struct values *values, MYSQL_ROW row)
{
    session->server.wait_timeout_s = number_of(row[0]);
    session->server.max_connections = number_of(row[1]);
    session->server.read_only = switch_of(row[2]);
    for (int i = 0; i < VARIABLES; i++) {
        if (!take_value(values, (enum variable)i, row[SERVER_VALUES + i])) {
            return false;
        }
    }
    return true;
}

static void
compose_select(const struct session *session, char *sql)
{
    int used = snprintf(sql, VALUES_SQL_SIZE,
                        "SELECT @@wait_timeout, @@max_connections, "
                        "@@read_only");

    for (int i = 0; i < VARIABLES; i++) {
        used += snprintf(sql + used, VALUES_SQL_SIZE - (size_t)used, ", @@%s",
                         variable_name(session, (enum variable)i));
    }
}

enum values_reading
values_read(struct session *session, struct values_scratch *scratch,
            struct values *values)
{
    MYSQL *const mysql = session->mysql;
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool taken;

    compose_select(session, scratch->sql);
    result = mysql_query(mysql, scratch->sql) == 0 ? mysql_store_result(mysql)
                                                   : NULL;
    if (result == NULL) {
        return flavour_is_dead(mysql) ? VALUES_LOST : VALUES_NOT_READ;
    }
    row = mysql_num_fields(result) == SERVER_VALUES + VARIABLES
              ? mysql_fetch_row(result)
              : NULL;
    taken = row != NULL && take_row(session, values, row);
    mysql_free_result(result);
    return taken ? VALUES_READ : VALUES_NOT_READ;
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
