/* SPDX-License-Identifier: MIT */
/* Goal: each number is held to what the manual's table allows. */
/* Method: each row of the table at its edges, and against the header's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "api/config_numbers.h"
#include "unit/refused.h"

static void
set_number(dew_config *config, const struct config_number *number,
           uint32_t value)
{
    memcpy((char *)config + number->from, &value, sizeof value);
}

static int64_t
get_number(const struct settings *settings, const struct config_number *number)
{
    const char *const at = (const char *)settings + number->to;
    uint32_t narrow;
    int64_t wide;

    if (number->wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

/* The cross rules out of the way: pre_create <= size <= maxsize. */
static dew_config
roomy(void)
{
    dew_config config = DEW_CONFIG_INIT;

    config.size = 65535;
    config.maxsize = 65535;
    return config;
}

static void
accepts(const struct config_number *number, uint32_t value, int64_t becomes)
{
    dew_config config = roomy();

    if (strcmp(number->name, "maxsize") == 0) {
        config.size = 0;
    }
    set_number(&config, number, value);
    struct settings *const settings = accept_config(&config);
    assert_true(get_number(settings, number) == becomes);
    settings_free(settings);
}

static void
refuses(const struct config_number *number, uint32_t value, const char *shown)
{
    dew_config config = roomy();
    char start[80], allowed[64], end[80];

    set_number(&config, number, value);
    config_number_allowed(number, allowed, sizeof allowed);
    (void)snprintf(start, sizeof start, "%s is %s;", number->name, shown);
    (void)snprintf(end, sizeof end, "allowed are %s", allowed);
    refuse_config(&config, start, end);
}

static void
each_number_is_held_to_its_range(void **state)
{
    const struct config_number *number;
    char shown[16];

    (void)state;
    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        accepts(number, number->min, number->min);
        accepts(number, number->max, number->max);
        if (number->min > 1) {
            (void)snprintf(shown, sizeof shown, "%u", number->min - 1);
            refuses(number, number->min - 1, shown);
        }
        if (number->max < DEW_ZERO - 1) {
            (void)snprintf(shown, sizeof shown, "%u", number->max + 1);
            refuses(number, number->max + 1, shown);
        }
    }
}

static void
the_two_words_are_taken_only_where_allowed(void **state)
{
    const struct config_number *number;

    (void)state;
    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        if (number->zero) {
            accepts(number, DEW_ZERO, 0);
        } else {
            refuses(number, DEW_ZERO, "DEW_ZERO");
        }
        if (number->off) {
            accepts(number, DEW_OFF, SETTINGS_OFF);
        } else {
            refuses(number, DEW_OFF, "DEW_OFF");
        }
    }
}

/* So that a row with a wrong flag is seen, not only a wrong code path. */
static void
the_words_belong_to_these_fields(void **state)
{
    static const char zero[] = " pre_create waiters_max burst_after_ms "
                               "bypass_ms lifetime_jitter_percent "
                               "handoff_after_ms fail_fast_after_ms "
                               "kill_timeout_ms ";
    static const char off[] = " waiters_max idle_timeout_ms lifetime_ms "
                              "keepalive_ms leak_after_ms slow_acquire_ms "
                              "handoff_after_ms fail_fast_after_ms uses_max "
                              "buffer_max_kb ";
    const struct config_number *number;
    char padded[64];

    (void)state;
    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        (void)snprintf(padded, sizeof padded, " %s ", number->name);
        assert_int_equal(number->zero, strstr(zero, padded) != NULL);
        assert_int_equal(number->off, strstr(off, padded) != NULL);
        assert_ptr_equal(config_number_find(number->name), number);
    }
    assert_null(config_number_find("siez"));
}

static void
every_time_field_accepts_one_millisecond(void **state)
{
    const struct config_number *number;
    int times = 0;

    (void)state;
    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        const size_t length = strlen(number->name);
        if (strcmp(number->name + length - 3, "_ms") == 0) {
            assert_int_equal(number->min, 1);
            times++;
        }
    }
    assert_int_equal(times, 14);
}

static void
the_message_names_field_value_and_range(void **state)
{
    dew_config config = DEW_CONFIG_INIT;
    struct settings *settings;
    dew_error error;

    (void)state;
    config.maxsize = 70000;
    assert_int_equal(settings_make(&settings, &config, &error), DEW_EINVAL);
    assert_string_equal(error.message,
                        "maxsize is 70000; allowed are 1 to 65535");
    config.maxsize = 0;
    config.handoff_after_ms = 0;
    config.waiters_max = 2000000;
    assert_int_equal(settings_make(&settings, &config, &error), DEW_EINVAL);
    assert_string_equal(error.message,
                        "waiters_max is 2000000; allowed are 1 to 1000000, "
                        "DEW_ZERO or DEW_OFF");
}

/* One line of the manual's table, cut at its columns. */
struct told {
    char name[32], range[32], preset[16];
    bool zero, off;
};

#define ZERO_COLUMN 51
#define OFF_COLUMN 65

static bool
read_told(const char *line, struct told *told)
{
    if (strlen(line) <= OFF_COLUMN ||
        sscanf(line, " * %31s %31s %15s", told->name, told->range,
               told->preset) != 3 ||
        config_number_find(told->name) == NULL) {
        return false;
    }
    told->zero = line[ZERO_COLUMN] != '-';
    told->off = line[OFF_COLUMN] != '-';
    return true;
}

static void
check_told(const struct told *told)
{
    const struct config_number *const number = config_number_find(told->name);
    char range[32], preset[16];

    (void)snprintf(range, sizeof range, "%u-%u", number->min, number->max);
    assert_string_equal(told->range, range);
    (void)snprintf(preset, sizeof preset, "%lld", (long long)number->preset);
    if (number->preset == SETTINGS_OFF) {
        (void)snprintf(preset, sizeof preset, "DEW_OFF");
    }
    /* "(2)" and the like point to a footnote. */
    if (told->preset[0] != '(') {
        assert_string_equal(told->preset, preset);
    } else {
        assert_true(number->preset == CONFIG_DERIVED || number->preset == 0);
    }
    assert_int_equal(told->zero, number->zero);
    assert_int_equal(told->off, number->off);
}

static void
the_manual_tells_each_row_as_it_is(void **state)
{
    char path[1024], line[256];
    struct told told;
    size_t rows = 0, known = 0;

    (void)state;
    (void)snprintf(path, sizeof path, "%s", __FILE__);
    *strrchr(path, '/') = '\0';
    (void)strncat(path, "/../../include/dewpond.h",
                  sizeof path - strlen(path) - 1);
    FILE *const manual = fopen(path, "r");
    assert_non_null(manual);
    while (fgets(line, sizeof line, manual) != NULL) {
        if (read_told(line, &told)) {
            check_told(&told);
            rows++;
        }
    }
    (void)fclose(manual);
    while (config_number_at(known) != NULL) {
        known++;
    }
    assert_int_equal(rows, known);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_is_held_to_its_range),
        cmocka_unit_test(the_two_words_are_taken_only_where_allowed),
        cmocka_unit_test(the_words_belong_to_these_fields),
        cmocka_unit_test(every_time_field_accepts_one_millisecond),
        cmocka_unit_test(the_message_names_field_value_and_range),
        cmocka_unit_test(the_manual_tells_each_row_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
