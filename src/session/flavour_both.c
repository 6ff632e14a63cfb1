/* SPDX-License-Identifier: MIT */
/* The accessors of flavour.h that are the same text for both libraries. */
#include <stdio.h>
#include <string.h>

#include "base/mutant.h"
#include "session/flavour.h"

#define STATEMENT_CLOSED 2056u /* CR_STMT_CLOSED of either errmsg.h */

flavour_infile *flavour_default_infile;

/* As both libraries do it themselves when a handle is closed or reset. */
void
flavour_detach_statements(MYSQL *mysql)
{
    if (MUTANT(45)) { return; }
    for (LIST *item = mysql->stmts; item != NULL; item = item->next) {
        MYSQL_STMT *const statement = item->data;

        statement->mysql = NULL;
        statement->last_errno = STATEMENT_CLOSED;
        memcpy(statement->sqlstate, "HY000", sizeof("HY000"));
        (void)snprintf(statement->last_error, sizeof(statement->last_error),
                       "Statement closed: its connection was given back");
    }
    mysql->stmts = NULL;
}

bool
flavour_send_query(MYSQL *mysql, const char *sql, size_t length)
{
    return mysql_send_query(mysql, sql, (unsigned long)length) == 0;
}
