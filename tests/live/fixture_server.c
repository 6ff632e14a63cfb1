/* SPDX-License-Identifier: MIT */
/* Goal: the fixture server can be trusted by all tests that stand on it. */
/* Method: drive a real one through its life and look at it from outside. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <mysql.h>

#include "base/clock.h"
#include "fixture/server.h"

enum { WITHIN_MS = 10000 };

static int
set_up(void **state)
{
    *state = test_server_start(NULL);
    return 0;
}

static int
tear_down(void **state)
{
    test_server_stop(*state);
    return 0;
}

static MYSQL *
connect_as_app(const struct test_server *server, bool tcp)
{
    const unsigned limit_s = WITHIN_MS / 1000;
    MYSQL *const app = mysql_init(NULL);

    assert_non_null(app);
    (void)mysql_options(app, MYSQL_OPT_READ_TIMEOUT, &limit_s);
    if (mysql_real_connect(app, tcp ? "127.0.0.1" : "localhost", "app", "app",
                           "t", tcp ? test_server_port(server) : 0,
                           tcp ? NULL : test_server_socket(server),
                           0) == NULL) {
        (void)fprintf(stderr, "%s\n", mysql_error(app));
        mysql_close(app);
        return NULL;
    }
    return app;
}

static void
a_started_server_has_the_promised_table_and_user(void **state)
{
    struct test_server *const server = *state;
    char text[16];
    char uri[256];

    assert_int_equal(
        test_server_scalar(server, "SELECT COUNT(*) FROM t.a"), 100);
    assert_true(test_server_text(server, "SELECT v FROM t.a WHERE id = 42",
                                 text, sizeof(text)));
    assert_string_equal(text, "row 42");
    assert_int_equal(
        test_server_scalar(server, "SELECT v FROM t.a WHERE id = 0"), -1);
    assert_int_equal(test_server_exec(server, "SELEKT"), 1064);
    (void)snprintf(uri, sizeof(uri), "mysql://app:app@/t?socket=%s",
                   test_server_socket(server));
    assert_string_equal(test_server_uri(server), uri);
    assert_true(strlen(test_server_socket(server)) < 90);
}

static void
it_counts_the_connections_of_a_user_over_socket_and_port(void **state)
{
    struct test_server *const server = *state;
    assert_int_equal(test_server_count(server, "app"), 0);

    MYSQL *const one = connect_as_app(server, false);
    assert_non_null(one);
    assert_int_equal(test_server_count(server, "app"), 1);
    MYSQL *const two = connect_as_app(server, true);
    assert_non_null(two);
    assert_int_equal(test_server_count(server, "app"), 2);

    mysql_close(one);
    mysql_close(two);
    assert_true(test_server_await_count(server, "app", 0, WITHIN_MS));
    assert_false(test_server_await_count(server, "app", 1, 20));
}

static void
a_frozen_server_is_silent_until_it_is_thawed(void **state)
{
    struct test_server *const server = *state;
    MYSQL *const app = connect_as_app(server, false);
    assert_non_null(app);

    test_server_freeze(server);
    assert_int_equal(mysql_send_query(app, "DO 1", 4), 0);
    struct pollfd answer = {.fd = (int)app->net.fd, .events = POLLIN};
    assert_int_equal(poll(&answer, 1, 200), 0);
    test_server_thaw(server);
    assert_int_equal(poll(&answer, 1, WITHIN_MS), 1);
    assert_int_equal(mysql_read_query_result(app), 0);
    mysql_close(app);
}

static void
a_killed_server_answers_nobody_and_comes_back_with_its_data(void **state)
{
    struct test_server *const server = *state;
    const unsigned port = test_server_port(server);
    const pid_t pid = test_server_pid(server);
    assert_int_equal(test_server_exec(server, "UPDATE t.a SET v = 'kept'"
                                              " WHERE id = 1"), 0);

    test_server_kill(server);
    assert_int_equal(test_server_pid(server), 0);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_null(connect_as_app(server, false));
    assert_int_equal(test_server_count(server, "app"), -1);

    test_server_restart(server);
    assert_int_equal(test_server_port(server), port);
    MYSQL *const app = connect_as_app(server, true);
    assert_non_null(app);
    mysql_close(app);
    char text[16];
    assert_true(test_server_text(server, "SELECT v FROM t.a WHERE id = 1",
                                 text, sizeof(text)));
    assert_string_equal(text, "kept");
}

static void
extra_arguments_reach_the_server_and_win(void **state)
{
    (void)state;
    static const char *const extra[] = {"--max-connections=77", NULL};
    struct test_server *const server = test_server_start(extra);

    assert_int_equal(
        test_server_scalar(server, "SELECT @@GLOBAL.max_connections"), 77);
    test_server_stop(server);
}

static void
a_stopped_server_leaves_no_process_and_no_directory(void **state)
{
    (void)state;
    struct test_server *const server = test_server_start(NULL);
    const pid_t pid = test_server_pid(server);
    char directory[256];
    (void)snprintf(directory, sizeof(directory), "%s",
                   test_server_directory(server));
    assert_int_equal(access(directory, F_OK), 0);

    test_server_freeze(server);
    test_server_stop(server);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(access(directory, F_OK), -1);
    assert_int_equal(errno, ENOENT);
}

static bool
gone_in_time(pid_t pid, const char *directory)
{
    const int64_t deadline = clock_deadline_after_ms(WITHIN_MS);

    while (clock_now_ns() < deadline) {
        if (kill(pid, 0) != 0 && access(directory, F_OK) != 0) {
            return true;
        }
        (void)usleep(1000);
    }
    return false;
}

/* The test program that starts and abandons one is this program itself. */
static void
a_test_that_is_killed_leaves_no_process_and_no_directory(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl("/proc/self/exe", "fixture_server", "abandon",
                    (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    (void)close(ends[1]);
    FILE *const told = fdopen(ends[0], "re");
    int pid = 0;
    char directory[256] = "";
    assert_int_equal(fscanf(told, "%d %255s", &pid, directory), 2);
    assert_int_equal(kill(pid, 0), 0);
    assert_int_equal(access(directory, F_OK), 0);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(gone_in_time(pid, directory));
    (void)fclose(told);
}

static _Noreturn void
abandon(void)
{
    const struct test_server *const server = test_server_start(NULL);

    (void)printf("%d %s\n", (int)test_server_pid(server),
                 test_server_directory(server));
    (void)fflush(stdout);
    for (;;) {
        (void)pause();
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_started_server_has_the_promised_table_and_user),
        cmocka_unit_test(
            it_counts_the_connections_of_a_user_over_socket_and_port),
        cmocka_unit_test(a_frozen_server_is_silent_until_it_is_thawed),
        cmocka_unit_test(
            a_killed_server_answers_nobody_and_comes_back_with_its_data),
        cmocka_unit_test(extra_arguments_reach_the_server_and_win),
        cmocka_unit_test(a_stopped_server_leaves_no_process_and_no_directory),
        cmocka_unit_test(
            a_test_that_is_killed_leaves_no_process_and_no_directory),
    };

    if (argc > 1 && strcmp(argv[1], "abandon") == 0) {
        abandon();
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
