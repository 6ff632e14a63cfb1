/* SPDX-License-Identifier: MIT */
/* Goal: texts are copied, limited, and never told when refused. */
/* Method: each rule for texts broken once, and kept at its edge. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/refused.h"

static char *
long_text(char *text, size_t length)
{
    memset(text, 'x', length);
    text[length] = '\0';
    return text;
}

static void
names_are_one_to_255_plain_bytes(void **state)
{
    dew_config config = DEW_CONFIG_INIT;
    char text[300];

    (void)state;
    config.name = long_text(text, 255);
    struct settings *const settings = accept_config(&config);
    assert_string_equal(settings->name, text);
    assert_ptr_not_equal(settings->name, text);
    assert_true(settings->name_is_explicit);
    settings_free(settings);
    config.name = long_text(text, 256);
    refuse_config(&config, "name", "255");
    config.name = "";
    refuse_config(&config, "name is empty", "1 to 255");
    config.name = "two\nlines";
    refuse_config(&config, "name", "control character");
    config.name = "rubbed\x7Fout";
    refuse_config(&config, "name", "control character");
}

static void
check_default_name(const dew_config *config, const char *want)
{
    struct settings *const settings = accept_config(config);

    assert_string_equal(settings->name, want);
    assert_false(settings->name_is_explicit);
    settings_free(settings);
}

static void
a_default_name_is_host_port_user_database(void **state)
{
    dew_config config = DEW_CONFIG_INIT;
    char text[256];

    (void)state;
    config.password = SECRET;
    config.host = "db.example";
    config.port = 3307;
    config.user = "app";
    config.database = "shop";
    check_default_name(&config, "db.example-3307-app-shop");
    config.user = NULL;
    check_default_name(&config, "db.example-3307-shop");
    config.host = "localhost";
    config.unix_socket = "/run/x.sock";
    config.user = "app";
    check_default_name(&config, "/run/x.sock-app-shop");
    /* Room stays for what makes a second one of the same name unique. */
    config.unix_socket = NULL;
    config.host = long_text(text, 255);
    struct settings *const settings = accept_config(&config);
    assert_int_equal(strlen(settings->name), 240);
    settings_free(settings);
}

static void
strings_are_copied_and_empty_ones_are_absent(void **state)
{
    dew_config config = DEW_CONFIG_INIT;
    char host[] = "db", sql[] = "set @a = 1";

    (void)state;
    config.host = host;
    config.init_sql = sql;
    config.user = "";
    config.password = "";
    config.database = "";
    config.charset = "";
    struct settings *const settings = accept_config(&config);
    host[0] = 'X';
    sql[0] = 'X';
    assert_string_equal(settings->host, "db");
    assert_string_equal(settings->init_sql, "set @a = 1");
    assert_string_equal(settings->user, "");
    assert_string_equal(settings->password, "");
    assert_null(settings->database);
    assert_string_equal(settings->charset, "utf8mb4");
    settings_free(settings);
}

static void
a_charset_is_a_word(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.charset = "latin1";
    struct settings *const settings = accept_config(&config);
    assert_string_equal(settings->charset, "latin1");
    settings_free(settings);
    config.charset = "utf8mb4'; drop table a; --";
    refuse_config(&config, "charset is 'utf8mb4'; drop", "0-9 and _");
    config.charset = "utf-8";
    refuse_config(&config, "charset is 'utf-8'; allowed are",
                  "A-Z, a-z, 0-9 and _");
}

static void
texts_that_are_too_long_are_refused_unseen(void **state)
{
    dew_config config = DEW_CONFIG_INIT;
    char text[2000] = SECRET;

    (void)state;
    (void)long_text(text + strlen(SECRET), sizeof text - 100);
    config.password = text;
    refuse_config(&config, "password is longer than 1024 bytes", "");
    config.password = NULL;
    config.unix_socket = text;
    refuse_config(&config, "unix_socket is longer than 107 bytes", "");
    config.unix_socket = NULL;
    config.host = text;
    refuse_config(&config, "host is longer than 255 bytes", "");
}

static int
make_file(void **state)
{
    static char path[] = "/tmp/dewpond-config-XXXXXX";
    const int fd = mkstemp(path);

    *state = path;
    return fd < 0 ? -1 : close(fd);
}

/* Also when the test has failed. */
static int
remove_file(void **state)
{
    return unlink(*state);
}

static void
files_must_be_there_and_fit_together(void **state)
{
    dew_config config = DEW_CONFIG_INIT;
    const char *const path = *state;

    config.tls_ca = "/nowhere/ca.pem";
    refuse_config(&config, "tls_ca", "/nowhere/ca.pem");
    config.tls_ca = NULL;
    config.defaults_file = "/nowhere/my.cnf";
    refuse_config(&config, "defaults_file", "/nowhere/my.cnf");
    config.defaults_file = path;
    config.tls_cert = path;
    refuse_config(&config, "tls_cert and tls_key", "together");
    config.tls_key = path;
    settings_free(accept_config(&config));
    config.tls_mode = DEW_TLS_OFF;
    refuse_config(&config, "DEW_TLS_OFF", "tls_cert");
    config.tls_cert = NULL;
    config.tls_key = NULL;
    config.tls_ca = path;
    refuse_config(&config, "DEW_TLS_OFF", "tls_ca");
    config.tls_ca = NULL;
    settings_free(accept_config(&config));
    config.defaults_file = ""; /* none */
    settings_free(accept_config(&config));
}

static void
a_socket_and_a_foreign_host_exclude_each_other(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.unix_socket = "/run/x.sock";
    config.host = "db.example";
    refuse_config(&config, "unix_socket", "host");
    config.host = "localhost";
    settings_free(accept_config(&config));
    config.host = "";
    settings_free(accept_config(&config));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_one_to_255_plain_bytes),
        cmocka_unit_test(a_default_name_is_host_port_user_database),
        cmocka_unit_test(strings_are_copied_and_empty_ones_are_absent),
        cmocka_unit_test(a_charset_is_a_word),
        cmocka_unit_test(texts_that_are_too_long_are_refused_unseen),
        cmocka_unit_test_setup_teardown(files_must_be_there_and_fit_together,
                                        make_file, remove_file),
        cmocka_unit_test(a_socket_and_a_foreign_host_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
