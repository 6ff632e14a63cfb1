/* SPDX-License-Identifier: MIT */
/* Asks on a borrowed session and checks that the answer is the asker's own. */
#include "storm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char storm_ask_default[] = "SELECT {nonce}, CONNECTION_ID()";
const char storm_ask_placeholder[] = "{nonce}";

enum {
    NONCE_DIGITS = 20,
    COMPLAINTS_MAX = 5, /* wrong answers told in full; all are counted */
};

/* What the first row of an answer must hold. */
struct expectation {
    bool nonce;   /* column 1 is worker->nonce */
    bool id;      /* column 2 is the session's id */
    bool no_dirt; /* column 3 is NULL, and no transaction is open */
};

enum answer {
    ANSWER_RIGHT,
    ANSWER_WRONG,
    ANSWER_DIRTY,
    ANSWER_FAILED,
};

static enum answer ask(struct storm_worker *worker, MYSQL *mysql,
                       const char *sql, const struct expectation *expected);
static enum answer check_first(struct storm_worker *worker, MYSQL *mysql,
                               MYSQL_RES *result,
                               const struct expectation *expected);
static bool equals(const char *cell, uint64_t number);
static void complain(struct storm_worker *worker, MYSQL *mysql,
                     const char *what, uint64_t expected, const char *got);
static void write_query(char *out, const char *query, uint64_t nonce);

size_t
storm_ask_room(const char *query)
{
    size_t room = strlen(query) + 1;
    for (const char *hole = strstr(query, storm_ask_placeholder); hole != NULL;
         hole = strstr(hole + 1, storm_ask_placeholder)) {
        room += NONCE_DIGITS;
    }
    return room;
}

void
storm_ask(struct storm_worker *worker, MYSQL *mysql)
{
    const struct storm *const storm = worker->storm;
    const char *const query = storm->options->query;
    const struct expectation expected = {
        .nonce = storm->has_nonce,
        .id = storm->compare_id && query == NULL,
    };
    write_query(worker->text, query != NULL ? query : storm_ask_default,
                worker->nonce);
    const uint64_t before_ns = latency_now_ns();
    if (ask(worker, mysql, worker->text, &expected) != ANSWER_FAILED) {
        latency_add(&worker->query, latency_now_ns() - before_ns);
        storm_count(&worker->queries);
    }
}

void
storm_ask_witness(struct storm_worker *worker, MYSQL *mysql)
{
    char sql[96];
    const struct expectation expected = {
        .nonce = true,
        .id = worker->storm->compare_id,
        .no_dirt = true,
    };
    (void)snprintf(sql, sizeof sql,
                   "SELECT %" PRIu64 ", CONNECTION_ID(), @dewpond_dirt",
                   worker->nonce);
    (void)ask(worker, mysql, sql, &expected);
}

void
storm_ask_soil(struct storm_worker *worker, MYSQL *mysql)
{
    char sql[64];
    const struct expectation nothing = {.nonce = false};
    /* A rollback does not promise to clean variables: then none is set. */
    if (worker->storm->options->reset != DEW_RESET_ROLLBACK) {
        (void)snprintf(sql, sizeof sql, "SET @dewpond_dirt = %" PRIu64,
                       worker->nonce);
        (void)ask(worker, mysql, sql, &nothing);
    }
    (void)ask(worker, mysql, "START TRANSACTION", &nothing);
}

/* Reads every result of the answer: one left behind would be dirt of another
 * kind, and cost the session. */
static enum answer
ask(struct storm_worker *worker, MYSQL *mysql, const char *sql,
    const struct expectation *expected)
{
    enum answer answer = ANSWER_RIGHT;
    int more = mysql_real_query(mysql, sql, (unsigned long)strlen(sql));
    for (bool first = true; more == 0; first = false) {
        MYSQL_RES *const result = mysql_store_result(mysql);
        if (result == NULL && mysql_errno(mysql) != 0) {
            more = 1;
            break;
        }
        if (first) {
            answer = check_first(worker, mysql, result, expected);
        }
        if (result != NULL) {
            mysql_free_result(result);
        }
        more = mysql_next_result(mysql);
    }
    if (more > 0) {
        mishaps_add_query(&worker->mishaps, mysql);
        storm_count(&worker->errors);
        return answer == ANSWER_RIGHT ? ANSWER_FAILED : answer;
    }
    return answer;
}

static enum answer
check_first(struct storm_worker *worker, MYSQL *mysql, MYSQL_RES *result,
            const struct expectation *expected)
{
    if (!expected->nonce) {
        return ANSWER_RIGHT;
    }
    const MYSQL_ROW row = result == NULL ? NULL : mysql_fetch_row(result);
    const unsigned fields = result == NULL ? 0 : mysql_num_fields(result);
    const char *const first = row == NULL ? NULL : row[0];
    if (!equals(first, worker->nonce)) {
        complain(worker, mysql, "number", worker->nonce, first);
        storm_count(&worker->wrong);
        return ANSWER_WRONG;
    }
    const unsigned long id = mysql_thread_id(mysql);
    const char *const second = fields < 2 ? NULL : row[1];
    if (expected->id && !equals(second, id)) {
        complain(worker, mysql, "session id", id, second);
        storm_count(&worker->wrong);
        return ANSWER_WRONG;
    }
    if (expected->no_dirt &&
        (fields < 3 || row[2] != NULL ||
         (mysql->server_status & SERVER_STATUS_IN_TRANS) != 0)) {
        storm_count(&worker->dirt);
        return ANSWER_DIRTY;
    }
    return ANSWER_RIGHT;
}

/* Compares values, so that a column type that pads or adds decimals (0042,
 * 42.0) is not taken for somebody else's answer. */
static bool
equals(const char *cell, uint64_t number)
{
    char *end = NULL;
    if (cell == NULL || *cell < '0' || *cell > '9') {
        return false;
    }
    const uint64_t read = strtoull(cell, &end, 10);
    if (*end == '.') {
        end += 1 + strspn(end + 1, "0");
    }
    return read == number && *end == '\0';
}

static void
complain(struct storm_worker *worker, MYSQL *mysql, const char *what,
         uint64_t expected, const char *got)
{
    const unsigned told = atomic_fetch_add_explicit(&worker->storm->complaints,
                                                    1, memory_order_relaxed);
    if (told < COMPLAINTS_MAX) {
        (void)fprintf(stderr,
                      "wrong answer: thread %" PRIu32 " on session %lu wants "
                      "the %s %" PRIu64 " and got %s\n",
                      worker->number, mysql_thread_id(mysql), what, expected,
                      got == NULL ? "nothing" : got);
    }
}

static void
write_query(char *out, const char *query, uint64_t nonce)
{
    const size_t width = strlen(storm_ask_placeholder);
    const char *hole = strstr(query, storm_ask_placeholder);
    while (hole != NULL) {
        const size_t head = (size_t)(hole - query);
        memcpy(out, query, head);
        out += head;
        out += snprintf(out, NONCE_DIGITS + 1, "%" PRIu64, nonce);
        query = hole + width;
        hole = strstr(query, storm_ask_placeholder);
    }
    memcpy(out, query, strlen(query) + 1);
}
