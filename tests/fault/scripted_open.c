/* SPDX-License-Identifier: MIT */
/* Goal: whatever a server does wrong while a session opens, who asked for the
 * session is told so, in time and in the server's words, and the pool is whole
 * and works when the server does. Method: each misdeed at each moment of a
 * connect, by open, borrow and dew_connect, against both kinds of server. */
/* ctest: timeout=600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/scripted_cells.h"

#define CONNECT_MS (CELL_MS - 50)

static const struct place {
    const char *name;
    dew_script_moment moment;
    unsigned command;
    const char *like;
    unsigned at;
    dew_script_login login;
} places[] = {
    {"greeting", DEW_SCRIPT_GREETING, 0, NULL, 0, DEW_SCRIPT_LOGIN_DEFAULT},
    {"switch", DEW_SCRIPT_AUTH, 0, NULL, 0, DEW_SCRIPT_LOGIN_SWITCH},
    {"welcome", DEW_SCRIPT_WELCOME, 0, NULL, 0, DEW_SCRIPT_LOGIN_DEFAULT},
    {"first query", DEW_SCRIPT_ANSWER, DEW_SCRIPT_QUERY, "@@wait_timeout", 1,
     DEW_SCRIPT_LOGIN_DEFAULT},
    {"first reset", DEW_SCRIPT_ANSWER, DEW_SCRIPT_RESET_CONNECTION, NULL, 1,
     DEW_SCRIPT_LOGIN_DEFAULT},
    {"second query", DEW_SCRIPT_ANSWER, DEW_SCRIPT_QUERY, "@@wait_timeout", 2,
     DEW_SCRIPT_LOGIN_DEFAULT},
    {"init_sql", DEW_SCRIPT_ANSWER, DEW_SCRIPT_QUERY, "beginning", 0,
     DEW_SCRIPT_LOGIN_DEFAULT},
};
enum { PLACES = sizeof places / sizeof places[0] };

enum way { OPEN, BORROW, BORROW_ALONE, CONNECT, WAYS };
static const char *const way_names[WAYS] = {"open", "borrow",
                                            "borrow without threads",
                                            "dew_connect"};

static void
configure(const struct cell *cell, dew_config *config)
{
    script_config(config, cell->server, false);
    config->password = "secret";
    config->init_sql = "DO 'beginning'";
    config->connect_timeout_ms = CONNECT_MS;
    config->fail_fast_after_ms = DEW_ZERO;
    config->pre_create = cell->way == OPEN ? 1 : 0;
    config->flags = cell->way == BORROW_ALONE ? DEW_NO_THREADS : 0;
}

/* Good only if it can be used, bad only as the misdeed wants it. */
static void
judge(struct cell *cell, dew_code code, const dew_error *error)
{
    const enum misdeed_end end = cell->misdeed->end;

    /* An answer to the login or the reset that only looks wrong: then the
     * session is in step, as its own answers have to show. */
    if (code == DEW_OK && (end == MISDEED_STRAY || end == MISDEED_GARBLED)) {
        return;
    }
    cell_is_told(cell, code, error,
                 end == MISDEED_FINE ? DEW_OK : DEW_ECONNECT,
                 DEW_STAGE_CONNECT);
}

static void
run_connect(struct cell *cell, const dew_config *config)
{
    const int64_t since_ms = kit_now_ms();
    dew_error error = {.code = DEW_OK};
    dew_conn conn;
    const dew_code code = dew_connect(config, &conn, &error);

    cell_in_time(cell, since_ms, CONNECT_MS);
    judge(cell, code, &error);
    cell_was_played(cell, 1);
    if (code == DEW_OK) {
        (void)cell_answers(cell, conn.mysql);
        CELL_CHECK(cell, dew_release(&conn) == DEW_OK, "release");
    }
}

static void
run_borrow(struct cell *cell, const dew_config *config)
{
    dew_error error = {.code = DEW_OK};
    dew_conn conn;
    dew_pool *pool = NULL;

    if (dew_pool_open(&pool, config, &error) != DEW_OK) {
        cell_fail(cell, "open: %s", error.message);
        return;
    }
    const int64_t since_ms = kit_now_ms();
    const dew_code code = dew_acquire(pool, CELL_MS, &conn, &error);
    cell_in_time(cell, since_ms, CELL_MS);
    judge(cell, code, &error);
    cell_was_played(cell, 1);
    if (code == DEW_OK) {
        (void)cell_answers(cell, conn.mysql);
        CELL_CHECK(cell, dew_release(&conn) == DEW_OK, "release");
    }
    cell_is_whole(cell, pool);
    cell_recovers(cell, pool);
    cell_close(cell, pool);
}

