/* SPDX-License-Identifier: MIT */
/* Goal: after a return the next borrower sees the session as after connect,
 * whatever the last one left in it. Method: ask the session as it was opened,
 * leave the dirt (which must show), return, and ask the next borrower. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/loan.h"
#include "session/flavour.h"
#include "session/quick.h"

static struct test_server *server;

struct dirt {
    const char *sentence; /* the test's name */
    const char *left;     /* what the borrower does last */
    const char *witness;  /* what both borrowers and the first one ask */
    bool ask_root;        /* another session asks, not the next borrower */
};

#define ISOLATION                                                             \
    "SHOW VARIABLES WHERE Variable_name LIKE '%isolation' AND "               \
    "Value = 'SERIALIZABLE'"
#define CHARSETS                                                              \
    "SELECT CONCAT_WS(' ',@@character_set_client,@@character_set_results,"    \
    "@@character_set_connection,@@collation_connection)"

static const struct dirt dirts[] = {
    {"a_transaction_left_open_is_rolled_back",
     "BEGIN; INSERT INTO a VALUES (1001, 'lost')",
     "SELECT COUNT(*) FROM a WHERE id = 1001", false},
    {"autocommit_is_on_again", "SET autocommit = 0", "SELECT @@autocommit",
     false},
    {"a_transaction_left_by_autocommit_off_is_rolled_back",
     "SET autocommit = 0; INSERT INTO a VALUES (1002, 'lost')",
     "SELECT COUNT(*) FROM a WHERE id = 1002", false},
    {"user_variables_are_gone", "SET @secret = 42", "SELECT @secret", false},
    {"temporary_tables_are_gone", "CREATE TEMPORARY TABLE scratch (x INT)",
     "SELECT COUNT(*) FROM scratch", false},
    {"a_temporary_table_hides_no_table_any_more",
     "CREATE TEMPORARY TABLE a (x INT)", "SELECT COUNT(*) FROM a", false},
    {"session_variables_are_back", "SET sort_buffer_size = 65536",
     "SELECT @@sort_buffer_size", false},
    {"sql_mode_is_back", "SET sql_mode = 'ANSI_QUOTES'", "SELECT @@sql_mode",
     false},
    {"the_time_zone_is_back", "SET time_zone = '+07:30'",
     "SELECT @@time_zone", false},
    {"the_row_limit_is_back", "SET sql_select_limit = 0",
     "SELECT id FROM a WHERE id = 1", false},
    {"the_isolation_level_is_back",
     "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", ISOLATION, false},
    {"the_read_only_mode_is_back", "SET SESSION TRANSACTION READ ONLY",
     "UPDATE a SET v = v WHERE id = 1", false},
    {"named_locks_are_free", "DO GET_LOCK('mine', 0)",
     "SELECT IS_FREE_LOCK('mine')", true},
    {"table_locks_are_free", "LOCK TABLES a WRITE",
     "SHOW OPEN TABLES FROM t WHERE `Table` = 'a' AND In_use > 0", true},
    {"prepared_statements_of_sql_are_gone", "PREPARE p FROM 'SELECT 1'",
     "EXECUTE p", false},
    {"handlers_are_closed", "HANDLER a OPEN", "HANDLER a READ FIRST", false},
    {"the_last_insert_id_is_forgotten", "DO LAST_INSERT_ID(77)",
     "SELECT LAST_INSERT_ID()", false},
    {"the_found_rows_are_forgotten",
     "SELECT SQL_CALC_FOUND_ROWS * FROM a LIMIT 1", "SELECT FOUND_ROWS()",
     false},
    {"the_database_is_back", "USE information_schema", "SELECT DATABASE()",
     false},
    {"the_database_is_back_where_tracking_is_off",
     "SET session_track_schema = 0; USE information_schema",
     "SELECT DATABASE()", false},
    {"the_charset_is_back_after_set_names", "SET NAMES latin1", CHARSETS,
     false},
    {"the_results_charset_is_back", "SET character_set_results = ucs2",
     CHARSETS, false},
    {"the_collation_is_back", "SET collation_connection = utf8mb4_bin",
     CHARSETS, false},
};
#define DIRTS (sizeof dirts / sizeof dirts[0])

static const char *
ask(const struct dirt *dirt, MYSQL *mysql, char text[LOAN_TEXT])
{
    if (!dirt->ask_root) {
        return loan_ask(mysql, dirt->witness, text);
    }
    if (!test_server_text(server, dirt->witness, text, LOAN_TEXT)) {
        (void)strcpy(text, "no row");
    }
    return text;
}

static void
leave_dirt(MYSQL *mysql, const char *sql)
{
    assert_int_equal(
        mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON), 0);
    loan_do(mysql, sql);
}

