/* SPDX-License-Identifier: MIT */
/* Goal: each option of a URI means one thing, once, or is refused. */
/* Method: each key at its edges and beyond them. */
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
options_are_key_equals_value_once_each(void **state)
{
    (void)state;
    refuse_uri("mysql://h/?", "key=value", "");
    refuse_uri("mysql://h/?size", "key=value", "");
    refuse_uri("mysql://h/?=4", "key=value", "");
    refuse_uri("mysql://h/?size=4&", "key=value", "");
    refuse_uri("mysql://h/?size=4&&maxsize=5", "key=value", "");
    refuse_uri("mysql://h/?size=4&size=4", "size", "twice");
    refuse_uri("mysql://h/?name=a&name=b", "name", "twice");
    refuse_uri("mysql://h/?siez=4", "siez", "dew_config");
    refuse_uri("mysql://h/?Size=4", "Size", "dew_config");
    refuse_uri("mysql://h/?host=x", "host", "place");
    refuse_uri("mysql://h/?port=1", "port", "place");
    refuse_uri("mysql://h/?on_log=x", "on_log", "unknown");
    refuse_uri("mysql://h/?struct_size=8", "struct_size", "unknown");
    refuse_uri("mysql://h/?name=", "name", "empty");
    refuse_uri("mysql://h/?charset=", "charset", "empty");
    refuse_uri("mysql://h/?a%0Ab%1b=1", "a?b?", "unknown");
}

static void
each_number_of_the_table_is_a_key(void **state)
{
    const struct config_number *number;
    char uri[128];
    struct settings *settings;

    (void)state;
    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        if (strcmp(number->name, "port") == 0) {
            continue;
        }
        const char *const room =
            strcmp(number->name, "pre_create") == 0 ? "size=65535&" : "";
        (void)snprintf(uri, sizeof uri, "mysql://h/?%s%s=%u", room,
                       number->name, number->max);
        settings_free(accept_uri(uri));
        (void)snprintf(uri, sizeof uri, "mysql://h/?%s=%llu", number->name,
                       (unsigned long long)number->max + 1);
        refuse_uri(uri, number->name, "allowed are");
        (void)snprintf(uri, sizeof uri, "mysql://h/?%s=4294967295",
                       number->name);
        refuse_uri(uri, number->name, "allowed are");
        (void)snprintf(uri, sizeof uri, "mysql://h/?%s=off", number->name);
        if (number->off) {
            settings = accept_uri(uri);
            settings_free(settings);
        } else {
            refuse_uri(uri, number->name, "'off'");
        }
        (void)snprintf(uri, sizeof uri, "mysql://h/?%s=zero", number->name);
        if (number->zero) {
            settings = accept_uri(uri);
            settings_free(settings);
        } else {
            refuse_uri(uri, number->name, "'zero'");
        }
    }
}

static void
numbers_in_a_uri_mean_what_they_say(void **state)
{
    struct settings *const settings = accept_uri(
        "mysql://h/?handoff_after_ms=0&waiters_max=off&idle_timeout_ms=off"
        "&lifetime_jitter_percent=zero&read_timeout_ms=1");

    (void)state;
    assert_true(settings->handoff_after_ms == 0);
    assert_true(settings->waiters_max == SETTINGS_OFF);
    assert_true(settings->idle_timeout_ms == SETTINGS_OFF);
    assert_int_equal(settings->lifetime_jitter_percent, 0);
    assert_true(settings->read_timeout_ms == 1);
    settings_free(settings);
    refuse_uri("mysql://h/?size=0", "size is '0'", "1 to 65535");
    refuse_uri("mysql://h/?size=", "size is ''", "1 to 65535");
    refuse_uri("mysql://h/?size=-4", "size is '-4'", "1 to 65535");
    refuse_uri("mysql://h/?size=4k", "size is '4k'", "1 to 65535");
    refuse_uri("mysql://h/?size=%204", "size is ' 4'", "1 to 65535");
    refuse_uri("mysql://h/?size=OFF", "size is 'OFF'", "1 to 65535");
    refuse_uri("mysql://h/?size=18446744073709551620", "size is '1844",
               "1 to 65535");
    refuse_uri("mysql://h/?idle_timeout_ms=x", "idle_timeout_ms is 'x'",
               "1 to 4294967293 or off");
    refuse_uri("mysql://h/?size=20&maxsize=10", "size is 20", "1 to 10");
}

static void
words_stand_for_choices(void **state)
{
    struct settings *settings =
        accept_uri("mysql://h/?reset=rollback&tls_mode=verify&autocommit=off"
                   "&no_threads=on&refuse_nested=on"
                   "&client_flags=found_rows,multi_statements&charset=latin1");

    (void)state;
    assert_int_equal(settings->reset, DEW_RESET_ROLLBACK);
    assert_int_equal(settings->tls_mode, DEW_TLS_VERIFY);
    assert_false(settings->autocommit);
    assert_int_equal(settings->flags, DEW_NO_THREADS | DEW_REFUSE_NESTED);
    assert_true(settings->client_flags ==
                (CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS));
    assert_string_equal(settings->charset, "latin1");
    settings_free(settings);
    settings = accept_uri("mysql://h/?autocommit=on&no_threads=off&reset=auto");
    assert_true(settings->autocommit);
    assert_int_equal(settings->flags, 0);
    settings_free(settings);
    refuse_uri("mysql://h/?reset=maybe", "reset is 'maybe'",
               "auto, always, rollback, never");
    refuse_uri("mysql://h/?tls_mode=1", "tls_mode is '1'",
               "default, off, required, verify");
    refuse_uri("mysql://h/?autocommit=0", "autocommit is '0'", "on, off");
    refuse_uri("mysql://h/?no_threads=yes", "no_threads is 'yes'", "on, off");
    refuse_uri("mysql://h/?client_flags=local_files", "client_flags",
               "multi_statements");
    refuse_uri("mysql://h/?client_flags=found_rows,", "client_flags",
               "found_rows");
    refuse_uri("mysql://h/?tls_ca=/nowhere/ca.pem", "tls_ca",
               "/nowhere/ca.pem");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_key_equals_value_once_each),
        cmocka_unit_test(each_number_of_the_table_is_a_key),
        cmocka_unit_test(numbers_in_a_uri_mean_what_they_say),
        cmocka_unit_test(words_stand_for_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
