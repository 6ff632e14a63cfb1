/* SPDX-License-Identifier: MIT */
/* Goal: an error is whole, terminated and safe to build from itself. */
/* Method: each filler with NULL, long, multi-byte and aliased arguments. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"

static void
dirty(dew_error *error)
{
    memset(error, 0x5A, sizeof *error);
}

static void
each_filler_returns_its_code_without_an_error(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, DEW_EFULL, DEW_STAGE_WAIT, "x"),
                     DEW_EFULL);
    assert_int_equal(
        error_set_mysql(NULL, DEW_ECONNECT, DEW_STAGE_CONNECT, 1, "08S01", "x"),
        DEW_ECONNECT);
    assert_int_equal(error_set_os(NULL, DEW_ESYSTEM, DEW_STAGE_NONE, 24, "x"),
                     DEW_ESYSTEM);
}

static void
a_plain_error_clears_what_was_there_before(void **state)
{
    dew_error error;

    (void)state;
    dirty(&error);
    assert_int_equal(
        error_set(&error, DEW_EINVAL, DEW_STAGE_CONFIG, "%s is %d", "size", 7),
        DEW_EINVAL);
    assert_int_equal(error.code, DEW_EINVAL);
    assert_int_equal(error.stage, DEW_STAGE_CONFIG);
    assert_int_equal(error.mysql_errno, 0);
    assert_int_equal(error.os_errno, 0);
    assert_string_equal(error.sqlstate, "");
    assert_string_equal(error.message, "size is 7");
}

static void
a_server_error_keeps_errno_and_state(void **state)
{
    dew_error error;

    (void)state;
    dirty(&error);
    (void)error_set_mysql(&error, DEW_ECONNECT, DEW_STAGE_CONNECT, 1045,
                          "28000", "%s", "Access denied");
    assert_int_equal(error.mysql_errno, 1045);
    assert_string_equal(error.sqlstate, "28000");
    assert_string_equal(error.message, "Access denied");
    (void)error_set_mysql(&error, DEW_ECONNECT, DEW_STAGE_CONNECT, 2003, NULL,
                          "x");
    assert_string_equal(error.sqlstate, "");
    (void)error_set_mysql(&error, DEW_ECONNECT, DEW_STAGE_CONNECT, 2003,
                          "too long a state", "x");
    assert_string_equal(error.sqlstate, "too l");
}

static void
a_system_error_keeps_its_errno(void **state)
{
    dew_error error;

    (void)state;
    dirty(&error);
    (void)error_set_os(&error, DEW_ESYSTEM, DEW_STAGE_NONE, 24, "no thread");
    assert_int_equal(error.os_errno, 24);
    assert_int_equal(error.mysql_errno, 0);
    assert_string_equal(error.message, "no thread");
}

static void
a_failed_system_call_is_told_with_what_to_do(void **state)
{
    static const struct {
        int32_t number;
        const char *meaning, *advice;
    } known[] = {
        {EMFILE, "open files", "; raise the limit"},
        {ENFILE, "open files in the system", "; raise fs.file-max"},
        {EAGAIN, "threads", "; raise the limit"},
        {ENOMEM, "out of memory", "; free some"},
        {ENOTTY, "unexpected", "; see os_errno"},
    };
    dew_error error;

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        dirty(&error);
        assert_int_equal(error_system(&error, DEW_STAGE_CONFIG, known[i].number,
                                      "no %s", "luck"),
                         DEW_ESYSTEM);
        assert_int_equal(error.code, DEW_ESYSTEM);
        assert_int_equal(error.stage, DEW_STAGE_CONFIG);
        assert_int_equal(error.os_errno, known[i].number);
        assert_int_equal(strncmp(error.message, "no luck: ", 9), 0);
        assert_non_null(strstr(error.message, known[i].meaning));
        assert_non_null(strstr(error.message, known[i].advice));
    }
    assert_int_equal(error_system(NULL, DEW_STAGE_NONE, EMFILE, "x"),
                     DEW_ESYSTEM);
}

static void
a_lack_of_memory_is_told_with_what_to_do(void **state)
{
    dew_error error;

    (void)state;
    dirty(&error);
    assert_int_equal(error_no_memory(&error, DEW_STAGE_WAIT, "%d waiters", 3),
                     DEW_ENOMEM);
    assert_int_equal(error.code, DEW_ENOMEM);
    assert_int_equal(error.stage, DEW_STAGE_WAIT);
    assert_string_equal(error.message, "no memory for 3 waiters; free some or "
                                       "raise its limit");
    assert_int_equal(error_no_memory(NULL, DEW_STAGE_NONE, "x"), DEW_ENOMEM);
}

static void
a_long_message_is_cut_and_terminated(void **state)
{
    dew_error error;
    char longer[2000];

    (void)state;
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    dirty(&error);
    (void)error_set(&error, DEW_EINVAL, DEW_STAGE_NONE, "%s", longer);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

/* 2-byte characters after 0 or 1 bytes: one of the two is split by the cut. */
static void
a_cut_never_leaves_half_a_character(void **state)
{
    dew_error error;
    char text[1200];

    (void)state;
    for (size_t shift = 0; shift < 2; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 2 < sizeof text; i += 2) {
            memcpy(text + i, "\xC3\xA4", 3);
        }
        (void)error_set(&error, DEW_EINVAL, DEW_STAGE_NONE, "%s", text);
        const size_t length = strlen(error.message);
        assert_int_equal((length - shift) % 2, 0);
        assert_in_range(length, sizeof error.message - 4,
                        sizeof error.message - 1);
    }
}

