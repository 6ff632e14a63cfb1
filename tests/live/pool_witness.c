/* SPDX-License-Identifier: MIT */
/* Goal: what a borrower leaves in its session is gone for the next one, or
 * stays exactly where the header says that a cheaper policy misses it.
 * Method: a pool of one session; ask, leave dirt (which must show), return,
 * and let the next borrower of the same session be the witness. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

enum cleaner { BY_RESET, BY_ROLLBACK_TOO };
enum witness { NEXT_BORROWER, ANOTHER_SESSION };

struct dirt {
    const char *sentence; /* the test's name */
    const char *left;     /* what the borrower does last */
    const char *question; /* asked before, during, and after */
    enum cleaner cleaner;
    enum witness witness;
};

#define CHARSETS                                                              \
    "SELECT CONCAT_WS(' ',@@character_set_client,@@character_set_results,"    \
    "@@character_set_connection,@@collation_connection)"

static const struct dirt dirts[] = {
    {"transaction", "BEGIN; INSERT INTO a VALUES (1001, 'lost')",
     "SELECT COUNT(*) FROM a WHERE id = 1001", BY_ROLLBACK_TOO,
     NEXT_BORROWER},
    {"row_lock", "BEGIN; UPDATE a SET v = 'mine' WHERE id = 7",
     "SELECT id FROM t.a WHERE id = 7 FOR UPDATE SKIP LOCKED",
     BY_ROLLBACK_TOO, ANOTHER_SESSION},
    {"transaction_behind_a_savepoint",
     "BEGIN; INSERT INTO a VALUES (1002, 'lost'); SAVEPOINT s",
     "SELECT COUNT(*) FROM a WHERE id = 1002", BY_ROLLBACK_TOO,
     NEXT_BORROWER},
    {"autocommit", "SET autocommit = 0", "SELECT @@autocommit",
     BY_ROLLBACK_TOO, NEXT_BORROWER},
    {"transaction_of_autocommit_off",
     "SET autocommit = 0; INSERT INTO a VALUES (1003, 'lost')",
     "SELECT COUNT(*) FROM a WHERE id = 1003", BY_ROLLBACK_TOO,
     NEXT_BORROWER},
    {"user_variable", "SET @secret = 42", "SELECT @secret", BY_RESET,
     NEXT_BORROWER},
    {"temporary_table", "CREATE TEMPORARY TABLE scratch (x INT)",
     "SELECT COUNT(*) FROM scratch", BY_RESET, NEXT_BORROWER},
    {"temporary_table_that_hides_another", "CREATE TEMPORARY TABLE a (x INT)",
     "SELECT COUNT(*) FROM a", BY_RESET, NEXT_BORROWER},
    {"session_variable", "SET sort_buffer_size = 65536",
     "SELECT @@sort_buffer_size", BY_RESET, NEXT_BORROWER},
    {"sql_mode", "SET sql_mode = 'ANSI_QUOTES'", "SELECT @@sql_mode",
     BY_RESET, NEXT_BORROWER},
    {"time_zone", "SET time_zone = '+07:30'", "SELECT @@time_zone", BY_RESET,
     NEXT_BORROWER},
    {"isolation_level", "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
     "SHOW VARIABLES WHERE Variable_name LIKE '%isolation' AND "
     "Value = 'SERIALIZABLE'",
     BY_RESET, NEXT_BORROWER},
    {"read_only_mode", "SET SESSION TRANSACTION READ ONLY",
     "UPDATE a SET v = v WHERE id = 1", BY_RESET, NEXT_BORROWER},
    {"named_lock", "DO GET_LOCK('mine', 0)", "SELECT IS_FREE_LOCK('mine')",
     BY_RESET, ANOTHER_SESSION},
    {"table_lock", "LOCK TABLES a WRITE",
     "SHOW OPEN TABLES FROM t WHERE `Table` = 'a' AND In_use > 0", BY_RESET,
     ANOTHER_SESSION},
    {"statement_of_sql", "PREPARE p FROM 'SELECT 1'", "EXECUTE p", BY_RESET,
     NEXT_BORROWER},
    {"handler", "HANDLER a OPEN", "HANDLER a READ FIRST", BY_RESET,
     NEXT_BORROWER},
    {"last_insert_id", "DO LAST_INSERT_ID(77)", "SELECT LAST_INSERT_ID()",
     BY_RESET, NEXT_BORROWER},
    {"database", "USE information_schema", "SELECT DATABASE()", BY_RESET,
     NEXT_BORROWER},
    {"charset_of_set_names", "SET NAMES latin1", CHARSETS, BY_RESET,
     NEXT_BORROWER},
    {"collation", "SET collation_connection = utf8mb4_bin", CHARSETS,
     BY_RESET, NEXT_BORROWER},
};
#define DIRTS (sizeof dirts / sizeof dirts[0])