static void
check_dirt(const struct dirt *dirt, const struct settings *settings)
{
    char before[LOAN_TEXT], during[LOAN_TEXT], after[LOAN_TEXT];
    struct session *const session = loan_open(settings);
    ask(dirt, loan_lend(session), before);
    leave_dirt(session_handle(session), dirt->left);
    ask(dirt, session_handle(session), during);
    ask(dirt, loan_return_and_lend(session, settings), after);
    loan_end(session);
    assert_string_not_equal(before, during);
    assert_string_equal(before, after);
}

static void
next_borrower_sees_no_dirt(void **state)
{
    const struct dirt *const dirt = *state;
    struct settings settings;
    loan_settings(&settings, server);
    check_dirt(dirt, &settings);
    settings.reset = DEW_RESET_ALWAYS;
    check_dirt(dirt, &settings);
    settings.client_flags = CLIENT_COMPRESS;
    check_dirt(dirt, &settings);
}

static void
reset_always_cleans_also_what_looks_untouched(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    /* Not lent: nobody looks whether something was sent. */
    loan_do(session_handle(session), "SET @left = 1");
    session_lend(session);
    loan_return_and_lend(session, &settings);
    assert_string_equal(
        loan_ask(session_handle(session), "SELECT @left", text), "1");
    loan_return_and_lend(session, &settings);
    loan_do(session_handle(session), "SET @left = 1");
    session_lend(session);
    settings.reset = DEW_RESET_ALWAYS;
    loan_return_and_lend(session, &settings);
    assert_string_equal(
        loan_ask(session_handle(session), "SELECT @left", text), "NULL");
    loan_end(session);
}

static void
autocommit_off_is_restored_where_it_is_asked_for(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    struct settings settings;
    loan_settings(&settings, server);
    settings.autocommit = false;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_ROLLBACK;
         policy++) {
        settings.reset = (dew_reset)policy;
        struct session *const session = loan_open(&settings);
        loan_do(loan_lend(session), "SET autocommit = 1");
        loan_return_and_lend(session, &settings);
        assert_string_equal(
            loan_ask(session_handle(session), "SELECT @@autocommit", text),
            "0");
        loan_end(session);
    }
}

static void
character_set_of_the_client_side_is_back(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    assert_int_equal(mysql_set_character_set(mysql, "latin1"), 0);
    loan_return_and_lend(session, &settings);
    assert_string_equal(mysql_character_set_name(mysql), "utf8mb4");
    assert_string_equal(
        loan_ask(mysql, "SELECT @@character_set_client", text), "utf8mb4");
    /* The server read it in the charset that the client escaped it for. */
    assert_string_equal(
        loan_ask(mysql, "SELECT HEX('\xf0\x9f\x90\xb3')", text), "F09F90B3");
    loan_end(session);
}

static void
charset_other_than_the_default_survives_returns(void **state)
{
    (void)state;
    char before[LOAN_TEXT], after[LOAN_TEXT];
    static char latin1[] = "latin1";
    struct settings settings;
    loan_settings(&settings, server);
    settings.charset = latin1;
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    loan_ask(mysql, CHARSETS, before);
    assert_int_equal(strncmp(before, "latin1 latin1 latin1 ", 21), 0);
    loan_do(mysql, "SET NAMES utf8mb4");
    loan_return_and_lend(session, &settings);
    assert_string_equal(loan_ask(mysql, CHARSETS, after), before);
    assert_string_equal(mysql_character_set_name(mysql), "latin1");
    loan_end(session);
}

static void
init_sql_is_sent_again_and_its_results_are_read(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    static char init_sql[] = "SELECT @greeting := CONCAT('hello ', DATABASE())"
                             " FROM a LIMIT 3";
    struct settings settings;
    loan_settings(&settings, server);
    settings.init_sql = init_sql;
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    assert_string_equal(loan_ask(mysql, "SELECT @greeting", text), "hello t");
    loan_do(mysql, "SET @greeting = 'bye'");
    loan_return_and_lend(session, &settings);
    assert_string_equal(loan_ask(mysql, "SELECT @greeting", text), "hello t");
    /* It must not run in the database that the borrower moved to. */
    loan_do(mysql, "USE information_schema");
    loan_return_and_lend(session, &settings);
    assert_string_equal(loan_ask(mysql, "SELECT @greeting", text), "hello t");
    loan_end(session);
}

static int
count_and_refuse_the_third(MYSQL *mysql, void *arg)
{
    unsigned *const calls = arg;
    return mysql_query(mysql, "SET @connected = 1") != 0 || ++*calls == 3;
}

