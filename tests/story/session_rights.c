/* SPDX-License-Identifier: MIT */
/* Goal: the rights of a session are asked for where there are roles, cost no
 * round trip, and end the session where there is no way back. Method: scripted
 * servers that count what they are asked, know fewer words, or lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/scripted_kit.h"
#include "session/parts.h"
#include "session/values.h"

/* Where the library does not show what it has received, a proof comes last. */
#define LAST_WORD (FLAVOUR_MARIADB ? 0u : 1u)

static dew_script_server *server;
static struct settings settings;

static void
begin_on(dew_script_kind kind, const char *version)
{
    const dew_script_options options = {
        .kind = kind, .version = version, .login = DEW_SCRIPT_LOGIN_NATIVE};
    char why[256] = "";

    server = dew_script_start(&options, why, sizeof why);
    if (server == NULL) {
        fail_msg("no server: %s", why);
    }
    settings = (struct settings){
        .name = (char *)"test-pool",
        .unix_socket = (char *)(uintptr_t)dew_script_socket(server),
        .user = (char *)"app",
        .charset = (char *)"utf8mb4",
        .connect_timeout_ms = KIT_PATIENCE_MS,
        .buffer_max_kb = SETTINGS_OFF,
        .autocommit = true,
    };
}

/* Plays and counts: queries with this text. */
static void
count(const char *like)
{
    const dew_script_step step = {
        .name = "it", .moment = DEW_SCRIPT_ANSWER, .like = like};

    script_play(server, &step);
}

static uint64_t
counted(void)
{
    return dew_script_played(server, "it");
}

/* From now on queries with this text get this error. */
static void
refuse(const char *like, uint32_t number)
{
    const dew_script_step step = {.name = "it",
                                  .moment = DEW_SCRIPT_ANSWER,
                                  .like = like,
                                  .say = DEW_SCRIPT_ERROR,
                                  .number = number,
                                  .text = "no"};

    script_play(server, &step);
}

static void
has_role(MYSQL *mysql, const char *role)
{
    char text[LOAN_TEXT];

    assert_string_equal(loan_ask(mysql, "SELECT CURRENT_ROLE()", text), role);
}

static void
ends(struct session *session, enum session_flaw why)
{
    enum session_flaw flaw = SESSION_SOUND;

    assert_int_equal(loan_return(session, &settings, &flaw), SESSION_BROKEN);
    assert_string_equal(session_flaw_name(flaw), session_flaw_name(why));
    loan_end(session);
}

static void
finish(struct session *session)
{
    if (session != NULL) {
        loan_end(session);
    }
    script_stop(server);
}

/* ---- what it costs ---- */

static void
opening_asks_nothing_more_than_without_roles(void **state)
{
    static const struct {
        const char *init_sql;
        uint64_t queries; /* what opens, init_sql, what it may have changed */
    } cases[] = {{NULL, 2}, {"SET ROLE keyholder", 4}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint64_t queries[2];

        for (size_t roles = 0; roles < 2; roles++) {
            begin_on(DEW_SCRIPT_MARIADB,
                     roles != 0 ? "10.11.6-MariaDB" : "10.0.4-MariaDB");
            settings.init_sql = (char *)(uintptr_t)cases[i].init_sql;
            struct session *const session = loan_open(&settings);
            queries[roles] = dew_script_count(server, DEW_SCRIPT_QUERIES);
            assert_int_equal(session->rights_known, roles);
            finish(session);
        }
        assert_int_equal(queries[0], queries[1]);
        assert_int_equal(queries[1], cases[i].queries + LAST_WORD);
    }
}

