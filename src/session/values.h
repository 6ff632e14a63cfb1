/* SPDX-License-Identifier: MIT */
/* Values of a server: of variables that a reset may forget, and its own. */
#ifndef DEWPOND_SESSION_VALUES_H
#define DEWPOND_SESSION_VALUES_H

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

#define VALUES_TEXT_SIZE 1024 /* all of sql_mode's words are about 700 bytes */
#define VALUES_SQL_SIZE (VARIABLES * (VALUES_TEXT_SIZE + 64))

struct values {
    bool is_null[VARIABLES];
    char text[VARIABLES][VALUES_TEXT_SIZE];
};

struct values_scratch {
    struct values wanted, now;
    char sql[VALUES_SQL_SIZE];
};

/* ---- facts.c: what session->server is made of ---- */

/* How many are asked for: all, or those that every server and proxy knows. */
#define FACTS_ALL 10u
#define FACTS_FEW 3u

/* MySQL 8 dropped the old names (tx_...); MariaDB learnt the new ones in 11.1. */
bool facts_old_names(const struct session *session);
/* The columns of a SELECT, "@@a,@@b"; returns their length. */
int facts_write(const struct session *session, uint32_t count, char *sql,
                size_t size);
/* Takes the first `count` columns of the answer. */
void facts_take(struct session *session, uint32_t count, char *const *row);
/* The same for what keeps the server from writing, where facts_take was. */
int facts_write_role(const struct session *session, char *sql, size_t size);
/* How many columns that is. */
uint32_t facts_of_role(const struct session *session);
/* True: these columns say that the server takes no writes. */
bool facts_role(const struct session *session, char *const *columns);
/* session->server.wait_timeout_s as it is now. False: the connection is gone. */
bool facts_read_timeout(struct session *session);

/* ---- values.c ---- */

enum values_reading { VALUES_READ, VALUES_NOT_READ, VALUES_LOST };

/* One SELECT for all of them and for what session->server tells. LOST: the
 * connection is gone. NOT_READ: no answer that can be used. */
enum values_reading values_read(struct session *session,
                                struct values_scratch *scratch,
                                struct values *values);
/* In scratch->sql: one SET that leads from `now` to `wanted`, "" when there is
 * nothing to do. Returns the bits of what differs. */
uint32_t values_compose_set(const struct session *session,
                            struct values_scratch *scratch);

#endif
