/* SPDX-License-Identifier: MIT */
/* Values of the variables that a reset may forget: read and set. */
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
