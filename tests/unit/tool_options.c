/* SPDX-License-Identifier: MIT */
/* Goal: the program reads its command line, or says what is wrong with it. */
/* Method: words go in; the fields, or the refusal's text, come out. */
#include "../../tools/options.c"

#include "../../tools/storm_options.c"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS_MAX = 8, WORD_MAX = 64 };

/* argv's strings must be writable: secrets are hidden in them. */
static char words[WORDS_MAX][WORD_MAX];
static char *vector[WORDS_MAX];

static int
arrange(const char *const *given)
{
    int count = 0;
    for (; given[count] != NULL; count++) {
        assert_true(count < WORDS_MAX && strlen(given[count]) < WORD_MAX);
        memcpy(words[count], given[count], strlen(given[count]) + 1);
        vector[count] = words[count];
    }
    return count;
}

#define READ(options, ...)                                                     \
    storm_options_read(                                                        \
        (options), arrange((const char *const[]){__VA_ARGS__, NULL}), vector)

static void
numbers_and_texts_are_taken_in_both_spellings(void **state)
{
    (void)state;
    struct storm_options options;
    assert_true(READ(&options, "--threads", "200", "--socket=/run/s", "--reset",
                     "rollback", "--quiet"));
    assert_int_equal(options.threads, 200);
    assert_string_equal(options.socket, "/run/s");
    assert_int_equal(options.reset, DEW_RESET_ROLLBACK);
    assert_true(options.quiet);
    assert_null(options.uri);
    assert_int_equal(options.seconds, 10);
    assert_int_equal(options.queries, STORM_UNSET);
    storm_options_free(&options);
}

static void
passwords_are_kept_and_hidden_in_argv(void **state)
{
    (void)state;
    struct storm_options options;
    assert_true(READ(&options, "--user", "me", "--password=secret"));
    assert_string_equal(options.password, "secret");
    assert_string_equal(words[2], "--password=xxxxxx");
    storm_options_free(&options);

    assert_true(READ(&options, "mysql://me:se:cret@[::1]:3306/db?size=3"));
    assert_string_equal(options.uri, "mysql://me:se:cret@[::1]:3306/db?size=3");
    assert_string_equal(words[0], "mysql://me:xxxxxxx@[::1]:3306/db?size=3");
    storm_options_free(&options);
}

static void
a_password_that_is_not_encoded_is_hidden_whole(void **state)
{
    (void)state;
    struct storm_options options;
    assert_true(READ(&options, "mysql://me:p@s/s?w@host/db"));
    assert_string_equal(words[0], "mysql://me:xxxxxxx@host/db");
    storm_options_free(&options);
    assert_true(READ(&options, "mysql://me@host/db?password=pw&size=3"));
    assert_string_equal(words[0], "mysql://me@host/db?password=xx&size=3");
    storm_options_free(&options);
}

static void
a_uri_without_a_password_stays_as_it_is(void **state)
{
    (void)state;
    struct storm_options options;
    assert_true(READ(&options, "mysql://me@host:3306/db?socket=/a:b"));
    assert_string_equal(words[0], "mysql://me@host:3306/db?socket=/a:b");
    storm_options_free(&options);
}

static void
the_environment_gives_the_password_that_is_not_named(void **state)
{
    (void)state;
    struct storm_options options;
    assert_int_equal(setenv("DEWPOND_PASSWORD", "of the house", 1), 0);
    assert_true(READ(&options, "--user", "me"));
    assert_string_equal(options.password, "of the house");
    storm_options_free(&options);
    assert_true(READ(&options, "--user", "me", "--password", "mine"));
    assert_string_equal(options.password, "mine");
    storm_options_free(&options);
    assert_int_equal(unsetenv("DEWPOND_PASSWORD"), 0);
}

/* Each refusal names the option, its value and what is allowed. */
static void
wrong_values_are_refused_by_name_value_and_range(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "0",  "10001", "-1", "",    "abc",
        "5x", " 5",    "+5", "1e3", "99999999999999999999",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct storm_options options = {.uri = NULL};
        struct option_complaint complaint = {""};
        char expected[128];
        (void)snprintf(expected, sizeof expected,
                       "--threads is '%s'; allowed are 1 to 10000", wrong[i]);
        const int count =
            arrange((const char *const[]){"--threads", wrong[i], NULL});
        assert_false(options_read(&table, count, vector, &options, &options.uri,
                                  &complaint));
        assert_string_equal(complaint.text, expected);
    }
}

static void
refused(const char *expected, const char *const *given)
{
    struct storm_options options = {.reset = STORM_UNSET,
                                    .port = STORM_UNSET,
                                    .seconds = STORM_UNSET,
                                    .queries = STORM_UNSET};
    struct option_complaint complaint = {""};
    const bool fine = options_read(&table, arrange(given), vector, &options,
                                   &options.uri, &complaint) &&
                      check_sense(&options, &complaint);
    assert_false(fine);
    if (strstr(complaint.text, expected) == NULL) {
        fail_msg("'%s' is not in '%s'", expected, complaint.text);
    }
}

#define REFUSED(expected, ...)                                                 \
    refused((expected), (const char *const[]){__VA_ARGS__, NULL})

static void
words_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    REFUSED("no option --thread", "--thread", "4", "u");
    REFUSED("--seconds needs a value", "--seconds");
    REFUSED("--quiet takes no value", "--quiet=1", "u");
    REFUSED("'v' is one word too many", "u", "v");
    REFUSED("allowed are auto, always, rollback, never", "--reset", "no", "u");
    REFUSED("--seconds and --queries", "--seconds", "1", "--queries", "1", "u");
    REFUSED("--dirty needs a reset", "--dirty", "1", "--reset", "never", "u");
    REFUSED("--host and a URI", "--host", "h", "u");
    REFUSED("--password and a URI", "--password", "p", "u");
    REFUSED("--query is empty", "--query", "", "u");
    REFUSED("no server is named", "--threads", "4");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_texts_are_taken_in_both_spellings),
        cmocka_unit_test(passwords_are_kept_and_hidden_in_argv),
        cmocka_unit_test(a_password_that_is_not_encoded_is_hidden_whole),
        cmocka_unit_test(a_uri_without_a_password_stays_as_it_is),
        cmocka_unit_test(the_environment_gives_the_password_that_is_not_named),
        cmocka_unit_test(wrong_values_are_refused_by_name_value_and_range),
        cmocka_unit_test(words_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