static void
on_connect_runs_after_each_reset_and_may_refuse(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    unsigned calls = 0;
    enum session_flaw flaw;
    struct settings settings;
    loan_settings(&settings, server);
    settings.on_connect = count_and_refuse_the_third;
    settings.on_connect_arg = &calls;
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    loan_do(mysql, "SET @connected = 0");
    loan_return_and_lend(session, &settings);
    assert_int_equal(calls, 2);
    assert_string_equal(loan_ask(mysql, "SELECT @connected", text), "1");
    assert_int_equal(loan_return(session, &settings, &flaw), SESSION_BROKEN);
    assert_int_equal(flaw, SESSION_RESET_REFUSED);
    loan_end(session);
}

static void
session_without_a_database_is_not_kept_after_use(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    enum session_flaw flaw;
    struct settings settings;
    loan_settings(&settings, server);
    settings.database = NULL;
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    loan_do(mysql, "SET @left = 1");
    loan_return_and_lend(session, &settings);
    assert_string_equal(loan_ask(mysql, "SELECT DATABASE()", text), "NULL");
    loan_do(mysql, "USE t");
    assert_int_equal(loan_return(session, &settings, &flaw), SESSION_BROKEN);
    assert_int_equal(flaw, SESSION_RESET_REFUSED);
    loan_end(session);
}

static void
database_that_init_sql_chose_is_back(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    static char init_sql[] = "USE t";
    struct settings settings;
    loan_settings(&settings, server);
    settings.database = NULL;
    settings.init_sql = init_sql;
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    loan_do(mysql, "USE information_schema");
    loan_return_and_lend(session, &settings);
    assert_string_equal(loan_ask(mysql, "SELECT DATABASE()", text), "t");
    loan_end(session);
}

static void
several_statements_at_once_are_refused_again(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    leave_dirt(mysql, "DO 1; DO 2");
    loan_return_and_lend(session, &settings);
    assert_string_equal(loan_ask(mysql, "DO 1; DO 2", text), "error 1064");
    settings.reset = DEW_RESET_ROLLBACK;
    leave_dirt(mysql, "DO 1; DO 2");
    loan_return_and_lend(session, &settings);
    assert_string_equal(loan_ask(mysql, "DO 1; DO 2", text), "error 1064");
    loan_end(session);
}

static void
several_statements_at_once_are_allowed_again(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    settings.client_flags = CLIENT_MULTI_STATEMENTS;
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
    loan_do(mysql, "DO 1; DO 2");
    loan_return_and_lend(session, &settings);
    assert_int_equal(
        mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF), 0);
    loan_return_and_lend(session, &settings);
    loan_do(mysql, "DO 1; DO 2");
    loan_end(session);
}

static void
reconnect_is_off_again(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    MYSQL *const mysql = loan_lend(session);
#if FLAVOUR_MARIADB
    const char on = 1;
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &on);
#else
    mysql->reconnect = true;
#endif
    assert_true(flavour_reconnect_is_on(mysql));
    loan_return_and_lend(session, &settings); /* untouched, but for this */
    assert_false(flavour_reconnect_is_on(mysql));
    loan_end(session);
}

int
main(void)
{
    static const struct CMUnitTest own[] = {
        cmocka_unit_test(reset_always_cleans_also_what_looks_untouched),
        cmocka_unit_test(autocommit_off_is_restored_where_it_is_asked_for),
        cmocka_unit_test(character_set_of_the_client_side_is_back),
        cmocka_unit_test(charset_other_than_the_default_survives_returns),
        cmocka_unit_test(init_sql_is_sent_again_and_its_results_are_read),
        cmocka_unit_test(on_connect_runs_after_each_reset_and_may_refuse),
        cmocka_unit_test(session_without_a_database_is_not_kept_after_use),
        cmocka_unit_test(database_that_init_sql_chose_is_back),
        cmocka_unit_test(several_statements_at_once_are_refused_again),
        cmocka_unit_test(several_statements_at_once_are_allowed_again),
        cmocka_unit_test(reconnect_is_off_again),
    };
    struct CMUnitTest tests[DIRTS];
    for (size_t i = 0; i < DIRTS; i++) {
        tests[i] = (struct CMUnitTest){
            .name = dirts[i].sentence,
            .test_func = next_borrower_sees_no_dirt,
            .initial_state = (void *)(uintptr_t)&dirts[i],
        };
    }
    server = test_server_start(NULL);
    const int failed =
        cmocka_run_group_tests_name("what a reset cleans", tests, NULL, NULL) +
        cmocka_run_group_tests_name("what is put back behind it", own, NULL,
                                    NULL);
    test_server_stop(server);
    return failed;
}
