/* SPDX-License-Identifier: MIT */
/* Goal: what a reset forgets on a server is learnt, and put back rightly. */
/* Method: servers whose defaults differ from settings; reset and repair. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fixture/loan.h"
#include "session/inside.h"

struct world {
    struct test_server *plain, *strange;
};

static int
set_up(void **state)
{
    /* Its handshake ignores what a client asks for, its autocommit is off,
     * and it gives users another sql_mode that a reset takes away. */
    static const char *const args[] = {
        "--loose-skip-character-set-client-handshake",
        "--character-set-server=latin1", "--autocommit=OFF",
        "--init-connect=SET SESSION sql_mode='ANSI_QUOTES', @i=1", NULL};
    static struct world world;

    world.plain = test_server_start(NULL);
    world.strange = test_server_start(args);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *const world = *state;

    test_server_stop(world->strange);
    test_server_stop(world->plain);
    return 0;
}

static void
assert_asked(struct session *session, const char *sql, const char *expected)
{
    char text[LOAN_TEXT];

    assert_string_equal(loan_ask(session_handle(session), sql, text),
                        expected);
}

static void
assert_as_after_connect(struct session *session)
{
    assert_asked(session, "SELECT @@character_set_client", "utf8mb4");
    assert_asked(session, "SELECT @@character_set_results", "utf8mb4");
    assert_asked(session, "SELECT @@character_set_connection", "utf8mb4");
    assert_asked(session, "SELECT @@autocommit", "1");
    assert_string_equal(mysql_character_set_name(session_handle(session)),
                        "utf8mb4");
}

static void
reset_and_repair(struct session *session)
{
    assert_true(session_reset_now(session));
    session->mysql->charset = (void *)(uintptr_t)session->charset;
    if (session->repair_sql != NULL) {
        loan_do(session_handle(session), session->repair_sql);
    }
}

static void
autocommit_is_on_where_the_server_has_it_off(void **state)
{
    struct world *const world = *state;
    struct settings settings;
    struct session *session;

    loan_settings(&settings, world->strange);
    session = loan_open(&settings);
    assert_true((session->forgets & FORGETS_AUTOCOMMIT) != 0);
    assert_as_after_connect(session);
    loan_end(session);
}

static void
what_a_reset_forgets_is_put_back(void **state)
{
    struct world *const world = *state;
    struct test_server *const servers[] = {world->plain, world->strange};

    for (size_t i = 0; i < 2; i++) {
        struct settings settings;
        struct session *session;
        char mode[LOAN_TEXT], collation[LOAN_TEXT];

        loan_settings(&settings, servers[i]);
        session = loan_open(&settings);
        loan_ask(session_handle(session), "SELECT @@sql_mode", mode);
        loan_ask(session_handle(session), "SELECT @@collation_connection",
                 collation);
        for (int round = 0; round < 2; round++) {
            loan_do(session_handle(session),
                    "SET autocommit=0, sql_mode='', NAMES latin1");
            reset_and_repair(session);
            assert_as_after_connect(session);
            assert_asked(session, "SELECT @@sql_mode", mode);
            assert_asked(session, "SELECT @@collation_connection", collation);
        }
        loan_end(session);
    }
}

static struct session *
open_among(const struct settings *settings, struct session_lore *lore)
{
    const struct io_limit limit = {clock_deadline_after_ms(30000), -1};
    struct session *session = NULL;
    dew_error error = {.code = DEW_OK};

    if (session_open_among(&session, lore, settings, &limit, &error) !=
        DEW_OK) {
        fail_msg("no session: %s", error.message);
    }
    return session;
}

/* The sessions look alike, each time: init_connect sees to that. But a reset
 * goes back to what the server has for all. */
static void
what_a_reset_goes_back_to_is_never_inherited_from_before(void **state)
{
    static const char *const modes[] = {"ANSI_QUOTES", "", "ANSI_QUOTES"};
    struct world *const world = *state;
    struct session_lore *const lore = session_lore_new();
    struct settings settings;

    assert_non_null(lore);
    loan_settings(&settings, world->strange);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        char sql[64];

        (void)snprintf(sql, sizeof sql, "SET GLOBAL sql_mode='%s'", modes[i]);
        assert_int_equal(test_server_exec(world->strange, sql), 0);
        for (int later = 0; later < 2; later++) {
            struct session *const session = open_among(&settings, lore);

            assert_int_equal((session->forgets & FORGETS_OTHER) != 0,
                             modes[i][0] == '\0');
            loan_do(session_handle(session), "SET sql_mode='ANSI'");
            reset_and_repair(session);
            assert_as_after_connect(session);
            assert_asked(session, "SELECT @@sql_mode", "ANSI_QUOTES");
            loan_end(session);
        }
    }
    session_lore_free(lore);
    assert_int_equal(
        test_server_exec(world->strange, "SET GLOBAL sql_mode=DEFAULT"), 0);
}

static void
a_reset_that_forgets_nothing_needs_no_repair(void **state)
{
    struct world *const world = *state;
    struct settings settings;
    struct session *session;

    loan_settings(&settings, world->plain);
    session = loan_open(&settings);
    if (session_server(session)->is_mariadb) {
        assert_int_equal(session->forgets, 0);
        assert_null(session->repair_sql);
    } else {
        assert_int_equal(session->forgets & ~(uint32_t)FORGETS_CHARSET, 0);
    }
    loan_end(session);
}

static void
where_no_reset_is_sent_none_is_tried(void **state)
{
    struct world *const world = *state;
    struct settings settings;
    struct session *session;

    loan_settings(&settings, world->strange);
    settings.reset = DEW_RESET_ROLLBACK;
    session = loan_open(&settings);
    assert_as_after_connect(session);
    assert_null(session->repair_sql);
    /* init_connect's own mark is still there: nothing has reset it. */
    assert_asked(session, "SELECT @i", "1");
    loan_end(session);
}

/* ---- a server without COM_RESET_CONNECTION ---- */

static void
a_server_without_the_command_gets_change_user(void **state)
{
    struct world *const world = *state;
    struct settings settings;
    struct session *session;

    loan_settings(&settings, world->plain);
    session = loan_open(&settings);
    session->no_reset_command = true;
    loan_do(session_handle(session), "SET @x = 1, autocommit = 0");
    loan_do(session_handle(session), "USE information_schema");
    reset_and_repair(session);
    assert_as_after_connect(session);
    assert_asked(session, "SELECT @x", "NULL");
    assert_asked(session, "SELECT DATABASE()", "t");
    loan_end(session);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(autocommit_is_on_where_the_server_has_it_off),
        cmocka_unit_test(what_a_reset_forgets_is_put_back),
        cmocka_unit_test(
            what_a_reset_goes_back_to_is_never_inherited_from_before),
        cmocka_unit_test(a_reset_that_forgets_nothing_needs_no_repair),
        cmocka_unit_test(where_no_reset_is_sent_none_is_tried),
        cmocka_unit_test(a_server_without_the_command_gets_change_user),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
