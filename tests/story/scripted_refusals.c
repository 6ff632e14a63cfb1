/* SPDX-License-Identifier: MIT */
/* Goal: a session that the server does not let be as it is configured is no
 * session. Method: a server that refuses one statement of a connect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/scripted_kit.h"

static void
setting_that_the_server_refuses_fails_the_connect(void **state)
{
    static const dew_script_step no = {
        .moment = DEW_SCRIPT_ANSWER, .like = "SET ", .say = DEW_SCRIPT_ERROR,
        .number = 1231, .sqlstate = "42000", .text = "not this value"};
    dew_script_server *const server =
        script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    dew_config config;
    dew_conn conn;
    dew_error error = {.code = DEW_OK};

    (void)state;
    script_config(&config, server, false);
    config.autocommit = DEW_OFF;
    script_play(server, &no);
    assert_int_equal(dew_connect(&config, &conn, &error), DEW_ECONNECT);
    assert_int_equal(error.mysql_errno, 1231);
    assert_non_null(strstr(error.message, "not this value"));
    assert_true(dew_script_played(server, NULL) > 0);
    script_play(server, NULL);
    assert_int_equal(dew_connect(&config, &conn, &error), DEW_OK);
    assert_int_equal(dew_release(&conn), DEW_OK);
    script_stop(server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_that_the_server_refuses_fails_the_connect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
