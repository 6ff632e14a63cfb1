/* SPDX-License-Identifier: MIT */
/* Goal: defaults are those of the manual, and nothing wrong gets through. */
/* Method: each rule that spans fields, or is no number, broken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "unit/refused.h"

static void
an_untouched_config_has_the_defaults_of_the_manual(void **state)
{
    const dew_config config = DEW_CONFIG_INIT;
    struct settings *const settings = accept_config(&config);

    (void)state;
    assert_int_equal(settings->size, 10);
    assert_int_equal(settings->maxsize, 100);
    assert_int_equal(settings->pre_create, 0);
    assert_true(settings->waiters_max == 800);
    assert_int_equal(settings->connects_max, 4);
    assert_true(settings->burst_after_ms == 100);
    assert_true(settings->connect_timeout_ms == 5000);
    assert_true(settings->read_timeout_ms == 30000);
    assert_true(settings->write_timeout_ms == 30000);
    assert_true(settings->ping_timeout_ms == 500);
    assert_true(settings->bypass_ms == 500);
    assert_true(settings->idle_timeout_ms == 10 * 60 * 1000);
    assert_true(settings->lifetime_ms == 30 * 60 * 1000);
    assert_int_equal(settings->lifetime_jitter_percent, 10);
    assert_true(settings->keepalive_ms == 2 * 60 * 1000);
    assert_true(settings->leak_after_ms == SETTINGS_OFF);
    assert_true(settings->slow_acquire_ms == 2000);
    assert_true(settings->handoff_after_ms == 1);
    assert_true(settings->fail_fast_after_ms == 1000);
    assert_true(settings->uses_max == SETTINGS_OFF);
    assert_true(settings->buffer_max_kb == 1024);
    assert_true(settings->kill_timeout_ms == 40);
    assert_int_equal(settings->port, 0);
    assert_string_equal(settings->charset, "utf8mb4");
    assert_true(settings->autocommit);
    assert_int_equal(settings->reset, DEW_RESET_AUTO);
    assert_int_equal(settings->tls_mode, DEW_TLS_DEFAULT);
    assert_string_equal(settings->name, "localhost-3306");
    assert_false(settings->name_is_explicit);
    assert_null(settings->host);
    assert_null(settings->password);
    settings_free(settings);
}

static void
check_sizes(uint32_t size, uint32_t maxsize, uint32_t want_size,
            uint32_t want_maxsize)
{
    dew_config config = DEW_CONFIG_INIT;

    config.size = size;
    config.maxsize = maxsize;
    struct settings *const settings = accept_config(&config);
    assert_int_equal(settings->size, want_size);
    assert_int_equal(settings->maxsize, want_maxsize);
    assert_true(settings->waiters_max == 8 * (int64_t)want_maxsize);
    settings_free(settings);
}

static void
an_unset_size_follows_the_other(void **state)
{
    (void)state;
    check_sizes(0, 0, 10, 100);
    check_sizes(4, 0, 4, 100);
    check_sizes(200, 0, 200, 200);
    check_sizes(0, 5, 5, 5);
    check_sizes(0, 50, 10, 50);
    check_sizes(7, 7, 7, 7);
}

static void
sizes_that_contradict_each_other_are_refused(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.size = 11;
    config.maxsize = 10;
    refuse_config(&config, "size is 11", "1 to 10 (maxsize)");
    config.size = 10;
    config.pre_create = 11;
    refuse_config(&config, "pre_create is 11", "1 to 10 (size) or zero");
    config.pre_create = 10;
    settings_free(accept_config(&config));
}

static void
null_is_told_by_its_name(void **state)
{
    (void)state;
    refuse_config(NULL, "config is NULL", "");
}

static void
a_struct_of_another_size_is_read_as_far_as_it_goes(void **state)
{
    union {
        dew_config config;
        unsigned char bytes[sizeof(dew_config) + 16];
    } newer;
    dew_config config = DEW_CONFIG_INIT;
    int listener = 0;

    (void)state;
    /* An older one: what lies behind its end is not ours to read. */
    config.struct_size = (uint32_t)offsetof(dew_config, on_options);
    config.size = 3;
    config.on_connect_arg = &listener;
    struct settings *settings = accept_config(&config);
    assert_int_equal(settings->size, 3);
    assert_null(settings->on_connect_arg);
    settings_free(settings);
    config.struct_size--;
    refuse_config(&config, "struct_size is", "DEW_CONFIG_INIT");
    config.struct_size = 0;
    refuse_config(&config, "struct_size is 0", "DEW_CONFIG_INIT");
    config.struct_size = UINT32_MAX;
    refuse_config(&config, "struct_size is", "DEW_CONFIG_INIT");
    /* A newer one: fine as long as it asks for nothing that we lack. */
    memset(&newer, 0, sizeof newer);
    dew_config_init(&newer.config, sizeof newer);
    newer.config.size = 3;
    settings = accept_config(&newer.config);
    assert_int_equal(settings->size, 3);
    settings_free(settings);
    newer.bytes[sizeof newer - 1] = 1;
    refuse_config(&newer.config, "struct_size is", "does not know it");
}

