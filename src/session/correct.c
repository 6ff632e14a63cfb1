/* SPDX-License-Identifier: MIT */
/* Brings back what the proof of a clean-up showed to be amiss. */
#include "base/mutant.h"
#include "session/parts.h"

static bool
correct_multi_statements(struct session *session,
                         const struct settings *settings,
                         const struct proof *proof, bool *asked)
{
    const bool wanted =
        (settings->client_flags & CLIENT_MULTI_STATEMENTS) != 0;
    if (MUTANT(43)) { return true; }
    if (proof->multi_statements == wanted) {
        return true;
    }
    *asked = true;
    return mysql_set_server_option(session->mysql,
                                   wanted ? MYSQL_OPTION_MULTI_STATEMENTS_ON
                                          : MYSQL_OPTION_MULTI_STATEMENTS_OFF)
           == 0;
}

/* The flags came with the proof: unlike those that the borrower's last
 * command left, they are true. */
static bool
correct_transaction(struct session *session, const struct settings *settings,
                    bool *asked)
{
    const unsigned flags = session->mysql->server_status;
    const bool autocommit = (flags & SERVER_STATUS_AUTOCOMMIT) != 0;
    if ((flags & SERVER_STATUS_IN_TRANS) != 0) {
        return false;
    }
    if (autocommit == settings->autocommit) {
        return true;
    }
    *asked = true;
    return proof_run(session, settings->autocommit ? "SET autocommit=1"
                                                   : "SET autocommit=0");
}

/* Once a database is chosen no command leads back to none. */
static bool
correct_database(struct session *session, const struct proof *proof,
                 bool *asked)
{
    if (MUTANT(42)) { return true; }
    if (proof->database_is_ours) {
        return true;
    }
    *asked = true;
    return session->database != NULL &&
           mysql_select_db(session->mysql, session->database) == 0;
}

bool
correct_what_differs(struct session *session, const struct settings *settings,
                     const struct proof *proof, bool was_reset, bool *asked)
{
    return correct_transaction(session, settings, asked) &&
           correct_multi_statements(session, settings, proof, asked) &&
           (!was_reset || correct_database(session, proof, asked));
}
