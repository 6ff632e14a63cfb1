/* SPDX-License-Identifier: MIT */
/* Asks the server a question that only a session in step can answer. */
/*
 * One query shows three things. Its number is new each time, so a reply to
 * anything else is not taken for its answer. DATABASE() is the one piece of
 * state that no reset brings back. And the comment behind the semicolon is a
 * second, empty statement where several are allowed, which shows in "more
 * results follow"; where they are not it is only a comment. No reset and no
 * COM_CHANGE_USER puts that switch back (mysql_set_server_option), and no
 * variable shows it. Behind a reset the rights are asked for, too (rights.c).
 */
#include <stdio.h>
#include <string.h>

#include "base/mutant.h"
#include "base/poll.h"
#include "base/clock.h"
#include "base/random.h"
#include "session/parts.h"
#include "session/values.h"

/* Reading the server's variables takes locks there: not with every return. */
#define ROLE_EVERY_MS 5000u
#define OWN_COLUMNS 2u

#define ASK "SELECT "
#define ASK_DATABASE ",DATABASE()"
#define ASK_RIGHTS "," RIGHTS_SQL
#define ASK_SWITCH ";/*dewpond*/"

static bool
should_ask_role(const struct session *session)
{
    return session->facts != 0 &&
           (session->refused_write ||
            (uint32_t)clock_coarse_ms() - session->role_asked_ms >=
                ROLE_EVERY_MS);
}

/* The number, the database, and the rights if they are asked for. */
static unsigned
own_columns(const struct session *session)
{
    return session->asks_rights ? OWN_COLUMNS + 1 : OWN_COLUMNS;
}

static unsigned
columns(const struct session *session)
{
    return own_columns(session) +
           (session->asks_role ? facts_of_role(session) : 0);
}

static void
note_role(struct session *session, MYSQL_ROW row)
{
    if (!session->asks_role) {
        return;
    }
    const bool read_only = facts_role(session, row + own_columns(session));
    session->demoted =
        session->demoted || (read_only && !session->server.read_only);
    session->server.read_only = read_only;
    session->role_asked_ms = (uint32_t)clock_coarse_ms();
}

bool
session_is_demoted(const struct session *session)
{
    return session->demoted;
}

/* Part of nearly every return, so no formatter and no division: digits of three
 * bits each, and the first one is not 0. It is a BIGINT of 57 random bits. */
static void
draw_nonce(char digits[SESSION_NONCE_DIGITS + 1])
{
    uint64_t bits = random_u64();

    digits[0] = (char)('1' + (bits & 7));
    for (int i = 1; i < SESSION_NONCE_DIGITS; i++) {
        bits >>= 3;
        digits[i] = (char)('0' + (bits & 7));
    }
    digits[SESSION_NONCE_DIGITS] = '\0';
}

static bool
ask_with_role(struct session *session)
{
    char role[128], sql[256];

    (void)facts_write_role(session, role, role + sizeof role); /* "@@a,@@b" */
    const int length =
        snprintf(sql, sizeof sql, ASK "%s" ASK_DATABASE "%s,%s" ASK_SWITCH,
                 session->nonce, session->asks_rights ? ASK_RIGHTS : "", role);
    return flavour_send_query(session->mysql, sql, (size_t)length);
}

static bool
ask_with_rights(struct session *session)
{
    char sql[] = ASK "1000000000000000000" ASK_DATABASE ASK_RIGHTS ASK_SWITCH;

    memcpy(sql + sizeof ASK - 1, session->nonce, SESSION_NONCE_DIGITS);
    return flavour_send_query(session->mysql, sql, sizeof sql - 1);
}

static bool
ask_alone(struct session *session)
{
    char sql[] = ASK "1000000000000000000" ASK_DATABASE ASK_SWITCH;

    memcpy(sql + sizeof ASK - 1, session->nonce, SESSION_NONCE_DIGITS);
    return flavour_send_query(session->mysql, sql, sizeof sql - 1);
}

static bool
ask(struct session *session)
{
    if (session->asks_role) {
        return ask_with_role(session);
    }
    return session->asks_rights ? ask_with_rights(session) : ask_alone(session);
}

static bool
send_question(struct session *session, bool asks_rights)
{
    draw_nonce(session->nonce);
    session->asks_role = should_ask_role(session);
    session->asks_rights = asks_rights;
    if (!ask(session)) {
        return false;
    }
    session->expected |= ANSWER_NONCE;
    return true;
}

