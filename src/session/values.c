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
    const size_t size = text == NULL ? 0 : strlen(text) + 1;

    values->text[variable] = NULL;
    if (text == NULL) {
        return true;
    }
    if (size > VALUES_ROOM - values->used || strpbrk(text, "'\\") != NULL) {
        return false;
    }
    values->text[variable] =
        memcpy(values->room + values->used, text, size);
    values->used += size;
    return true;
}

/* All columns in one text; no value of theirs contains the mark of a NULL. What
 * does not fit is not remembered. */
static void
write_seen(const struct session *session, char *const *row, uint32_t count,
           char *seen)
{
    const char *const end = seen + LORE_SEEN_SIZE;
    char *at = seen;

    for (uint32_t i = 0; i <= count; i++) {
        const char *const text =
            i == 0 ? mysql_get_server_info(session->mysql) : row[i - 1];
        at = memccpy(at, text == NULL ? "\t" : text, '\0', (size_t)(end - at));
        if (at == NULL) {
            seen[0] = '\0';
            return;
        }
        at[-1] = '\n';
    }
    at[-1] = '\0';
}

/* One look at a session. */
struct look_at_values {
    struct session *session;
    struct values_scratch *scratch;
    struct values *values;
    uint32_t facts;
    bool rights; /* in the last column */
};

static bool
take_row(char *const *row, uint32_t count, void *arg)
{
    const struct look_at_values *const look = arg;

    facts_take(look->session, look->facts, row);
    look->values->used = 0;
    for (int i = 0; i < VARIABLES; i++) {
        if (!take_value(look->values, (enum variable)i,
                        row[look->facts + (uint32_t)i])) {
            return false;
        }
    }
    if (look->rights) {
        /* What a reset forgets does not hang on it: not in `seen`. */
        rights_note(look->session, row[--count]);
    }
    if (count > look->facts + VARIABLES) {
        write_seen(look->session, row, count, look->scratch->seen);
    }
    return true;
}

static char *
write_variables(const struct session *session, const char *scope, char *at,
                const char *end)
{
    for (int i = 0; i < VARIABLES; i++) {
        at = values_put(at, end, scope);
        at = values_put(at, end, variable_name(session, (enum variable)i));
    }
    return at;
}

/* The server's own values are what a reset goes back to. One text of them all
 * (CONCAT_WS) takes a MariaDB server as long as a column for each, and needs a
 * mark that no value contains: it was tried. */
static enum values_reading
read_with(struct session *session, uint32_t facts, bool is_first,
          struct values_scratch *scratch, struct values *values)
{
    const bool global = is_first && scratch->wants_lore;
    const bool rights = is_first && scratch->wants_rights;
    struct look_at_values look = {session, scratch, values, facts, rights};
    const char *const end = scratch->sql + VALUES_SQL_SIZE;
    char *at = facts_write(session, facts, scratch->sql, end);

    at = write_variables(session, ",@@", at, end);
    if (global) {
        at = write_variables(session, ",@@global.", at, end);
    }
    if (rights) {
        (void)values_put(at, end, "," RIGHTS_SQL);
    }
    const uint32_t looks = global ? 2 : 1;

    return question_ask(session, scratch->sql,
                        facts + looks * (uint32_t)VARIABLES +
                            (rights ? 1u : 0u),
                        take_row, &look);
}

/* The server understands not every name, or a proxy does not; it is asked for
 * fewer. Whoever refuses for another reason has said what is to be told. */
static bool
wants_fewer(const struct session *session)
{
    switch (mysql_errno(session->mysql)) {
    case 1064: /* syntax */
    case 1046: /* no database to look for an unknown function in */
    case 1105: /* a proxy's "unknown" */
    case 1193: /* unknown system variable */
    case 1235: /* not supported */
    case 1305: /* unknown function */ return true;
    default: return false;
    }
}

enum values_reading
values_read(struct session *session, struct values_scratch *scratch,
            struct values *values)
{
    const bool is_first = session->facts == 0;
    enum values_reading reading =
        read_with(session, is_first ? FACTS_ALL : session->facts, is_first,
                  scratch, values);

    if (reading == VALUES_NOT_READ && is_first && scratch->wants_rights &&
        wants_fewer(session)) {
        /* What says that it is such a server may have another one behind it. */
        scratch->wants_rights = false;
        reading = read_with(session, FACTS_ALL, true, scratch, values);
    }
    if (reading == VALUES_NOT_READ && is_first && wants_fewer(session)) {
        reading = read_with(session, FACTS_FEW, false, scratch, values);
    }
    return reading;
}

static bool
is_number(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static bool
is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
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
        const char *const text = wanted->text[i];
        const char *const quote = text == NULL || is_number(text) ? "" : "'";
        if (is_same(text, scratch->now.text[i])) {
            continue;
        }
        differs |= (uint32_t)variables[i].bit;
        used += snprintf(scratch->sql + used, VALUES_SQL_SIZE - (size_t)used,
                         "%s%s=%s%s%s", used == 0 ? "SET " : ", ",
                         variable_name(session, (enum variable)i), quote,
                         text == NULL ? "NULL" : text, quote);
    }
    return differs;
}
