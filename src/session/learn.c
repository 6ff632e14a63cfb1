/* SPDX-License-Identifier: MIT */
/* Learns what the server is and what a reset forgets on it. */
/*
 * One SELECT, a reset, the same SELECT again, and one SET for what differs:
 * four round trips at most in the ordinary case. The SET is kept, because
 * each later reset forgets the same things. Where no reset will ever be sent
 * (DEW_RESET_ROLLBACK, DEW_RESET_NEVER) there is only the first SELECT and,
 * if it takes one, the SET.
 *
 * A server (or proxy) that cannot answer the SELECT is taken to forget charset
 * and autocommit: putting back what is right already costs little.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "session/inside.h"

enum variable {
    CHARSET_CLIENT,
    CHARSET_RESULTS,
    CHARSET_CONNECTION,
    COLLATION_CONNECTION, /* after its charset, which sets a default one */
    AUTOCOMMIT,
    ISOLATION,
    SQL_MODE,
    TIME_ZONE,
    VARIABLES
};

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

#define VALUE_SIZE 1024 /* all of sql_mode's words are about 700 bytes */
#define SQL_SIZE (VARIABLES * (VALUE_SIZE + 64))
#define SERVER_VALUES 3 /* before the variables in the SELECT */

struct values {
    bool is_null[VARIABLES];
    char text[VARIABLES][VALUE_SIZE];
};

struct scratch {
    struct values wanted, now;
    char sql[SQL_SIZE];
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
    if (strlen(text) >= VALUE_SIZE || strpbrk(text, "'\\") != NULL) {
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
    int used = snprintf(sql, SQL_SIZE,
                        "SELECT @@wait_timeout, @@max_connections, "
                        "@@read_only");

    for (int i = 0; i < VARIABLES; i++) {
        used += snprintf(sql + used, SQL_SIZE - (size_t)used, ", @@%s",
                         variable_name(session, (enum variable)i));
    }
}

enum reading { READ, NOT_READ, LOST };

static enum reading
read_values(struct session *session, struct scratch *scratch,
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
        return flavour_is_dead(mysql) ? LOST : NOT_READ;
    }
    row = mysql_num_fields(result) == SERVER_VALUES + VARIABLES
              ? mysql_fetch_row(result)
              : NULL;
    taken = row != NULL && take_row(session, values, row);
    mysql_free_result(result);
    return taken ? READ : NOT_READ;
}

/* ---- what to set ---- */

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

/* One SET that leads from `now` to `wanted`, "" when there is nothing to do.
 * Returns the bits of what differs. */
static uint32_t
compose_set(const struct session *session, struct scratch *scratch)
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
        used += snprintf(scratch->sql + used, SQL_SIZE - (size_t)used,
                         "%s%s=%s%s%s", used == 0 ? "SET " : ", ",
                         variable_name(session, (enum variable)i), quote,
                         wanted->is_null[i] ? "NULL" : wanted->text[i],
                         quote);
    }
    return differs;
}

/* Both names mean the same charset; servers answer with the long one. */
static const char *
long_name(const char *charset)
{
    return strcmp(charset, "utf8") == 0 ? "utf8mb3" : charset;
}

static bool
is_charset(const char *actual, const struct settings *settings)
{
    return strcasecmp(long_name(actual), long_name(settings->charset)) == 0;
}

/* A defaults file, or a server that skips what the handshake asks for, may
 * have chosen another charset than settings, on one side or on both. */
static enum reading
insist_on_charset(struct session *session, const struct settings *settings,
                  struct scratch *scratch)
{
    if (is_charset(scratch->wanted.text[CHARSET_CLIENT], settings) &&
        is_charset(mysql_character_set_name(session->mysql), settings)) {
        return READ;
    }
    if (mysql_set_character_set(session->mysql, settings->charset) != 0) {
        return LOST;
    }
    return read_values(session, scratch, &scratch->wanted);
}

static bool
run_set(struct session *session, const char *sql)
{
    return sql[0] == '\0' || mysql_query(session->mysql, sql) == 0;
}

static bool
keep_repair(struct session *session, const char *sql, uint32_t forgets,
            dew_error *error)
{
    session->forgets = forgets;
    if (forgets == 0) {
        return true;
    }
    session->repair_sql = memory_copy_string(sql);
    if (session->repair_sql == NULL) {
        error_set(error, DEW_ENOMEM, DEW_STAGE_CONNECT,
                  "no memory for a session");
        return false;
    }
    return true;
}

static bool
fail(const struct session *session, dew_error *error)
{
    session_last_error(session, DEW_STAGE_CONNECT, error);
    return false;
}

static bool
sends_resets(const struct settings *settings)
{
    return settings->reset == DEW_RESET_AUTO ||
           settings->reset == DEW_RESET_ALWAYS;
}

/* The server would not tell: put everything that matters back, always. */
static bool
learn_nothing(struct session *session, const struct settings *settings,
              struct scratch *scratch, dew_error *error)
{
    snprintf(scratch->sql, SQL_SIZE, "SET NAMES %s, autocommit=%d",
             settings->charset, settings->autocommit ? 1 : 0);
    if (!run_set(session, scratch->sql)) {
        return fail(session, error);
    }
    return !sends_resets(settings) ||
           keep_repair(session, scratch->sql,
                       FORGETS_CHARSET | FORGETS_AUTOCOMMIT, error);
}

static bool
learn_with(struct session *session, const struct settings *settings,
           struct scratch *scratch, dew_error *error)
{
    enum reading reading = read_values(session, scratch, &scratch->wanted);
    uint32_t forgets;

    if (reading == READ) {
        reading = insist_on_charset(session, settings, scratch);
    }
    if (reading != READ) {
        return reading == LOST
                   ? fail(session, error)
                   : learn_nothing(session, settings, scratch, error);
    }
    scratch->now = scratch->wanted;
    if (sends_resets(settings) &&
        (!session_reset_now(session, settings) ||
         read_values(session, scratch, &scratch->now) != READ)) {
        return fail(session, error);
    }
    strcpy(scratch->wanted.text[AUTOCOMMIT], settings->autocommit ? "1" : "0");
    forgets = compose_set(session, scratch);
    if (!run_set(session, scratch->sql)) {
        return fail(session, error);
    }
    return !sends_resets(settings) ||
           keep_repair(session, scratch->sql, forgets, error);
}

static void
learn_greeting(struct session *session)
{
    MYSQL *const mysql = session->mysql;
    const char *const greeting = mysql_get_server_info(mysql);

    session->server.is_mariadb =
        greeting != NULL && strstr(greeting, "MariaDB") != NULL;
    session->server.version = mysql_get_server_version(mysql);
    session->thread_id = mysql_thread_id(mysql);
    session->plain = !flavour_is_wrapped(mysql);
}

bool
session_learn(struct session *session, const struct settings *settings,
              dew_error *error)
{
    struct scratch *const scratch = memory_zeroed(sizeof(*scratch));
    bool learnt;

    if (scratch == NULL) {
        error_set(error, DEW_ENOMEM, DEW_STAGE_CONNECT,
                  "no memory for a session");
        return false;
    }
    learn_greeting(session);
    learnt = learn_with(session, settings, scratch, error);
    session->charset = session->mysql->charset;
    memory_free(scratch);
    return learnt;
}