static void
the_init_function_is_the_init_macro(void **state)
{
    const dew_config macro = DEW_CONFIG_INIT;
    dew_config made, library;

    (void)state;
    memset(&made, 0x5A, sizeof made);
    dew_config_init(&made, sizeof made);
    assert_int_equal(made.struct_size, macro.struct_size);
    assert_int_equal(made.client, macro.client);
    assert_int_equal(made.size, 0);
    assert_null(made.on_log_arg);
    memset(&library, 0x5A, sizeof library);
    (dew_config_init)(&library, sizeof library);
    assert_int_equal(library.client, DEW_CLIENT);
    assert_int_equal(library.maxsize, 0);
    /* A size that is none must not be written over. */
    (dew_config_init)(&library, 4);
    (dew_config_init)(NULL, sizeof library);
    assert_int_equal(library.struct_size, sizeof library);
}

#define MARIADB UINT32_C(0x80000000)

static void
the_client_must_be_the_one_built_against(void **state)
{
    dew_config config = DEW_CONFIG_INIT;
    dew_error error;

    (void)state;
    assert_int_equal(
        config_client_check(MARIADB | 30320, MARIADB | 30320, NULL), DEW_OK);
    assert_int_equal(
        config_client_check(MARIADB | 30305, MARIADB | 30399, NULL), DEW_OK);
    assert_int_equal(config_client_check(80046, 80000, NULL), DEW_OK);
    assert_int_equal(config_client_check(80046, 80400, NULL), DEW_EINVAL);
    assert_int_equal(config_client_check(30320, MARIADB | 30320, NULL),
                     DEW_EINVAL);
    assert_int_equal(
        config_client_check(MARIADB | 30420, MARIADB | 30320, NULL),
        DEW_EINVAL);
    assert_int_equal(config_client_check(80046, MARIADB | 30320, &error),
                     DEW_EINVAL);
    assert_non_null(strstr(error.message, "MySQL client library 8.0"));
    assert_non_null(strstr(error.message, "MariaDB Connector/C 3.3"));
    config.client = 0;
    refuse_config(&config, "client is 0", "DEW_CLIENT");
    config.client = DEW_CLIENT ^ MARIADB;
    refuse_config(&config, "client is",
                  "compile both against the same mysql.h");
}

static void
unknown_flags_and_choices_are_refused(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.flags = DEW_NO_THREADS | DEW_REFUSE_NESTED;
    settings_free(accept_config(&config));
    config.flags = 12;
    refuse_config(&config, "flags is 12; allowed are DEW_NO_THREADS (1)",
                  "DEW_REFUSE_NESTED (2)");
    config.flags = 0;
    config.client_flags = CLIENT_FOUND_ROWS;
    config.tls_mode = 4;
    refuse_config(&config, "tls_mode is 4", "DEW_TLS_VERIFY");
    config.tls_mode = DEW_OFF;
    refuse_config(&config, "tls_mode is DEW_OFF", "DEW_TLS_OFF (1)");
    config.tls_mode = DEW_TLS_VERIFY;
    config.reset = (dew_reset)DEW_OFF;
    refuse_config(&config, "reset is DEW_OFF", "DEW_RESET_NEVER (3)");
    config.reset = (dew_reset)(UINT32_MAX - 2);
    refuse_config(&config, "reset is 4294967293", "DEW_RESET_NEVER (3)");
    config.reset = (dew_reset)4;
    refuse_config(&config, "reset is 4", "DEW_RESET_NEVER");
    config.reset = DEW_RESET_NEVER;
    config.autocommit = 2;
    refuse_config(&config, "autocommit is 2", "DEW_OFF");
    config.autocommit = DEW_ZERO;
    refuse_config(&config, "autocommit is DEW_ZERO", "DEW_OFF");
    config.autocommit = 1;
    struct settings *const settings = accept_config(&config);
    assert_true(settings->autocommit);
    assert_true(settings->client_flags == CLIENT_FOUND_ROWS);
    assert_int_equal(settings->tls_mode, DEW_TLS_VERIFY);
    assert_int_equal(settings->reset, DEW_RESET_NEVER);
    settings_free(settings);
}

static void
autocommit_off_is_off(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.autocommit = DEW_OFF;
    struct settings *const settings = accept_config(&config);
    assert_false(settings->autocommit);
    settings_free(settings);
}

static void
without_memory_it_says_so_and_leaves_nothing(void **state)
{
    dew_config config = DEW_CONFIG_INIT;
    struct settings *settings = NULL;
    dew_error error;
    dew_code code;
    uint32_t nth = 0;

    (void)state;
    config.host = "db";
    config.password = SECRET;
    do {
        fault_arm(FAULT_ALLOC, ++nth, false);
        code = settings_make(&settings, &config, &error);
        if (code != DEW_OK) {
            assert_int_equal(code, DEW_ENOMEM);
            assert_int_equal(error.code, DEW_ENOMEM);
            assert_null(settings);
        }
    } while (code != DEW_OK && nth < 50);
    fault_arm(FAULT_ALLOC, 0, false);
    assert_int_equal(nth, 6); /* struct, name, host, password, charset */
    settings_free(settings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untouched_config_has_the_defaults_of_the_manual),
        cmocka_unit_test(an_unset_size_follows_the_other),
        cmocka_unit_test(sizes_that_contradict_each_other_are_refused),
        cmocka_unit_test(null_is_told_by_its_name),
        cmocka_unit_test(a_struct_of_another_size_is_read_as_far_as_it_goes),
        cmocka_unit_test(the_init_function_is_the_init_macro),
        cmocka_unit_test(the_client_must_be_the_one_built_against),
        cmocka_unit_test(unknown_flags_and_choices_are_refused),
        cmocka_unit_test(autocommit_off_is_off),
        cmocka_unit_test(without_memory_it_says_so_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
