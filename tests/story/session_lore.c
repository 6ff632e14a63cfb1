/* SPDX-License-Identifier: MIT */
/* Goal: a later session asks its server once, and inherits only where the answer
 * is the same in every word. Method: scripted servers that count what they are
 * asked, and change one value between two sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/scripted_kit.h"
#include "session/inside.h"
#include "session/values.h"

static struct {
    dew_script_server *server;
    struct session_lore *lore;
    struct settings settings;
    uint64_t queries, resets; /* of the last session that was opened */
} world;

static int
begin(void **state)
{
    (void)state;
    world.server = script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    world.lore = session_lore_new();
    assert_non_null(world.lore);
    world.settings = (struct settings){
        .name = (char *)"test-pool",
        .user = (char *)"app",
        .charset = (char *)"utf8mb4",
        .unix_socket = (char *)(uintptr_t)dew_script_socket(world.server),
        .connect_timeout_ms = KIT_PATIENCE_MS,
        .buffer_max_kb = SETTINGS_OFF,
        .autocommit = true,
    };
    return 0;
}

static int
end(void **state)
{
    (void)state;
    session_lore_free(world.lore);
    script_stop(world.server);
    return 0;
}

static dew_code
try_open(struct session **session, struct session_lore *lore, dew_error *error)
{
    const struct io_limit limit = {.deadline_ns =
                                       clock_deadline_after_ms(KIT_PATIENCE_MS),
                                   .cancel_fd = -1};
    const uint64_t queries = dew_script_count(world.server, DEW_SCRIPT_QUERIES);
    const uint64_t resets = dew_script_count(world.server, DEW_SCRIPT_RESETS);
    const dew_code code =
        session_open_among(session, lore, &world.settings, &limit, error);

    world.queries =
        dew_script_count(world.server, DEW_SCRIPT_QUERIES) - queries;
    world.resets = dew_script_count(world.server, DEW_SCRIPT_RESETS) - resets;
    return code;
}

static struct session *
open_one(void)
{
    struct session *session = NULL;
    dew_error error = {.code = DEW_OK};

    if (try_open(&session, world.lore, &error) != DEW_OK) {
        fail_msg("no session: %s", error.message);
    }
    return session;
}

static void
open_and_end(void)
{
    loan_end(open_one());
}

/* Where the library does not show what it has received, a proof comes last. */
#define ONE_QUESTION (FLAVOUR_MARIADB ? 1 : 2)

static void
later_session_asks_once_and_tries_no_reset(void **state)
{
    (void)state;
    open_and_end();
    assert_int_equal(world.resets, 1);
    assert_int_equal(world.queries, 1 + ONE_QUESTION);
    for (int i = 0; i < 3; i++) {
        open_and_end();
        assert_int_equal(world.resets, 0);
        assert_int_equal(world.queries, ONE_QUESTION);
    }
}

static void
value_that_differs_makes_the_session_learn_by_itself(void **state)
{
    static const struct {
        const char *name, *other;
    } values[] = {
        {"wait_timeout", "100"},
        {"max_connections", "7"},
        {"read_only", "1"},
        {"innodb_read_only", "1"},
        {"tx_read_only", "1"},
        {"hostname", "another"},
        {"port", "3307"},
        {"socket", "/another"},
        {"server_id", "7"},
        {"datadir", "/another"},
        {"autocommit", "0"},
        {"tx_isolation", "SERIALIZABLE"},
        {"sql_mode", "ANSI"},
        {"time_zone", "+01:00"},
        {"collation_connection", "utf8mb4_bin"},
    };

    (void)state;
    open_and_end();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(
            dew_script_variable(world.server, values[i].name, values[i].other));
        open_and_end();
        if (world.resets != 1) {
            fail_msg("%s: nobody noticed", values[i].name);
        }
        open_and_end();
        assert_int_equal(world.resets, 0);
    }
}

/* Two servers behind one name do not drive out what is known of each other. */
static void
several_servers_are_remembered(void **state)
{
    static const char *const hosts[] = {"one", "two", "three"};

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
            assert_true(
                dew_script_variable(world.server, "hostname", hosts[i]));
            open_and_end();
            assert_int_equal(world.resets, round == 0);
        }
    }
}