static void
run_open(struct cell *cell, const dew_config *config)
{
    const int64_t since_ms = kit_now_ms();
    dew_error error = {.code = DEW_OK};
    dew_pool *pool = NULL;
    dew_code code = dew_pool_open(&pool, config, &error);

    cell_in_time(cell, since_ms, CONNECT_MS);
    judge(cell, code, &error);
    cell_was_played(cell, 1);
    CELL_CHECK(cell, (code == DEW_OK) == (pool != NULL), "pool and code");
    if (code != DEW_OK) {
        cell_play(cell, NULL);
        code = dew_pool_open(&pool, config, &error);
        CELL_CHECK(cell, code == DEW_OK, "cannot be opened again: %s",
                   error.message);
    }
    if (code == DEW_OK) {
        cell_recovers(cell, pool);
        cell_close(cell, pool);
    }
}

static void
run(struct cell *cell)
{
    const struct place *const place = &places[cell->place];
    dew_script_step step =
        cell_step(cell, place->moment, place->command, place->like);
    dew_config config;

    step.at = place->at;
    configure(cell, &config);
    cell_play(cell, &step);
    switch ((enum way)cell->way) {
    case OPEN: run_open(cell, &config); break;
    case CONNECT: run_connect(cell, &config); break;
    case BORROW:
    case BORROW_ALONE:
    case WAYS: run_borrow(cell, &config); break;
    }
}

static void
fill(struct cell *cells, dew_script_kind kind)
{
    for (size_t i = 0; i < misdeed_count * PLACES * WAYS; i++) {
        const unsigned place = (unsigned)(i / WAYS % PLACES);

        cells[i] = (struct cell){
            .run = run,
            .kind = kind,
            .misdeed = &misdeeds[i / WAYS / PLACES],
            .place = place,
            .place_name = places[place].name,
            .way = (unsigned)(i % WAYS),
            .way_name = way_names[i % WAYS],
            .login = places[place].login,
        };
    }
}

static void
run_kind(dew_script_kind kind, const char *title)
{
    const size_t count = misdeed_count * PLACES * WAYS;
    struct cell *const cells = calloc(count, sizeof *cells);

    assert_non_null(cells);
    fill(cells, kind);
    cells_run(cells, count, title);
    free(cells);
}

static void
every_misdeed_of_a_mariadb_server_while_a_session_opens_is_told(void **state)
{
    (void)state;
    run_kind(DEW_SCRIPT_MARIADB, "opening, MariaDB");
}

static void
every_misdeed_of_a_mysql_server_while_a_session_opens_is_told(void **state)
{
    (void)state;
    run_kind(DEW_SCRIPT_MYSQL, "opening, MySQL");
}

/* It may never end: what follows the one row that was asked for is not read. */
static void
second_row_of_a_single_answer_ends_the_session(void **state)
{
    const dew_script_step rows = {
        .moment = DEW_SCRIPT_ANSWER, .like = "@@wait_timeout",
        .say = DEW_SCRIPT_ROWS,
        .text = "a\tb\tc\td\te\tf\tg\th\ti\tj\tk\n"
                "1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\n"
                "2\t2\t2\t2\t2\t2\t2\t2\t2\t2\t2\n"};
    dew_script_server *const server =
        script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    dew_config config;
    dew_conn conn;
    dew_error error;

    (void)state;
    script_config(&config, server, false);
    script_play(server, &rows);
    assert_int_equal(dew_connect(&config, &conn, &error), DEW_ECONNECT);
    assert_non_null(strstr(error.message, "something else"));
    assert_int_equal(dew_script_played(server, NULL), 1);
    script_stop(server);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_row_of_a_single_answer_ends_the_session),
        cmocka_unit_test(
            every_misdeed_of_a_mariadb_server_while_a_session_opens_is_told),
        cmocka_unit_test(
            every_misdeed_of_a_mysql_server_while_a_session_opens_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
