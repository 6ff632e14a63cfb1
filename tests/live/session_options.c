/* SPDX-License-Identifier: MIT */
/* Goal: a defaults file gives what was left open, and decides no safety. */
/* Method: files that say the dangerous thing, on a server that allows it. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fixture/loan.h"
#include "session/inside.h"

#define FILE_SIZE 600

struct world {
    struct test_server *server;
    char path[FILE_SIZE]; /* of the defaults file */
    char data[FILE_SIZE]; /* of a file that a client could upload */
};

static int
set_up(void **state)
{
    static const char *const args[] = {"--local-infile=1", NULL};
    static struct world world;
    const char *directory;

    world.server = test_server_start(args);
    directory = test_server_directory(world.server);
    (void)snprintf(world.path, sizeof(world.path), "%s/my.cnf", directory);
    (void)snprintf(world.data, sizeof(world.data), "%s/secret", directory);
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *const world = *state;

    test_server_stop(world->server);
    return 0;
}

static void
write_file(const char *path, const char *text)
{
    FILE *const file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct settings
settings_with(struct world *world, const char *lines)
{
    struct settings settings;
    char text[FILE_SIZE];

    loan_settings(&settings, world->server);
    (void)snprintf(text, sizeof(text), "[ducks]\n%s\n", lines);
    write_file(world->path, text);
    settings.defaults_file = world->path;
    settings.defaults_group = (char *)"ducks";
    return settings;
}

static void
load_local_is_refused(struct world *world, MYSQL *mysql)
{
    char sql[2 * FILE_SIZE];

    write_file(world->data, "1001\tstolen\n");
    (void)snprintf(sql, sizeof(sql),
                   "LOAD DATA LOCAL INFILE '%s' INTO TABLE a", world->data);
    assert_int_not_equal(mysql_query(mysql, sql), 0);
    assert_int_equal(test_server_scalar(
                         world->server,
                         "SELECT COUNT(*) FROM t.a WHERE id = 1001"),
                     0);
    assert_true(flavour_has_transport(mysql));
}

static void
load_data_local_is_off(void **state)
{
    struct world *const world = *state;
    struct settings settings;
    struct session *session;

    loan_settings(&settings, world->server);
    session = loan_open(&settings);
    load_local_is_refused(world, session_handle(session));
    loan_end(session);
}

static void
a_defaults_file_cannot_switch_load_data_local_on(void **state)
{
    struct world *const world = *state;
    const struct settings settings = settings_with(world, "local-infile=1");
    struct session *const session = loan_open(&settings);

    load_local_is_refused(world, session_handle(session));
    loan_end(session);
}

static void
what_a_borrower_switched_on_is_restored(void **state)
{
    struct world *const world = *state;
    const unsigned on = 1;
    struct settings settings;
    struct session *session;

    loan_settings(&settings, world->server);
    session = loan_open(&settings);
    mysql_options(session_handle(session), MYSQL_OPT_LOCAL_INFILE, &on);
    session_options_restore(session);
    load_local_is_refused(world, session_handle(session));
    loan_end(session);
}

static void
a_defaults_file_cannot_switch_reconnect_on(void **state)
{
    struct world *const world = *state;
    const struct settings settings = settings_with(world, "reconnect=1");
    struct session *const session = loan_open(&settings);
    char kill[64];

    assert_false(flavour_reconnect_is_on(session_handle(session)));
    (void)snprintf(kill, sizeof(kill), "KILL %lu",
                   session_server_thread(session));
    assert_int_equal(test_server_exec(world->server, kill), 0);
    assert_true(test_server_await_count(world->server, "app", 0, 10000));
    assert_int_not_equal(mysql_query(session_handle(session), "SELECT 1"), 0);
    loan_end(session);
}

static void
a_defaults_file_cannot_choose_another_charset(void **state)
{
    struct world *const world = *state;
    const struct settings settings =
        settings_with(world, "default-character-set=latin1");
    struct session *const session = loan_open(&settings);
    char text[LOAN_TEXT];

    assert_string_equal(mysql_character_set_name(session_handle(session)),
                        "utf8mb4");
    assert_string_equal(loan_ask(session_handle(session),
                                 "SELECT @@character_set_client", text),
                        "utf8mb4");
    loan_end(session);
}

static void
a_defaults_file_gives_what_settings_leave_open(void **state)
{
    struct world *const world = *state;
    struct settings settings =
        settings_with(world, "user=app\npassword=app\ndatabase=t");
    struct session *session;
    char text[LOAN_TEXT];

    settings.user = settings.password = settings.database = NULL;
    session = loan_open(&settings);
    assert_string_equal(
        loan_ask(session_handle(session), "SELECT DATABASE()", text), "t");
    assert_string_equal(session->database, "t");
    loan_end(session);
}

static void
take_line(int level, const char *line, void *arg)
{
    char *const kept = arg;

    (void)level;
    (void)snprintf(kept, LOAN_TEXT, "%s", line);
}

static void
an_init_command_of_the_library_is_warned_of(void **state)
{
    struct world *const world = *state;
    struct settings settings =
        settings_with(world, "init-command='SET @x = 1'");
    char line[LOAN_TEXT] = "";

    settings.on_log = take_line;
    settings.on_log_arg = line;
    loan_end(loan_open(&settings));
    assert_non_null(strstr(line, "init_sql"));
    line[0] = '\0';
    settings.defaults_file = settings.defaults_group = NULL;
    loan_end(loan_open(&settings));
    assert_string_equal(line, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_data_local_is_off),
        cmocka_unit_test(a_defaults_file_cannot_switch_load_data_local_on),
        cmocka_unit_test(what_a_borrower_switched_on_is_restored),
        cmocka_unit_test(a_defaults_file_cannot_switch_reconnect_on),
        cmocka_unit_test(a_defaults_file_cannot_choose_another_charset),
        cmocka_unit_test(a_defaults_file_gives_what_settings_leave_open),
        cmocka_unit_test(an_init_command_of_the_library_is_warned_of),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
