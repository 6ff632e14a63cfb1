/* SPDX-License-Identifier: MIT */
/* Goal: whatever a server calls its version, it is read and not read past.
 * Method: sessions with servers of whole, short and odd versions; a sanitizer
 * or valgrind sees a read behind the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/scripted_kit.h"

static void
reads(const char *told, unsigned long expected)
{
    const dew_script_options options = {.kind = DEW_SCRIPT_MYSQL,
                                        .listen = DEW_SCRIPT_UNIX,
                                        .version = told};
    const struct io_limit limit = {
        .deadline_ns = clock_deadline_after_ms(KIT_PATIENCE_MS),
        .cancel_fd = -1};
    dew_script_server *const server = dew_script_start(&options, NULL, 0);
    struct settings settings = {
        .name = (char *)"test-pool",
        .user = (char *)"app",
        .charset = (char *)"utf8mb4",
        .connect_timeout_ms = KIT_PATIENCE_MS,
        .buffer_max_kb = SETTINGS_OFF,
        .autocommit = true,
    };
    struct session *session = NULL;
    dew_error error;

    assert_non_null(server);
    settings.unix_socket = (char *)(uintptr_t)dew_script_socket(server);
    if (session_open(&session, &settings, &limit, &error) != DEW_OK) {
        fail_msg("version '%s': %s", told, error.message);
    }
    assert_int_equal(session_server(session)->version, expected);
    loan_end(session);
    script_stop(server);
}

static void
version_of_any_form_is_read(void **state)
{
    (void)state;
    reads("8.0.36", 80036);
    reads("10.11.6-MariaDB", 101106);
    reads("9.1.0-log", 90100);
    reads("8", 80000);
    reads("8.4", 80400);
    reads("8.4.", 80400);
    reads("8.x.9", 80000);
    reads("none", 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_of_any_form_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