/* No character begins anywhere in it: it is cut where there is no more room. */
static void
a_cut_of_what_is_no_text_ends_at_the_end(void **state)
{
    dew_error error;
    char rubbish[1200];

    (void)state;
    memset(rubbish, 0x80, sizeof rubbish);
    rubbish[sizeof rubbish - 1] = '\0';
    (void)error_set(&error, DEW_EINVAL, DEW_STAGE_NONE, "%s", rubbish);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static void
a_message_may_be_built_from_the_message_before(void **state)
{
    dew_error error;

    (void)state;
    (void)error_set_mysql(&error, DEW_ECONNECT, DEW_STAGE_CONNECT, 1040,
                          "08004", "Too many connections");
    (void)error_set_mysql(&error, DEW_ETIMEDOUT, DEW_STAGE_WAIT,
                          error.mysql_errno, error.sqlstate,
                          "gave up; the last: %s", error.message);
    assert_string_equal(error.message,
                        "gave up; the last: Too many connections");
    assert_string_equal(error.sqlstate, "08004");
    assert_int_equal(error.mysql_errno, 1040);
}

static void
a_copy_is_equal_and_may_go_nowhere(void **state)
{
    dew_error from, to;

    (void)state;
    (void)error_set_os(&from, DEW_ESYSTEM, DEW_STAGE_QUERY, 12, "memory");
    dirty(&to);
    assert_int_equal(error_copy(&to, &from), DEW_ESYSTEM);
    assert_int_equal(to.os_errno, 12);
    assert_string_equal(to.message, "memory");
    assert_int_equal(error_copy(NULL, &from), DEW_ESYSTEM);
    assert_int_equal(error_copy(&from, &from), DEW_ESYSTEM);
}

struct heard {
    int level;
    int lines;
    char line[2000];
};

static void
hear(int level, const char *line, void *arg)
{
    struct heard *const heard = arg;

    heard->level = level;
    heard->lines++;
    assert_true(strlen(line) < sizeof heard->line);
    strcpy(heard->line, line);
}

static void
a_log_line_reaches_on_log_as_one_line(void **state)
{
    struct heard heard = {0};
    const struct settings settings = {.on_log = hear, .on_log_arg = &heard};

    (void)state;
    log_line(&settings, LOG_WARNING, "server says: %s", "no\r\nway");
    assert_int_equal(heard.lines, 1);
    assert_int_equal(heard.level, 1);
    assert_string_equal(heard.line, "server says: no  way");
}

static void
a_log_line_without_a_listener_is_silent(void **state)
{
    const struct settings settings = {0};

    (void)state;
    log_line(&settings, LOG_ERROR, "nobody %d", 1);
    log_line(NULL, LOG_ERROR, "nobody %d", 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_filler_returns_its_code_without_an_error),
        cmocka_unit_test(a_plain_error_clears_what_was_there_before),
        cmocka_unit_test(a_server_error_keeps_errno_and_state),
        cmocka_unit_test(a_system_error_keeps_its_errno),
        cmocka_unit_test(a_failed_system_call_is_told_with_what_to_do),
        cmocka_unit_test(a_lack_of_memory_is_told_with_what_to_do),
        cmocka_unit_test(a_long_message_is_cut_and_terminated),
        cmocka_unit_test(a_cut_never_leaves_half_a_character),
        cmocka_unit_test(a_cut_of_what_is_no_text_ends_at_the_end),
        cmocka_unit_test(a_message_may_be_built_from_the_message_before),
        cmocka_unit_test(a_copy_is_equal_and_may_go_nowhere),
        cmocka_unit_test(a_log_line_reaches_on_log_as_one_line),
        cmocka_unit_test(a_log_line_without_a_listener_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
