/* SPDX-License-Identifier: MIT */
/* Goal: a deadline holds inside a TLS handshake, whatever has asked for it. */
/* Method: each setting that makes the client library begin one by itself, alone, at
 * a listener that promises TLS and then dribbles. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "live/session_connect.h"
#include "session/inside.h"

enum { DEADLINE_MS = 300, PATH = 200, SKIPPED = 77 };

static struct {
    char directory[PATH];
    char pem[PATH + 16]; /* a certificate, its authority and its key */
    char file[PATH + 16];
} world;

static int
set_up_tls(void **state)
{
    char command[8 * PATH];

    (void)snprintf(world.directory, PATH, "/tmp/dewpond-tls-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    (void)snprintf(world.pem, sizeof world.pem, "%s/all.pem", world.directory);
    (void)snprintf(world.file, sizeof world.file, "%s/file.cnf",
                   world.directory);
    (void)snprintf(command, sizeof command,
                   "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
                   "-subj /CN=x "
                   "-keyout key -out certificate >/dev/null 2>&1 && "
                   "cat certificate key >all.pem && "
                   "printf '[dewpond-implied]\\nssl-ca=%%s\\n' %s >.my.cnf && "
                   "printf '[client]\\nssl-ca=%%s\\n' %s >file.cnf",
                   world.directory, world.pem, world.pem);
    if (system(command) != 0) {
        (void)fprintf(stderr, "no openssl command: not tried\n");
        exit(SKIPPED);
    }
    return set_up(state);
}

static int
tear_down_tls(void **state)
{
    char command[2 * PATH];

    (void)snprintf(command, sizeof command, "rm -r %s", world.directory);
    return tear_down(state) | system(command);
}

static void
assert_handshake_is_left(const struct settings *settings)
{
    const int64_t started_ns = clock_now_ns();
    const struct io_limit limit = {clock_deadline_after_ms(DEADLINE_MS), -1};
    struct session *session = NULL;
    dew_error error = {0};

    assert_int_equal(session_open(&session, settings, &limit, &error),
                     DEW_ECONNECT);
    assert_null(session);
    if (strstr(error.message, "connect timed out after 300 ms") == NULL) {
        fail_msg("%s", error.message);
    }
    assert_true(clock_now_ns() - started_ns < 5000 * CLOCK_NS_PER_MS);
}

static int
ask_for_tls(MYSQL *mysql, void *arg)
{
    return mysql_options(mysql, MYSQL_OPT_SSL_CA, arg);
}

/* One listener, and a session that nothing but `way` makes TLS. */
enum way {
    BY_CA,
    BY_CERTIFICATE,
    BY_KEY,
    BY_DEFAULTS_FILE,
    BY_GROUP_OF_THE_USERS_FILE,
    BY_FUNCTION,
    BY_REQUIRED,
    BY_VERIFY
};

static void
leave_a_handshake(const struct test_server *server, enum way way)
{
    struct stall *const stall = stall_start(STALL_TLS_DRIBBLE, true, 0);
    struct settings settings = settings_for_stall(server, stall);

    settings.tls_mode = way == BY_REQUIRED ? DEW_TLS_REQUIRED
                        : way == BY_VERIFY ? DEW_TLS_VERIFY
                                           : DEW_TLS_DEFAULT;
    settings.tls_ca = way == BY_CA ? world.pem : NULL;
    settings.tls_cert = way == BY_CERTIFICATE ? world.pem : NULL;
    settings.tls_key = way == BY_KEY ? world.pem : NULL;
    settings.defaults_file = way == BY_DEFAULTS_FILE ? world.file : NULL;
    settings.defaults_group =
        way == BY_GROUP_OF_THE_USERS_FILE ? (char *)"dewpond-implied" : NULL;
    settings.on_options = way == BY_FUNCTION ? ask_for_tls : NULL;
    settings.on_options_arg = world.pem;
    assert_handshake_is_left(&settings);
    stall_stop(stall);
}

static void
each_file_of_tls_alone_makes_it_tls_and_keeps_the_deadline(void **state)
{
    leave_a_handshake(*state, BY_CA);
    leave_a_handshake(*state, BY_CERTIFICATE);
    leave_a_handshake(*state, BY_KEY);
}

static void
each_tls_mode_keeps_the_deadline(void **state)
{
    leave_a_handshake(*state, BY_REQUIRED);
    leave_a_handshake(*state, BY_VERIFY);
}

/* The group [client] is read from it, without a name. */
static void
defaults_file_makes_it_tls_and_keeps_the_deadline(void **state)
{
    leave_a_handshake(*state, BY_DEFAULTS_FILE);
}

static void
group_of_the_users_file_makes_it_tls_and_keeps_the_deadline(void **state)
{
    assert_int_equal(setenv("HOME", world.directory, 1), 0);
    leave_a_handshake(*state, BY_GROUP_OF_THE_USERS_FILE);
}

static void
function_of_the_users_makes_it_tls_and_keeps_the_deadline(void **state)
{
    leave_a_handshake(*state, BY_FUNCTION);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            each_file_of_tls_alone_makes_it_tls_and_keeps_the_deadline),
        cmocka_unit_test(each_tls_mode_keeps_the_deadline),
        cmocka_unit_test(defaults_file_makes_it_tls_and_keeps_the_deadline),
        cmocka_unit_test(
            function_of_the_users_makes_it_tls_and_keeps_the_deadline),
        cmocka_unit_test(
            group_of_the_users_file_makes_it_tls_and_keeps_the_deadline),
    };

    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
