/* SPDX-License-Identifier: MIT */
/* Goal: a copy of the settings is deep, whole, and leaves nothing behind. */
/* Method: copy, compare field by field, and fail each allocation in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/settings.h"

static int
nothing(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    return 0;
}

static struct settings
full_settings(void)
{
    /* Not const: the type owns its strings; settings_copy only reads them. */
    static char texts[13][12] = {
        "name",       "host",   "user", "password", "base", "sock", "latin",
        "set @a = 1", "my.cnf", "grp",  "ca",       "cert", "key"};
    return (struct settings){
        .name = texts[0],
        .host = texts[1],
        .user = texts[2],
        .password = texts[3],
        .database = texts[4],
        .unix_socket = texts[5],
        .charset = texts[6],
        .init_sql = texts[7],
        .defaults_file = texts[8],
        .defaults_group = texts[9],
        .tls_ca = texts[10],
        .tls_cert = texts[11],
        .tls_key = texts[12],
        .tls_mode = DEW_TLS_VERIFY,
        .port = 3307,
        .size = 3,
        .maxsize = 5,
        .waiters_max = SETTINGS_OFF,
        .client_flags = 1u << 16,
        .autocommit = true,
        .on_connect = nothing,
        .on_connect_arg = texts,
    };
}

static void
assert_copied(const char *copy, const char *original)
{
    assert_string_equal(copy, original);
    assert_ptr_not_equal(copy, original);
}

static void
a_copy_is_deep_and_takes_the_new_credentials(void **state)
{
    const struct settings from = full_settings();
    struct settings *const copy = settings_copy(&from, "other", "secret");

    (void)state;
    assert_non_null(copy);
    assert_string_equal(copy->user, "other");
    assert_string_equal(copy->password, "secret");
    assert_copied(copy->name, from.name);
    assert_copied(copy->host, from.host);
    assert_copied(copy->database, from.database);
    assert_copied(copy->unix_socket, from.unix_socket);
    assert_copied(copy->charset, from.charset);
    assert_copied(copy->init_sql, from.init_sql);
    assert_copied(copy->defaults_file, from.defaults_file);
    assert_copied(copy->defaults_group, from.defaults_group);
    assert_copied(copy->tls_ca, from.tls_ca);
    assert_copied(copy->tls_cert, from.tls_cert);
    assert_copied(copy->tls_key, from.tls_key);
    assert_int_equal(copy->tls_mode, DEW_TLS_VERIFY);
    assert_int_equal(copy->port, 3307);
    assert_int_equal(copy->maxsize, 5);
    assert_true(copy->waiters_max == SETTINGS_OFF);
    assert_true(copy->on_connect == nothing);
    assert_ptr_equal(copy->on_connect_arg, from.on_connect_arg);
    settings_free(copy);
}

static void
no_credentials_are_none(void **state)
{
    const struct settings from = full_settings();
    struct settings *const copy = settings_copy(&from, NULL, NULL);

    (void)state;
    assert_non_null(copy);
    assert_null(copy->user);
    assert_null(copy->password);
    settings_free(copy);
    settings_free(NULL);
}

/* A leak or a double free here is LeakSanitizer's or ASan's to find. */
static void
a_copy_without_memory_leaves_nothing(void **state)
{
    const struct settings from = full_settings();
    struct settings *copy = NULL;
    uint32_t nth = 0;

    (void)state;
    while (copy == NULL) {
        nth++;
        assert_in_range(nth, 1, 50);
        fault_arm(FAULT_ALLOC, nth, false);
        copy = settings_copy(&from, "other", "secret");
    }
    fault_arm(FAULT_ALLOC, 0, false);
    assert_int_equal(nth, 15); /* the struct, 13 strings, and none failed */
    settings_free(copy);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_deep_and_takes_the_new_credentials),
        cmocka_unit_test(no_credentials_are_none),
        cmocka_unit_test(a_copy_without_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
