/* SPDX-License-Identifier: MIT */
/* Whose rights a session has: the role that SET ROLE chose, and the way back. */
/*
 * COM_RESET_CONNECTION keeps that role on both kinds of servers (tried: MariaDB
 * 10.11 and 11.8, MySQL 9.7), and on MariaDB's so does COM_CHANGE_USER. The next
 * borrower would work with the rights of another. So each clean-up asks for it
 * in its proof (proof.c), as a number; what is not the session's own is put
 * back, or the session is closed.
 *
 * ITS OWN are two: what it had when init_sql and on_connect began, and what they
 * made of it. For they run again: from the first they lead to the second, as
 * they did before; and it is no borrower's doing that COM_CHANGE_USER, or a
 * proxy that deals with a reset by itself, brings a session back to the first.
 *
 * THE WAY BACK is to the first: SET ROLE NONE where that was none, which any
 * user may say. SET ROLE DEFAULT leads to what the account has from its login
 * (SET DEFAULT ROLE); MariaDB's servers do not know it, and refuse: there the
 * session is closed.
 */
#include <stdlib.h>

#include "session/parts.h"
#include "session/values.h"

#define FIRST_MARIADB_WITH_ROLES 100005u
#define FIRST_MYSQL_WITH_ROLES 80000u
#define CRC32_OF_NONE 1225125243u

bool
rights_are_kept(const struct session *session)
{
    return session->server.version >= (session->server.is_mariadb
                                           ? FIRST_MARIADB_WITH_ROLES
                                           : FIRST_MYSQL_WITH_ROLES);
}

/* Without a role MariaDB's servers say NULL, and MySQL's NONE. */
bool
rights_read(const char *text, uint32_t *rights)
{
    char *end = NULL;

    *rights = 0;
    if (text == NULL) {
        return true;
    }
    const unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number > UINT32_MAX) {
        return false;
    }
    *rights = number == CRC32_OF_NONE ? 0 : (uint32_t)number;
    return true;
}

void
rights_note(struct session *session, const char *text)
{
    const bool is_first = !session->rights_known;
    uint32_t rights;

    session->rights_known = rights_read(text, &rights);
    if (session->rights_known) {
        session->rights = rights;
        session->rights_begun = is_first ? rights : session->rights_begun;
    }
}

bool
rights_put_back(struct session *session, struct proof *proof)
{
    if (!proof_run(session, session->rights_begun == 0 ? "SET ROLE NONE"
                                                       : "SET ROLE DEFAULT")) {
        return false;
    }
    proof->other_rights = false;
    return proof_send_behind_reset(session) && proof_read(session, proof) &&
           !proof->other_rights;
}
