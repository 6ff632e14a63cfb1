/* SPDX-License-Identifier: MIT */
/* Goal: an open, a close or a connect that fails at any step says why, leaves
 * nothing, and the next one succeeds.
 * Method: see fixture/countdown.h; the stages are both ends of a pool's life. */
/* ctest: timeout=600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fixture/countdown.h"

#define SESSIONS 3

#define MUST_ALLOC COUNTDOWN_POINT(FAULT_ALLOC)
#define MUST_CONNECT COUNTDOWN_POINT(FAULT_CONNECT)
#define MUST_THREAD COUNTDOWN_POINT(FAULT_THREAD)
#define MUST_DESCRIPTOR COUNTDOWN_POINT(FAULT_DESCRIPTOR)
#define MUST_CLOCK                                                             \
    (COUNTDOWN_POINT(FAULT_CLOCK_JUMP) | COUNTDOWN_POINT(FAULT_CLOCK_STILL))

/* --- opening -------------------------------------------------------------------- */

static void
with_all_parts(dew_config *config)
{
    config->size = config->maxsize = config->pre_create = SESSIONS;
    config->init_sql = "SET @a = 1";
    config->name = "orders";
}

/* *pool is not read, and NULL on failure. */
static void
opened(struct countdown *run, dew_code code, const dew_error *error)
{
    countdown_told(run, code, error);
    assert_true((code == DEW_OK) == (run->pool != NULL));
}

static void
open_it(struct countdown *run)
{
    dew_error error = countdown_error();

    run->pool = (dew_pool *)(void *)run;
    const dew_code code = dew_pool_open(&run->pool, &run->config, &error);
    opened(run, code, &error);
}

static void
open_by_uri(struct countdown *run)
{
    dew_error error = countdown_error();
    char uri[256];

    (void)snprintf(uri, sizeof uri, "%s&size=1&maxsize=2",
                   test_server_uri(run->server));
    run->pool = (dew_pool *)(void *)run;
    const dew_code code = dew_pool_open_uri(&run->pool, uri, &error);
    opened(run, code, &error);
}

/* --- connecting without a pool ---------------------------------------------------- */

static bool
connect_it(struct countdown *run)
{
    dew_error error = countdown_error();
    const dew_code code = dew_connect(&run->config, &run->conn[0], &error);

    countdown_told(run, code, &error);
    assert_true((code == DEW_OK) == (run->conn[0].mysql != NULL));
    return code == DEW_OK;
}

static void
connect_use_and_release(struct countdown *run)
{
    dew_error error = countdown_error();

    if (connect_it(run)) {
        countdown_told(run, dew_ping(&run->conn[0], &error), &error);
        error = countdown_error();
        countdown_told(run, dew_deadline(&run->conn[0], 60000, &error),
                       &error);
        error = countdown_error();
        countdown_told(run, dew_deadline(&run->conn[0], -1, &error), &error);
        kit_return(&run->conn[0]);
    }
}

static void
connect_and_detach(struct countdown *run)
{
    if (connect_it(run)) {
        MYSQL *const mysql = dew_detach(&run->conn[0]);

        kit_answers_are_its_own(mysql);
        mysql_close(mysql);
    }
}

/* --- closing ----------------------------------------------------------------------- */

static void
with_an_idle_and_a_pending_session(struct countdown *run)
{
    (void)kit_borrow(run->pool, &run->conn[0]);
    (void)kit_borrow(run->pool, &run->conn[1]);
    assert_int_equal(mysql_query(run->conn[1].mysql, "SET @a = 2"), 0);
    kit_return(&run->conn[1]);
    kit_return(&run->conn[0]);
}

/* Whatever fails: a close is done, or leaves a pool to be closed again. */
static void
close_it(struct countdown *run)
{
    dew_error error = countdown_error();
    const dew_code code = dew_pool_close(run->pool, DEW_NO_WAIT, &error);

    if (run->point == FAULT_CLOCK_JUMP) {
        countdown_told_or(run, code, DEW_EBUSY, &error);
    } else {
        assert_int_equal(code, DEW_OK);
    }
    if (code == DEW_OK) {
        run->pool = NULL;
    }
}

static void
close_again(struct countdown *run)
{
    if (run->pool != NULL) {
        kit_close(run->pool);
        run->pool = NULL;
    }
}

static void
with_a_loan(struct countdown *run)
{
    (void)kit_borrow(run->pool, &run->conn[0]);
    (void)kit_borrow(run->pool, &run->conn[1]);
    kit_return(&run->conn[1]);
}

static void
close_around_a_loan(struct countdown *run)
{
    dew_error error = countdown_error();

    countdown_told_or(run, dew_pool_close(run->pool, 5, &error), DEW_EBUSY,
                      &error);
    assert_int_equal(error.code, DEW_EBUSY);
    dew_pool_abort(run->pool);
    kit_return(&run->conn[0]);
    close_it(run);
}

#define OPENING MUST_ALLOC | MUST_CONNECT | MUST_DESCRIPTOR | MUST_CLOCK

static const struct countdown_stage stages[] = {
    {.name = "open_leaves_nothing",
     .must = OPENING | MUST_THREAD,
     .opens = true,
     .configure = with_all_parts,
     .act = open_it},
    {.name = "open_without_threads_leaves_nothing",
     .flags = DEW_NO_THREADS,
     .must = OPENING,
     .opens = true,
     .configure = with_all_parts,
     .act = open_it},
    {.name = "open_by_a_uri_leaves_nothing",
     .must = MUST_ALLOC | MUST_THREAD,
     .opens = true,
     .act = open_by_uri},
    {.name = "connect_without_a_pool_leaves_nothing",
     .must = OPENING | MUST_THREAD,
     .opens = true,
     .act = connect_use_and_release},
    {.name = "connect_that_is_detached_leaves_nothing",
     .must = MUST_ALLOC | MUST_CONNECT,
     .opens = true,
     .act = connect_and_detach},
    {.name = "close_leaves_nothing",
     .must = MUST_CLOCK,
     .before = with_an_idle_and_a_pending_session,
     .act = close_it,
     .after = close_again},
    {.name = "close_without_threads_leaves_nothing",
     .flags = DEW_NO_THREADS,
     .must = MUST_CLOCK,
     .before = with_an_idle_and_a_pending_session,
     .act = close_it,
     .after = close_again},
    {.name = "close_around_a_loan_leaves_nothing",
     .must = MUST_CLOCK,
     .before = with_a_loan,
     .act = close_around_a_loan,
     .after = close_again},
};

int
main(void)
{
    return countdown_run(stages, sizeof stages / sizeof stages[0]);
}
