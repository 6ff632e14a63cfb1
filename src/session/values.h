/* SPDX-License-Identifier: MIT */
/* Values of a server: of variables that a reset may forget, and its own. */
#ifndef DEWPOND_SESSION_VALUES_H
#define DEWPOND_SESSION_VALUES_H

#include <assert.h>
#include <string.h>

#include "session/lore.h"

/* Writes a text at `at` and returns its end; the room, up to `end`, is large
 * enough. Each session that opens writes some fifty of them, and a formatter
 * takes seven times as many instructions. */
static inline char *
values_put(char *at, const char *end, const char *text)
{
    const size_t length = strlen(text);

    assert(length < (size_t)(end - at));
    (void)end; /* without assertions */
    memcpy(at, text, length + 1);
    return at + length;
}

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

#define VALUES_ROOM 2048 /* all of sql_mode's words are about 700 bytes */
#define VALUES_SQL_SIZE (VALUES_ROOM + VARIABLES * 64)

struct values {
    const char *text[VARIABLES]; /* in `room`, or constant; NULL is NULL */
    size_t used;
    char room[VALUES_ROOM];
};

struct values_scratch {
    struct values wanted, now;
    char sql[VALUES_SQL_SIZE];
    /* The first answer in one text, with the server's own values, if lore is
     * asked for; "" if it is too long for that. */
    bool wants_lore;
    bool wants_rights; /* the first question asks for them, too */
    char seen[LORE_SEEN_SIZE];
};

/* The rooms stay as they are: whoever writes a text ends it. */
static inline void
values_scratch_init(struct values_scratch *scratch, bool wants_lore,
                    bool wants_rights)
{
    memset(scratch->wanted.text, 0, sizeof scratch->wanted.text);
    memset(scratch->now.text, 0, sizeof scratch->now.text);
    scratch->wanted.used = scratch->now.used = 0;
    scratch->sql[0] = scratch->seen[0] = '\0';
    scratch->wants_lore = wants_lore;
    scratch->wants_rights = wants_rights;
}

/* ---- facts.c: what session->server is made of ---- */

/* How many are asked for: all, or those that every server and proxy knows. */
#define FACTS_ALL 10u
#define FACTS_FEW 3u

/* MySQL 8 dropped the old names (tx_...); MariaDB learnt the new ones in 11.1. */
bool facts_old_names(const struct session *session);
/* The columns of a SELECT, "@@a,@@b", from `at` on; returns their end. */
char *facts_write(const struct session *session, uint32_t count, char *at,
                  const char *end);
/* Takes the first `count` columns of the answer. */
void facts_take(struct session *session, uint32_t count, char *const *row);
/* The same for what keeps the server from writing, where facts_take was. */
char *facts_write_role(const struct session *session, char *at,
                       const char *end);
/* How many columns that is. */
uint32_t facts_of_role(const struct session *session);
/* True: these columns say that the server takes no writes. */
bool facts_role(const struct session *session, char *const *columns);
/* What init_sql and on_connect may have changed: session->server.wait_timeout_s
 * and, where they are known, the rights; *proven as in session_learn. False: the
 * connection is gone. */
bool facts_read_again(struct session *session, bool *proven);

/* ---- rights.c: the role that SET ROLE chose ---- */

/* A hash of its name. As a column of its own it costs a server next to nothing;
 * added to the proof's number it took MariaDB's 4 us (seen: 15 us without, 20 with it). */
#define RIGHTS_SQL "CRC32(CURRENT_ROLE())"
/* What that says: 0 for none. False: it is no such number. */
bool rights_read(const char *text, uint32_t *rights);
/* Whether this server has roles: its reset keeps the one that is chosen. */
bool rights_are_kept(const struct session *session);
/* The session's are these from now on: the first time before init_sql and
 * on_connect. Text that is no such number leaves them unknown. */
void rights_note(struct session *session, const char *text);

/* ---- question.c ---- */

#define QUESTION_SIZE 2048 /* bytes that all columns and the number take */

enum values_reading { VALUES_READ, VALUES_NOT_READ, VALUES_LOST };

/* Selects `count` columns behind a number of our own, new each time: exactly one
 * row with that number is the answer. `take` is called with our columns and
 * returns false if it cannot use them (NOT_READ, as where the server refuses).
 * LOST: the connection is gone, or that was the answer to something else. */
typedef bool question_take(char *const *row, uint32_t count, void *arg);
enum values_reading question_ask(struct session *session, const char *columns,
                                 uint32_t count, question_take *take,
                                 void *arg);
/* Whether nothing came behind the answer, as far as the library can tell: then
 * the session is in step. */
bool question_was_last(const struct session *session);

/* ---- values.c ---- */

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
