/* SPDX-License-Identifier: MIT */
/* Goal: an error always says something, also where the server said nothing.
 * Method: a server that refuses with a number and no text, at each moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/scripted_kit.h"

static void
refusal_without_a_text_has_a_message(void **state)
{
    static const dew_script_moment moments[] = {
        DEW_SCRIPT_GREETING, DEW_SCRIPT_WELCOME, DEW_SCRIPT_ANSWER};
    dew_script_server *const server =
        script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);

    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        const dew_script_step mute = {
            .moment = moments[i], .say = DEW_SCRIPT_ERROR, .number = 1045,
            .sqlstate = "28000", .text = "", .then = DEW_SCRIPT_CLOSE};
        dew_config config;
        dew_conn conn;
        dew_error error = {.code = DEW_OK};

        script_play(server, &mute);
        script_config(&config, server, false);
        assert_int_equal(dew_connect(&config, &conn, &error), DEW_ECONNECT);
        assert_string_not_equal(error.message, "");
    }
    script_play(server, NULL);
    script_stop(server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusal_without_a_text_has_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