static void
return_asks_nothing_more_and_no_question_else_asks_for_them(void **state)
{
    static const struct {
        dew_reset reset;
        uint64_t questions;
    } cases[] = {{DEW_RESET_AUTO, 1},
                 {DEW_RESET_ALWAYS, 1},
                 {DEW_RESET_ROLLBACK, 0},
                 {DEW_RESET_NEVER, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct io_limit limit = {clock_deadline_after_ms(KIT_PATIENCE_MS),
                                       -1};
        enum session_flaw flaw;

        begin_on(DEW_SCRIPT_MARIADB, NULL);
        settings.reset = cases[i].reset;
        struct session *const session = loan_open(&settings);
        assert_int_equal(session->rights_known, cases[i].questions == 1);
        loan_do(loan_lend(session), "DO 1");
        count("CURRENT_ROLE");
        (void)loan_return_and_lend(session, &settings);
        assert_int_equal(counted(), cases[i].questions);
        assert_int_equal(session_probe(session, &settings, &limit, &flaw, NULL),
                         SESSION_AT_REST);
        assert_int_equal(counted(), cases[i].questions);
        finish(session);
    }
}

/* ---- which servers are asked ---- */

static void
servers_without_roles_are_not_asked(void **state)
{
    static const struct {
        dew_script_kind kind;
        const char *version;
        uint32_t number;
        bool roles;
    } servers[] = {
        {DEW_SCRIPT_MARIADB, "5.5.68-MariaDB", 50568, false},
        {DEW_SCRIPT_MARIADB, "10.0.4-MariaDB", 100004, false},
        {DEW_SCRIPT_MARIADB, "5.5.5-10.0.5-MariaDB", 100005, true},
        {DEW_SCRIPT_MARIADB, "11.8.2-MariaDB", 110802, true},
        {DEW_SCRIPT_MYSQL, "5.7.44", 50744, false},
        {DEW_SCRIPT_MYSQL, "8.0.36", 80036, true},
        {DEW_SCRIPT_MYSQL, "9.7.4", 90704, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        begin_on(servers[i].kind, servers[i].version);
        count("CURRENT_ROLE");
        struct session *const session = loan_open(&settings);
        assert_int_equal(session_server(session)->version, servers[i].number);
        loan_do(loan_lend(session), "DO 1");
        (void)loan_return_and_lend(session, &settings);
        assert_int_equal(counted(), servers[i].roles ? 2 : 0);
        finish(session);
    }
}

/* What a proxy says it is, and what stands behind it, are two. */
static void
server_that_does_not_know_the_word_is_asked_for_all_else(void **state)
{
    static const uint32_t numbers[] = {1046, 1064, 1105, 1305};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        begin_on(DEW_SCRIPT_MARIADB, NULL);
        refuse("CURRENT_ROLE", numbers[i]);
        struct session *const session = loan_open(&settings);
        assert_int_equal(session->facts, FACTS_ALL);
        assert_int_not_equal(session_server(session)->identity, 0);
        loan_do(loan_lend(session), "DO 1");
        (void)loan_return_and_lend(session, &settings);
        assert_int_equal(counted(), 1);
        finish(session);
    }
}

static void
rights_that_init_sql_hides_are_not_known(void **state)
{
    (void)state;
    begin_on(DEW_SCRIPT_MARIADB, NULL);
    settings.init_sql = (char *)"SET ROLE keyholder";
    refuse("@@wait_timeout,CRC32", 1064);
    struct session *const session = loan_open(&settings);
    assert_int_equal(counted(), 1);
    assert_false(session->rights_known);
    loan_do(loan_lend(session), "SET ROLE porter");
    has_role(loan_return_and_lend(session, &settings), "keyholder");
    finish(session);
}

/* ---- what becomes of the session ---- */

/* A write that was refused has the server's own role asked for, too. */
static void
role_is_noticed_beside_the_servers_own(void **state)
{
    char text[LOAN_TEXT];

    (void)state;
    begin_on(DEW_SCRIPT_MARIADB, NULL);
    struct session *const session = loan_open(&settings);
    for (int loan = 0; loan < 2; loan++) {
        MYSQL *const mysql = loan_lend(session);
        loan_do(mysql, loan == 0 ? "SET ROLE porter" : "SET ROLE NONE");
        refuse("UPDATE", 1290);
        assert_string_equal(loan_ask(mysql, "UPDATE a SET i = 1", text),
                            "error 1290");
        count("CRC32(CURRENT_ROLE()),@@read_only");
        has_role(loan_return_and_lend(session, &settings), "NULL");
        assert_in_range(counted(), 1, 2); /* behind SET ROLE NONE again */
    }
    finish(session);
}

static void
role_goes_where_the_server_does_not_know_the_reset(void **state)
{
    static const char *const init_sql[] = {NULL, "SET ROLE keyholder"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (int kind = 0; kind < 2; kind++) {
            const dew_script_step old = {.moment = DEW_SCRIPT_ANSWER,
                                         .command = DEW_SCRIPT_RESET_CONNECTION,
                                         .say = DEW_SCRIPT_ERROR,
                                         .number = 1047,
                                         .text = "Unknown command"};

            begin_on(kind == 0 ? DEW_SCRIPT_MARIADB : DEW_SCRIPT_MYSQL, NULL);
            const char *const own = i == 1      ? "keyholder"
                                    : kind == 0 ? "NULL"
                                                : "NONE";
            settings.init_sql = (char *)(uintptr_t)init_sql[i];
            script_play(server, &old);
            struct session *const session = loan_open(&settings);
            assert_true(session->no_reset_command);
            for (int loan = 0; loan < 5; loan++) {
                has_role(loan_lend(session), own);
                (void)loan_return_and_lend(session, &settings);
            }
            loan_do(session_handle(session), "SET ROLE porter");
            has_role(loan_return_and_lend(session, &settings), own);
            finish(session);
        }
    }
}

static void
session_whose_role_stays_ends(void **state)
{
    static const unsigned char ok[] = {0, 0, 0, 2, 0, 0, 0};
    const dew_script_step lie = {.name = "it",
                                 .moment = DEW_SCRIPT_ANSWER,
                                 .like = "SET ROLE NONE",
                                 .say = DEW_SCRIPT_PACKET,
                                 .text = (const char *)ok,
                                 .length = sizeof ok};

    (void)state;
    for (int lies = 0; lies < 2; lies++) {
        begin_on(DEW_SCRIPT_MARIADB, NULL);
        struct session *const session = loan_open(&settings);
        loan_do(loan_lend(session), "SET ROLE porter");
        if (lies != 0) {
            script_play(server, &lie);
        } else {
            refuse("SET ROLE NONE", 1064);
        }
        ends(session, SESSION_OTHER_ROLE);
        assert_int_equal(counted(), 1);
        script_stop(server);
    }
}

static void
session_whose_init_sql_ran_with_another_role_ends(void **state)
{
    (void)state;
    begin_on(DEW_SCRIPT_MARIADB, NULL);
    settings.init_sql = (char *)"SET @i = 1";
    struct session *const session = loan_open(&settings);
    loan_do(loan_lend(session), "SET ROLE porter");
    if (FLAVOUR_MARIADB) {
        ends(session, SESSION_OTHER_ROLE);
        script_stop(server);
        return;
    }
    /* Nothing is sent ahead. */
    has_role(loan_return_and_lend(session, &settings), "NULL");
    finish(session);
}

/* ---- the number ---- */

static void
answer_that_is_no_roles_is_not_taken_for_one(void **state)
{
    static const struct {
        const char *text;
        bool right;
        uint32_t rights;
    } answers[] = {
        {NULL, true, 0},
        {"0", true, 0},
        {"1", true, 1},
        {"1225125243", true, 0}, /* NONE, as MySQL's servers say it */
        {"4294967295", true, UINT32_MAX},
        {"4294967296", false, 0},
        {"99999999999999999999999", false, 0},
        {"1.0", false, 0},
        {" 1", false, 0},
        {"-1", false, 0},
        {"", false, 0},
        {"none", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint32_t rights = 7;

        assert_int_equal(rights_read(answers[i].text, &rights),
                         answers[i].right);
        assert_int_equal(rights, answers[i].rights);
    }
}

static void
number_of_another_is_not_taken_for_a_role(void **state)
{
    const dew_script_step other = {.moment = DEW_SCRIPT_ANSWER,
                                   .like = "CURRENT_ROLE",
                                   .say = DEW_SCRIPT_ROWS,
                                   .text = "n\td\tr\n7000000000000000000\t\\N\t1\n"};

    (void)state;
    begin_on(DEW_SCRIPT_MARIADB, NULL);
    struct session *const session = loan_open(&settings);
    loan_do(loan_lend(session), "DO 1");
    script_play(server, &other);
    ends(session, SESSION_UNREAD);
    script_stop(server);
}

/* The number alone would be right. */
static void
answer_with_other_columns_is_no_answer(void **state)
{
    const struct io_limit limit = {clock_deadline_after_ms(KIT_PATIENCE_MS),
                                   -1};
    enum session_flaw flaw = SESSION_SOUND;

    (void)state;
    if (!FLAVOUR_MARIADB) {
        skip(); /* no proof is sent ahead */
    }
    begin_on(DEW_SCRIPT_MARIADB, NULL);
    struct session *const session = loan_open(&settings);
    loan_do(loan_lend(session), "DO 1");
    assert_int_equal(session_give_back(session, &settings, &limit, &flaw),
                     SESSION_PENDING);
    assert_true(session->asks_rights);
    session->asks_rights = false;
    assert_int_equal(session_settle(session, &settings, &limit, &flaw, NULL),
                     SESSION_BROKEN);
    assert_string_equal(session_flaw_name(flaw),
                        session_flaw_name(SESSION_UNREAD));
    finish(session);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_asks_nothing_more_than_without_roles),
        cmocka_unit_test(
            return_asks_nothing_more_and_no_question_else_asks_for_them),
        cmocka_unit_test(servers_without_roles_are_not_asked),
        cmocka_unit_test(
            server_that_does_not_know_the_word_is_asked_for_all_else),
        cmocka_unit_test(rights_that_init_sql_hides_are_not_known),
        cmocka_unit_test(role_is_noticed_beside_the_servers_own),
        cmocka_unit_test(role_goes_where_the_server_does_not_know_the_reset),
        cmocka_unit_test(session_whose_role_stays_ends),
        cmocka_unit_test(session_whose_init_sql_ran_with_another_role_ends),
        cmocka_unit_test(answer_that_is_no_roles_is_not_taken_for_one),
        cmocka_unit_test(number_of_another_is_not_taken_for_a_role),
        cmocka_unit_test(answer_with_other_columns_is_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
