/* SPDX-License-Identifier: MIT */
/* Goal: nobody works with the rights of another borrower's login. Method: a pool
 * of one session; mysql_change_user, return, and ask the server who we are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;
static dew_conn conn;

static void
nobody_gets_the_user_that_another_one_changed_to(void **state)
{
    static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ALWAYS,
                                         DEW_RESET_ROLLBACK};

    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        dew_config config;
        char before[LOAN_TEXT], text[LOAN_TEXT];
        kit_config(&config, server);
        config.user = config.password = "app";
        config.reset = policies[i];
        dew_pool *const pool = kit_open(&config);
        MYSQL *mysql = kit_borrow(pool, &conn);
        (void)loan_ask(mysql, "SELECT CURRENT_USER()", before);
        assert_int_equal(mysql_change_user(mysql, "root", "", NULL), 0);
        mysql = kit_next(pool, &conn);
        assert_string_equal(loan_ask(mysql, "SELECT CURRENT_USER()", text),
                            before);
        /* To the same user again: nothing is lost, and the session stays. */
        const int64_t id = kit_server_id(mysql);
        assert_int_equal(mysql_change_user(mysql, "app", "app", config.database),
                         0);
        mysql = kit_next(pool, &conn);
        assert_int_equal(kit_server_id(mysql), id);
        kit_return(&conn);
        kit_close(pool);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_gets_the_user_that_another_one_changed_to),
    };

    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
