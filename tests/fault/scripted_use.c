/* SPDX-License-Identifier: MIT */
/* Goal: whatever a server does wrong to a session that lives, the call that
 * meets it ends in time, no borrower sees a wrong answer, and the pool is whole
 * and works when the server does. Method: each misdeed at a borrower's query,
 * a ping, the return's reset, the rest, and the goodbye, on both servers. */
/* ctest: timeout=600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixture/scripted_cells.h"

enum way { PING, QUERY, RETURN, DETACH, REST, CLOSE, WAYS };
static const char *const way_names[WAYS] = {"ping",   "query", "return",
                                            "detach", "rest",  "close"};

/* Of its own answers only: what the borrower's query brought is his. */
static void
give_back(struct cell *cell, dew_conn *conn)
{
    const int64_t since_ms = kit_now_ms();

    CELL_CHECK(cell, dew_release(conn) == DEW_OK, "release");
    cell_in_time(cell, since_ms, CELL_MS);
}

/* The next borrower gets a session in step, this one or another. */
static void
next_borrows(struct cell *cell, dew_pool *pool)
{
    dew_error error = {.code = DEW_OK};
    dew_conn conn;
    const dew_code code = dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error);

    CELL_CHECK(cell, code == DEW_OK, "next borrow: %s", error.message);
    if (code == DEW_OK) {
        (void)cell_answers(cell, conn.mysql);
        give_back(cell, &conn);
    }
}

/* Who falls silent after his reset was answered is as quiet as any that rest:
 * only the query of whoever borrows him next can tell. */
static void
next_may_meet_silence(struct cell *cell, dew_pool *pool)
{
    dew_error error = {.code = DEW_OK};
    dew_conn conn;
    const dew_code code = dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error);

    CELL_CHECK(cell, code == DEW_OK, "next borrow: %s", error.message);
    if (code == DEW_OK) {
        CELL_CHECK(cell,
                   mysql_query(conn.mysql, "DO 1") == 0 ||
                       mysql_errno(conn.mysql) == 2013 ||
                       mysql_errno(conn.mysql) == 2006,
                   "silence was told as %u", mysql_errno(conn.mysql));
        give_back(cell, &conn);
    }
}

static void
ping(struct cell *cell, dew_conn *conn)
{
    const enum misdeed_end end = cell->misdeed->end;
    const int64_t since_ms = kit_now_ms();
    dew_error error = {.code = DEW_OK};
    const dew_code code = dew_ping(conn, &error);

    cell_in_time(cell, since_ms, CELL_MS);
    if (code != DEW_OK || end == MISDEED_HANGS || end == MISDEED_LOST ||
        end == MISDEED_REFUSED) {
        CELL_CHECK(cell, code == DEW_ECONNECT, "ping: %s: %s",
                   dew_code_name(code), error.message);
        CELL_CHECK(cell, error.stage == DEW_STAGE_VALIDATE &&
                             error.message[0] != '\0',
                   "ping's stage is %s", dew_stage_name(error.stage));
    }
    CELL_CHECK(cell, end != MISDEED_FINE || code == DEW_OK, "ping: %s",
               error.message);
}

/* A query that may hang is ended by its read timeout, a whole second. */
static void
query(dew_conn *conn)
{
    if (mysql_query(conn->mysql, "SELECT 'misdeed'") == 0) {
        MYSQL_RES *const result = mysql_use_result(conn->mysql);

        if (result != NULL) {
            (void)mysql_fetch_row(result);
            /* Only its memory: of rows without end the return has to get rid. */
            result->handle = NULL;
            mysql_free_result(result);
        }
    }
}

static void
use(struct cell *cell, dew_pool *pool, dew_conn *conn)
{
    MYSQL *handle;

    switch ((enum way)cell->way) {
    case PING: ping(cell, conn); break;
    case QUERY: query(conn); break;
    case RETURN: (void)mysql_query(conn->mysql, "DO 1"); break;
    case DETACH:
        handle = dew_detach(conn);
        CELL_CHECK(cell, handle != NULL, "detach");
        CELL_CHECK(cell, kit_stats(pool).conns_open == 0, "its place");
        mysql_close(handle);
        break;
    case REST:
    case CLOSE:
    case WAYS: break;
    }
}

/* When the misdeed is played, and to what. */
static dew_script_step
step_of(const struct cell *cell)
{
    dew_script_step step =
        cell->way == RETURN
            ? cell_step(cell, DEW_SCRIPT_ANSWER, DEW_SCRIPT_RESET_CONNECTION,
                        NULL)
        : cell->way == QUERY
            ? cell_step(cell, DEW_SCRIPT_ANSWER, DEW_SCRIPT_QUERY, "misdeed")
        : cell->way == PING
            ? cell_step(cell, DEW_SCRIPT_ANSWER, DEW_SCRIPT_QUERY, "dewpond")
            : cell_step(cell, DEW_SCRIPT_ANSWER, DEW_SCRIPT_QUIT, NULL);

    step.times = 1;
    return step;
}

static void
run(struct cell *cell)
{
    const dew_script_step step = step_of(cell);
    dew_error error = {.code = DEW_OK};
    dew_pool *pool = NULL;
    dew_config config;
    dew_conn conn;

    script_config(&config, cell->server, false);
    config.ping_timeout_ms = CELL_MS - 50;
    config.read_timeout_ms = 1000;
    config.bypass_ms = DEW_ZERO; /* who has just rested is looked at, too */
    if (dew_pool_open(&pool, &config, &error) != DEW_OK ||
        dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error) != DEW_OK) {
        cell_fail(cell, "the good beginning: %s", error.message);
        return;
    }
    if (cell->way == REST) {
        give_back(cell, &conn);
        next_borrows(cell, pool); /* its reset is answered */
        /* What comes while a borrower is at work only he can notice. */
        (void)dew_script_strike(cell->server, &step, step.after_ms + CELL_MS);
        if (cell->misdeed->end == MISDEED_HANGS) {
            next_may_meet_silence(cell, pool);
        }
    } else {
        cell_play(cell, &step);
        use(cell, pool, &conn);
        if (cell->way != DETACH) {
            give_back(cell, &conn);
        }
    }
    if (cell->way != CLOSE) {
        next_borrows(cell, pool);
        cell_is_whole(cell, pool);
        cell_recovers(cell, pool);
    }
    cell_close(cell, pool);
}

static void
run_kind(dew_script_kind kind, const char *title)
{
    const size_t count = misdeed_count * WAYS;
    struct cell *const cells = calloc(count, sizeof *cells);

    assert_non_null(cells);
    for (size_t i = 0; i < count; i++) {
        cells[i] = (struct cell){.run = run,
                                 .kind = kind,
                                 .misdeed = &misdeeds[i / WAYS],
                                 .way = (unsigned)(i % WAYS),
                                 .place_name = "a session that lives",
                                 .way_name = way_names[i % WAYS]};
    }
    cells_run(cells, count, title);
    free(cells);
}

static void
every_misdeed_of_a_mariadb_server_to_a_session_that_lives_is_met(void **state)
{
    (void)state;
    run_kind(DEW_SCRIPT_MARIADB, "using, MariaDB");
}

static void
every_misdeed_of_a_mysql_server_to_a_session_that_lives_is_met(void **state)
{
    (void)state;
    run_kind(DEW_SCRIPT_MYSQL, "using, MySQL");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_misdeed_of_a_mariadb_server_to_a_session_that_lives_is_met),
        cmocka_unit_test(
            every_misdeed_of_a_mysql_server_to_a_session_that_lives_is_met),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
