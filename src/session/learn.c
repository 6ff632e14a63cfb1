/* SPDX-License-Identifier: MIT */
/* Learns what the server is and what a reset forgets on it. */
/*
 * One SELECT, a reset, the same SELECT again, and one SET for what differs:
 * four round trips at most in the ordinary case. The SET is kept, because
 * each later reset forgets the same things. Where no reset will ever be sent
 * (DEW_RESET_ROLLBACK, DEW_RESET_NEVER) there is only the first SELECT and,
 * if it takes one, the SET. The same is so where an earlier session has seen
 * just what this one sees (lore.h): most sessions of a pool take one round
 * trip, whose answer is also the proof that the session is in step.
 *
 * A server (or proxy) that cannot answer the SELECT is taken to forget charset
 * and autocommit: putting back what is right already costs little.
 */
#define _GNU_SOURCE 1
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/mutant.h"
#include "session/values.h"

/* Both names mean the same charset; servers answer with the long one. */
static const char *
long_name(const char *charset)
{
    return strcmp(charset, "utf8") == 0 ? "utf8mb3" : charset;
}

static bool
is_charset(const char *actual, const struct settings *settings)
{
    return actual != NULL &&
           strcasecmp(long_name(actual), long_name(settings->charset)) == 0;
}

/* A defaults file, or a server that skips what the handshake asks for, may
 * have chosen another charset than settings, on one side or on both. */
static enum values_reading
insist_on_charset(struct session *session, const struct settings *settings,
                  struct values_scratch *scratch)
{
    if (is_charset(scratch->wanted.text[CHARSET_CLIENT], settings) &&
        is_charset(mysql_character_set_name(session->mysql), settings)) {
        return VALUES_READ;
    }
    if (mysql_set_character_set(session->mysql, settings->charset) != 0) {
        return VALUES_LOST;
    }
    return values_read(session, scratch, &scratch->wanted);
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
    session->forgets = (uint8_t)forgets;
    if (MUTANT(41)) { return true; }
    if (forgets == 0) {
        return true;
    }
    session->repair_sql = memory_copy_string(sql);
    if (session->repair_sql == NULL) {
        error_no_memory(error, DEW_STAGE_CONNECT, "a session");
        return false;
    }
    return true;
}

static bool
fail(const struct session *session, dew_error *error)
{
    if (mysql_errno(session->mysql) == 0 && !flavour_is_dead(session->mysql)) {
        error_set(error, DEW_ECONNECT, DEW_STAGE_CONNECT,
                  "the server answered something else than it was asked");
    } else {
        session_last_error(session, DEW_STAGE_CONNECT, error);
    }
    return false;
}

static bool
sends_resets(const struct settings *settings)
{
    return settings->reset == DEW_RESET_AUTO ||
           settings->reset == DEW_RESET_ALWAYS;
}

/* The server would not tell: put everything that matters back, always. One
 * that said why and then hung up has said it all: that is what is told. */
static bool
learn_nothing(struct session *session, const struct settings *settings,
              struct values_scratch *scratch, dew_error *error)
{
    dew_error why = {.code = DEW_OK};

    (void)fail(session, &why);
    snprintf(scratch->sql, VALUES_SQL_SIZE, "SET NAMES %s, autocommit=%d",
             settings->charset, settings->autocommit ? 1 : 0);
    if (!run_set(session, scratch->sql)) {
        if (why.mysql_errno != 0 && flavour_is_dead(session->mysql)) {
            (void)error_copy(error, &why);
            return false;
        }
        return fail(session, error);
    }
    return !sends_resets(settings) ||
           keep_repair(session, scratch->sql,
                       FORGETS_CHARSET | FORGETS_AUTOCOMMIT, error);
}

/* Brings the session from `now` to `wanted`; the last answer proves that it is
 * in step where nothing had to be asked behind it. */
static bool
bring(struct session *session, struct values_scratch *scratch, bool *proven,
      dew_error *error)
{
    *proven = scratch->sql[0] == '\0' && question_was_last(session);
    return run_set(session, scratch->sql) || fail(session, error);
}

static void
want_autocommit(struct values_scratch *scratch, const struct settings *settings)
{
    scratch->wanted.text[AUTOCOMMIT] = settings->autocommit ? "1" : "0";
}