struct scene {
    dew_pool *pool;
    dew_conn conn;
    char before[LOAN_TEXT], during[LOAN_TEXT], after[LOAN_TEXT];
};

static void
ask(const struct dirt *dirt, MYSQL *mysql, char text[LOAN_TEXT])
{
    if (dirt->witness == NEXT_BORROWER) {
        loan_ask(mysql, dirt->question, text);
    } else if (!test_server_text(server, dirt->question, text, LOAN_TEXT)) {
        (void)strcpy(text, "no row");
    }
}

/* Ends with the next borrower's answer in scene->after. */
static void
play(struct scene *scene, const struct dirt *dirt, dew_reset policy)
{
    dew_config config;
    kit_config(&config, server);
    config.reset = policy;
    config.client_flags = CLIENT_MULTI_STATEMENTS;
    scene->pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(scene->pool, &scene->conn);
    const int64_t id = kit_server_id(mysql);
    mysql = kit_next(scene->pool, &scene->conn);
    ask(dirt, mysql, scene->before);
    loan_do(mysql, dirt->left);
    ask(dirt, mysql, scene->during);
    assert_string_not_equal(scene->before, scene->during);
    mysql = kit_next(scene->pool, &scene->conn);
    ask(dirt, mysql, scene->after);
    /* A new session would be clean without any cleaning. */
    assert_int_equal(kit_server_id(mysql), id);
}

static void
strike(struct scene *scene)
{
    kit_return(&scene->conn);
    assert_int_equal(kit_stats(scene->pool).retired_broken, 0);
    kit_close(scene->pool);
}

static void
next_borrower_finds_it_clean(void **state)
{
    static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ALWAYS};
    const struct dirt *const dirt = *state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;
        play(&scene, dirt, policies[i]);
        assert_string_equal(scene.after, scene.before);
        strike(&scene);
    }
}

static void
rollback_cleans_what_the_header_says(void **state)
{
    const struct dirt *const dirt = *state;
    struct scene scene;
    play(&scene, dirt, DEW_RESET_ROLLBACK);
    assert_string_equal(scene.after, dirt->cleaner == BY_ROLLBACK_TOO
                                         ? scene.before
                                         : scene.during);
    strike(&scene);
}

static void
never_cleans_nothing(void **state)
{
    const struct dirt *const dirt = *state;
    struct scene scene;
    play(&scene, dirt, DEW_RESET_NEVER);
    assert_string_equal(scene.after, scene.during);
    strike(&scene);
}

static int
run_over_all(const char *name, CMUnitTestFunction each)
{
    struct CMUnitTest tests[DIRTS];
    for (size_t i = 0; i < DIRTS; i++) {
        tests[i] = (struct CMUnitTest){
            .name = dirts[i].sentence,
            .test_func = each,
            .initial_state = (void *)(uintptr_t)&dirts[i],
        };
    }
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    server = test_server_start(NULL);
    const int failed =
        run_over_all("next borrower finds it clean",
                     next_borrower_finds_it_clean) +
        run_over_all("rollback cleans what the header says",
                     rollback_cleans_what_the_header_says) +
        run_over_all("never cleans nothing", never_cleans_nothing);
    test_server_stop(server);
    return failed;
}
