/* SPDX-License-Identifier: MIT */
/* Which of the server's own values are asked for, and what the answers say. */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session/values.h"

/* Every server has the first FACTS_FEW. */
enum fact {
    WAIT_TIMEOUT,
    MAX_CONNECTIONS,
    READ_ONLY, /* from here to the next name: the role */
    INNODB_READ_ONLY,
    TRANSACTIONS_READ_ONLY,
    HOSTNAME, /* from here to the end: the identity */
    PORT,
    SOCKET,
    SERVER_ID,
    DATADIR,
};

static const char *const names[FACTS_ALL] = {
    [WAIT_TIMEOUT] = "wait_timeout",
    [MAX_CONNECTIONS] = "max_connections",
    [READ_ONLY] = "read_only",
    [INNODB_READ_ONLY] = "innodb_read_only",
    [TRANSACTIONS_READ_ONLY] = NULL, /* its name differs: see below */
    [HOSTNAME] = "hostname",
    [PORT] = "port",
    [SOCKET] = "socket",
    [SERVER_ID] = "server_id",
    [DATADIR] = "datadir",
};

bool
facts_old_names(const struct session *session)
{
    return session->server.is_mariadb || session->server.version < 50720;
}

static const char *
name_of(const struct session *session, uint32_t fact)
{
    if (fact != TRANSACTIONS_READ_ONLY) {
        return names[fact];
    }
    return facts_old_names(session) ? "global.tx_read_only"
                                    : "global.transaction_read_only";
}

static char *
write_columns(const struct session *session, uint32_t first, uint32_t last,
              char *at, const char *end)
{
    for (uint32_t i = first; i < last; i++) {
        at = values_put(at, end, i == first ? "@@" : ",@@");
        at = values_put(at, end, name_of(session, i));
    }
    return at;
}

char *
facts_write(const struct session *session, uint32_t count, char *at,
            const char *end)
{
    return write_columns(session, 0, count, at, end);
}

static uint32_t
role_end(uint32_t count)
{
    return count < HOSTNAME ? count : HOSTNAME;
}

uint32_t
facts_of_role(const struct session *session)
{
    return role_end(session->facts) - READ_ONLY;
}

char *
facts_write_role(const struct session *session, char *at, const char *end)
{
    return write_columns(session, READ_ONLY, role_end(session->facts), at, end);
}

/* New servers have words for kinds of read-only. */
static bool
is_on(const char *text)
{
    return text != NULL && strcmp(text, "0") != 0 && strcmp(text, "OFF") != 0;
}

bool
facts_role(const struct session *session, char *const *columns)
{
    bool read_only = false;

    for (uint32_t i = 0; i < facts_of_role(session); i++) {
        read_only = read_only || is_on(columns[i]);
    }
    return read_only;
}

static int64_t
number_of(const char *text)
{
    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

/* FNV-1a over all of them; never 0, which stands for unknown. */
static uint64_t
identity_of(char *const *row)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (uint32_t i = HOSTNAME; i < FACTS_ALL; i++) {
        const char *text = row[i] == NULL ? "" : row[i];

        do {
            hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
        } while (*text++ != '\0');
    }
    return hash | 1;
}

void
facts_take(struct session *session, uint32_t count, char *const *row)
{
    struct session_server *const server = &session->server;

    session->facts = (uint8_t)count;
    session->role_asked_ms = (uint32_t)clock_coarse_ms();
    server->wait_timeout_s = number_of(row[WAIT_TIMEOUT]);
    server->max_connections = number_of(row[MAX_CONNECTIONS]);
    server->read_only = facts_role(session, row + READ_ONLY);
    server->identity = count == FACTS_ALL ? identity_of(row) : 0;
}

static bool
take_again(char *const *row, uint32_t count, void *arg)
{
    struct session *const session = arg;

    session->server.wait_timeout_s = number_of(row[0]);
    if (count > 1) {
        rights_note(session, row[1]);
    }
    return true;
}

bool
facts_read_again(struct session *session, bool *proven)
{
    const bool rights = session->rights_known;
    const enum values_reading reading = question_ask(
        session, rights ? "@@wait_timeout," RIGHTS_SQL : "@@wait_timeout",
        rights ? 2 : 1, take_again, session);

    session->rights_known = session->rights_known && reading == VALUES_READ;
    *proven = reading == VALUES_READ && question_was_last(session);
    return reading != VALUES_LOST;
}