bool
proof_send(struct session *session)
{
    return send_question(session, false);
}

bool
proof_send_behind_reset(struct session *session)
{
    return send_question(session, session->rights_known);
}

bool
proof_await(const struct session *session, const struct io_limit *limit)
{
    struct pollfd polls[2] = {
        {.fd = flavour_socket(session->mysql), .events = POLLIN},
        {.fd = limit->cancel_fd, .events = POLLIN},
    };
    if (flavour_unread_bytes(session->mysql) == FLAVOUR_SOME) {
        return true;
    }
    return poll_until(polls, 2, limit->deadline_ns) > 0 && polls[1].revents == 0;
}

static bool
same_or_both_null(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Fit to be lent with, once init_sql and on_connect have run again. */
static bool
are_own_rights(const struct session *session, uint32_t rights)
{
    if (MUTANT(75)) { return true; }
    return rights == session->rights || rights == session->rights_begun;
}

/* True: they are told where they were asked for. */
static bool
read_rights(const struct session *session, MYSQL_ROW row, struct proof *proof)
{
    uint32_t rights;

    proof->other_rights = false;
    if (!session->asks_rights) {
        return true;
    }
    if (!rights_read(row[OWN_COLUMNS], &rights)) {
        return false;
    }
    proof->other_rights = !are_own_rights(session, rights);
    return true;
}

/* Exactly one row, and it is the one that was asked for. */
static bool
read_row(struct session *session, MYSQL_RES *result, struct proof *proof)
{
    const MYSQL_ROW row = mysql_fetch_row(result);
    if (MUTANT(44) && row != NULL) { proof->database_is_ours = true; return mysql_fetch_row(result) == NULL; }
    if (row == NULL || mysql_num_fields(result) != columns(session) ||
        row[0] == NULL || strcmp(row[0], session->nonce) != 0 ||
        !read_rights(session, row, proof)) {
        return false;
    }
    proof->database_is_ours = same_or_both_null(row[1], session->database);
    note_role(session, row);
    return mysql_fetch_row(result) == NULL &&
           mysql_errno(session->mysql) == 0;
}

static bool
read_answer(struct session *session, struct proof *proof)
{
    MYSQL *const mysql = session->mysql;
    MYSQL_RES *const result =
        flavour_read_answer(mysql) ? mysql_use_result(mysql) : NULL;
    if (result == NULL) {
        return false;
    }
    const bool right = read_row(session, result, proof);
    if (!right) {
        /* Somebody else's rows: freeing must not read them to their end. */
        mysql->status = MYSQL_STATUS_READY;
    }
    mysql_free_result(result);
    if (!right) {
        return false;
    }
    proof->multi_statements = flavour_more_results(mysql);
    return !proof->multi_statements ||
           (mysql_next_result(mysql) == 0 && !flavour_more_results(mysql));
}

bool
proof_read(struct session *session, struct proof *proof)
{
    session->expected &= ~(uint32_t)ANSWER_NONCE;
    const unsigned there =
        session->plain ? flavour_packets_there(session->mysql) : 0;

    /* The counter stands behind our one packet and those of the answer: more
     * than that was there, and the library may have taken it along. */
    return read_answer(session, proof) && there < session->mysql->net.pkt_nr;
}

bool
proof_was_ok(const struct session *session)
{
    return mysql_field_count(session->mysql) == 0 &&
           !flavour_more_results(session->mysql);
}

bool
proof_read_ok(struct session *session)
{
    return flavour_read_answer(session->mysql) && proof_was_ok(session);
}

bool
proof_run(struct session *session, const char *sql)
{
    return flavour_send_query(session->mysql, sql, strlen(sql)) &&
           proof_read_ok(session);
}

bool
proof_was_last(const struct session *session)
{
    return flavour_unread_bytes(session->mysql) != FLAVOUR_SOME &&
           /* Under TLS what can be read may be its own talk. */
           (!session->plain || session_is_quiet(session));
}

bool
proof_needs_last_word(const struct session *session)
{
    return flavour_unread_bytes(session->mysql) == FLAVOUR_UNKNOWN;
}

bool
proof_is_in_step(struct session *session)
{
    struct proof proof;

    return proof_send(session) && proof_read(session, &proof) &&
           proof_was_last(session);
}
