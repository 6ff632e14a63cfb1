/* SPDX-License-Identifier: MIT */
/* Goal: `dewpond storm` and the examples do on a server what they say. */
/* Method: run the built programs, read their words and exit statuses. */
#include <libgen.h>
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

#include "base/clock.h"
#include "fixture/server.h"

enum { WITHIN_MS = 10000 };

static char build_dir[] = DEWPOND_SO_PATH;
static char output[16384]; /* what the last program said */

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

/* Runs build_dir/<command> in a shell; its exit status, its words in output. */
__attribute__((format(printf, 1, 2))) static int
run(const char *format, ...)
{
    char command[2048];
    char line[2400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    (void)snprintf(line, sizeof line, "'%s'/%s 2>&1", build_dir, command);
    FILE *const pipe = popen(line, "r");
    assert_non_null(pipe);
    const size_t length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = '\0';
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
assert_said(const char *words)
{
    if (strstr(output, words) == NULL) {
        fail_msg("'%s' is not in:\n%s", words, output);
    }
}

#define assert_status(expected, got)                                           \
    do {                                                                       \
        const int status_ = (got);                                             \
        if (status_ != (expected)) {                                           \
            fail_msg("status %d, not %d:\n%s", status_, (expected), output);   \
        }                                                                      \
    } while (0)

static void
a_storm_ends_well_and_leaves_no_session(void **state)
{
    assert_status(0, run("dewpond storm --threads 16 --queries 200 --size 4 "
                         "--maxsize 4 '%s'",
                         test_server_uri(*state)));
    assert_said("verdict: OK, 3200 queries, each answer the asker's own");
    assert_said("\nsessions opened                   4\n");
    assert_true(test_server_await_count(*state, "app", 0, WITHIN_MS));
}

static void
a_storm_by_options_reaches_the_same_server(void **state)
{
    assert_status(0, run("dewpond storm --quiet --threads 2 --queries 5 "
                         "--user app --password app --socket '%s'",
                         test_server_socket(*state)));
    assert_said("verdict: OK, 10 queries");
}

static void
an_answer_that_is_not_the_askers_ends_with_status_1(void **state)
{
    assert_status(1, run("dewpond storm --threads 2 --queries 5 "
                         "--query 'SELECT {nonce} + 1' '%s'",
                         test_server_uri(*state)));
    assert_said("wrong answer: thread ");
    assert_said("verdict: WRONG ANSWERS: 10;");
}

static void
an_answer_without_a_row_ends_with_status_1(void **state)
{
    assert_status(1, run("dewpond storm --quiet --threads 1 --queries 1 "
                         "--query 'SELECT 1 FROM t.a WHERE id = -{nonce}' "
                         "'%s'",
                         test_server_uri(*state)));
    assert_said("and got nothing");
}

static void
dirt_is_cleaned_by_the_default_reset(void **state)
{
    assert_status(0, run("dewpond storm --threads 8 --queries 100 --size 2 "
                         "--maxsize 2 --dirty 50 --discard 5 '%s'",
                         test_server_uri(*state)));
    assert_said("\ndirt found                        0\n");
}

/* A rollback leaves user variables: the witness must see what was left. */
static void
dirt_that_a_reset_leaves_ends_with_status_1(void **state)
{
    assert_status(1, run("dewpond storm --quiet --threads 1 --queries 10 "
                         "--reset rollback --dirty 1 --size 1 --maxsize 1 "
                         "--query 'SELECT @dewpond_dirt := {nonce}' '%s'",
                         test_server_uri(*state)));
    assert_said("dirt found: 9\n");
}

static void
a_query_that_fails_ends_with_status_3(void **state)
{
    assert_status(3, run("dewpond storm --threads 2 --queries 5 "
                         "--query 'SELECT nothing' '%s'",
                         test_server_uri(*state)));
    assert_said("DEW_EQUERY                     10");
    assert_said("(1054)");
}

static void
a_server_that_is_not_there_ends_with_status_3(void **state)
{
    assert_status(3, run("dewpond storm --user app --socket '%s.not'",
                         test_server_socket(*state)));
    assert_said("dewpond storm: ");
    assert_said("(2002)");
}

static void
a_size_that_the_pool_refuses_ends_with_status_2(void **state)
{
    assert_status(2, run("dewpond storm --size 9 --maxsize 3 '%s'",
                         test_server_uri(*state)));
    assert_status(
        2, run("dewpond storm --size 9 '%s&size=9'", test_server_uri(*state)));
    assert_said("--size and size= in the URI exclude each other");
}

/* Reads the program's words until these appear. */
static void
await_words(FILE *from, const char *words)
{
    char line[512];
    while (fgets(line, sizeof line, from) != NULL) {
        if (strstr(line, words) != NULL) {
            return;
        }
    }
    fail_msg("the program ended before it said '%s'", words);
}

static void
await_sessions(struct test_server *server, int64_t least)
{
    const int64_t until_ns = clock_deadline_after_ms(WITHIN_MS);

    while (test_server_count(server, "app") < least) {
        assert_true(clock_now_ns() < until_ns);
        (void)poll(NULL, 0, 1);
    }
}

static void
an_interrupted_storm_tells_its_verdict(void **state)
{
    char program[2048];
    int ends[2];
    (void)snprintf(program, sizeof program, "%s/dewpond", build_dir);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl(program, program, "storm", "--seconds", "100",
                    test_server_uri(*state), (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    FILE *const words = fdopen(ends[0], "r");
    assert_non_null(words);
    await_words(words, "16 threads ask");
    await_sessions(*state, 10); /* and more, where borrowers wait for long */
    assert_int_equal(kill(child, SIGINT), 0);
    await_words(words, "verdict: OK");
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)fclose(words);
}

static void
every_example_works_and_tells_when_it_cannot(void **state)
{
    static const char *const names[] = {"small", "pooled_threads", "named",
                                        "without_pool", "scoped"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_status(
            0, run("examples/%s '%s'", names[i], test_server_uri(*state)));
        assert_status(
            0, run("examples/%s '%s'", names[i], test_server_tcp_uri(*state)));
        assert_status(
            1, run("examples/%s '%s.not'", names[i], test_server_uri(*state)));
        assert_status(1, run("examples/%s", names[i]));
    }
    assert_true(test_server_await_count(*state, "app", 0, WITHIN_MS));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_ends_well_and_leaves_no_session),
        cmocka_unit_test(a_storm_by_options_reaches_the_same_server),
        cmocka_unit_test(an_answer_that_is_not_the_askers_ends_with_status_1),
        cmocka_unit_test(an_answer_without_a_row_ends_with_status_1),
        cmocka_unit_test(dirt_is_cleaned_by_the_default_reset),
        cmocka_unit_test(dirt_that_a_reset_leaves_ends_with_status_1),
        cmocka_unit_test(a_query_that_fails_ends_with_status_3),
        cmocka_unit_test(a_server_that_is_not_there_ends_with_status_3),
        cmocka_unit_test(a_size_that_the_pool_refuses_ends_with_status_2),
        cmocka_unit_test(an_interrupted_storm_tells_its_verdict),
        cmocka_unit_test(every_example_works_and_tells_when_it_cannot),
    };
    (void)dirname(build_dir);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