static void
what_an_earlier_session_was_told_is_known_to_the_later(void **state)
{
    (void)state;
    assert_true(dew_script_variable(world.server, "autocommit", "0"));
    for (int i = 0; i < 2; i++) {
        struct session *const session = open_one();
        char text[LOAN_TEXT];

        assert_int_equal(session->forgets, FORGETS_AUTOCOMMIT);
        assert_non_null(session->repair_sql);
        assert_string_equal(session->repair_sql, "SET autocommit=1");
        loan_ask(session_handle(session), "SELECT @@autocommit", text);
        assert_string_equal(text, "1");
        loan_end(session);
    }
    assert_int_equal(world.resets, 0);
}

static void
reply_behind_the_answer_is_noticed(void **state)
{
    const dew_script_step more = {.moment = DEW_SCRIPT_ANSWER,
                                  .like = "@@wait_timeout",
                                  .say = DEW_SCRIPT_AND_MORE};
    struct session *session = NULL;
    dew_error error = {.code = DEW_OK};

    (void)state;
    open_and_end();
    script_play(world.server, &more);
    assert_int_equal(try_open(&session, world.lore, &error), DEW_ECONNECT);
    assert_null(session);
}

/* As many columns as were asked for, but the number is not ours. */
static void
answer_with_another_number_is_not_taken(void **state)
{
    static const char *const numbers[] = {"1", "\\N"};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[256];
        const dew_script_step row = {.moment = DEW_SCRIPT_ANSWER,
                                     .like = "@@wait_timeout",
                                     .say = DEW_SCRIPT_ROWS,
                                     .text = text};
        struct session *session = NULL;
        dew_error error = {.code = DEW_OK};

        (void)snprintf(
            text, sizeof text,
            "n\ta\tb\tc\td\te\tf\tg\th\ti\tj\tk\tl\tm\to\tp\tq\tr\ts\tt\n"
            "%s\t9\t9\t0\t0\t0\th\t1\ts\t1\td\tutf8mb4\tutf8mb4\tutf8mb4"
            "\tutf8mb4_general_ci\t1\tREPEATABLE-READ\t\tSYSTEM\t0\n",
            numbers[i]);
        script_play(world.server, &row);
        assert_int_equal(try_open(&session, NULL, &error), DEW_ECONNECT);
        assert_non_null(strstr(error.message, "something else"));
        assert_int_equal(dew_script_played(world.server, NULL), 1);
    }
}

/* Values that cannot be kept, or not be written between quotes: what matters is
 * put back after every reset, whatever it was. */
static void
values_that_cannot_be_put_back_are_not_learnt(void **state)
{
    static char half[VALUES_ROOM / 2];
    static const char *const values[][2] = {
        {"it's", "SYSTEM"}, {"", "a\\b"}, {half, half}};

    (void)state;
    memset(half, 'x', sizeof half - 1);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(
            dew_script_variable(world.server, "sql_mode", values[i][0]));
        assert_true(
            dew_script_variable(world.server, "time_zone", values[i][1]));
        struct session *const session = open_one();

        assert_int_equal(session->forgets,
                         FORGETS_CHARSET | FORGETS_AUTOCOMMIT);
        assert_string_equal(session->repair_sql,
                            "SET NAMES utf8mb4, autocommit=1");
        loan_end(session);
    }
}

/* Cut off, two different answers could look the same. */
static void
answer_too_long_to_be_compared_is_not_remembered(void **state)
{
    static char text[LORE_SEEN_SIZE / 2 + 1];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    assert_true(dew_script_variable(world.server, "sql_mode", text));
    for (int i = 0; i < 2; i++) {
        open_and_end();
        assert_int_equal(world.resets, 1);
    }
}

/* Not even a question more than without lore. */
static void
where_no_reset_is_sent_there_is_nothing_to_remember(void **state)
{
    (void)state;
    world.settings.reset = DEW_RESET_NEVER;
    for (int i = 0; i < 2; i++) {
        open_and_end();
        assert_int_equal(world.resets, 0);
        assert_int_equal(world.queries, ONE_QUESTION);
    }
}

int
main(void)
{
#define LORE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        LORE_TEST(later_session_asks_once_and_tries_no_reset),
        LORE_TEST(value_that_differs_makes_the_session_learn_by_itself),
        LORE_TEST(several_servers_are_remembered),
        LORE_TEST(what_an_earlier_session_was_told_is_known_to_the_later),
        LORE_TEST(reply_behind_the_answer_is_noticed),
        LORE_TEST(answer_with_another_number_is_not_taken),
        LORE_TEST(values_that_cannot_be_put_back_are_not_learnt),
        LORE_TEST(answer_too_long_to_be_compared_is_not_remembered),
        LORE_TEST(where_no_reset_is_sent_there_is_nothing_to_remember),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