/* What a reset forgets, by trying. */
static bool
try_reset(struct session *session, const struct settings *settings,
          struct values_scratch *scratch, bool *proven, dew_error *error)
{
    if (sends_resets(settings) &&
        (!session_reset_now(session) ||
         values_read(session, scratch, &scratch->now) != VALUES_READ)) {
        return fail(session, error);
    }
    want_autocommit(scratch, settings);
    const uint32_t forgets = values_compose_set(session, scratch);
    return bring(session, scratch, proven, error) &&
           (!sends_resets(settings) ||
            keep_repair(session, scratch->sql, forgets, error));
}

static bool
learn_with(struct session *session, const struct settings *settings,
           struct session_lore *lore, struct values_scratch *scratch,
           bool *proven, dew_error *error)
{
    enum values_reading reading =
        values_read(session, scratch, &scratch->wanted);

    if (reading == VALUES_READ) {
        reading = insist_on_charset(session, settings, scratch);
    }
    if (reading != VALUES_READ) {
        return reading == VALUES_LOST
                   ? fail(session, error)
                   : learn_nothing(session, settings, scratch, error);
    }
    memcpy(scratch->now.text, scratch->wanted.text,
           sizeof(scratch->now.text));
    enum lore_found found = LORE_NOTHING;
    if (scratch->seen[0] != '\0') {
        found = lore_find(lore, scratch->seen, session);
    }
    if (found == LORE_FOUND) {
        want_autocommit(scratch, settings);
        (void)values_compose_set(session, scratch);
        return bring(session, scratch, proven, error);
    }
    if (found == LORE_NO_MEMORY) {
        error_no_memory(error, DEW_STAGE_CONNECT, "a session");
        return false;
    }
    if (!try_reset(session, settings, scratch, proven, error)) {
        return false;
    }
    if (scratch->seen[0] != '\0') {
        lore_keep(lore, scratch->seen, session);
    }
    return true;
}

/* "8.0.36-log" is 80036. Not by mysql_get_server_version: Connector/C's reads
 * past the end of a version that has fewer than three numbers. MariaDB's servers
 * say "5.5.5-" first, for old replicas' sake; Oracle's library leaves it there. */
static uint32_t
version_of(const char *greeting)
{
    const char prefix[] = "5.5.5-";
    uint32_t version = 0;

    if (strncmp(greeting, prefix, sizeof prefix - 1) == 0 &&
        isdigit((unsigned char)greeting[sizeof prefix - 1])) {
        greeting += sizeof prefix - 1;
    }
    for (int part = 0; part < 3; part++) {
        uint32_t number = 0;
        for (; *greeting >= '0' && *greeting <= '9'; greeting++) {
            number = number * 10 + (uint32_t)(*greeting - '0');
        }
        version = version * 100 + number;
        greeting += *greeting == '.';
    }
    return version;
}

static void
learn_greeting(struct session *session)
{
    MYSQL *const mysql = session->mysql;
    const char *const greeting = mysql_get_server_info(mysql);

    session->server.is_mariadb =
        greeting != NULL && strstr(greeting, "MariaDB") != NULL;
    session->server.version = version_of(greeting == NULL ? "" : greeting);
    session->thread_id = mysql_thread_id(mysql);
    session->plain = !flavour_is_wrapped(mysql);
}

bool
session_learn(struct session *session, const struct settings *settings,
              struct session_lore *lore, bool *proven, dew_error *error)
{
    /* Some 9 kB, and not from the heap: there it would lie behind what the
     * session keeps, and each session would touch as much memory more. */
    struct values_scratch scratch;

    learn_greeting(session);
    values_scratch_init(&scratch, lore != NULL && sends_resets(settings),
                        sends_resets(settings) && rights_are_kept(session));
    const bool learnt =
        learn_with(session, settings, lore, &scratch, proven, error);
    session->charset = session->mysql->charset;
    return learnt;
}

bool
session_learn_again(struct session *session, const struct settings *settings,
                    bool *proven, dew_error *error)
{
    if (settings->init_sql == NULL && settings->on_connect == NULL) {
        return true;
    }
    *proven = false;
    return session->server.wait_timeout_s == 0 ||
           facts_read_again(session, proven) || fail(session, error);
}
