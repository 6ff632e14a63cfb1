/* SPDX-License-Identifier: MIT */
/* Goal: a URI is read exactly or refused, and never tells a password. */
/* Method: each part right and wrong, and passwords that were not encoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "unit/refused.h"

static void
a_whole_uri_fills_each_place(void **state)
{
    struct settings *const settings =
        accept_uri("mysql://app:" SECRET "@db.example:3307/shop"
                   "?size=4&maxsize=16&name=front");

    (void)state;
    assert_string_equal(settings->user, "app");
    assert_string_equal(settings->password, SECRET);
    assert_string_equal(settings->host, "db.example");
    assert_int_equal(settings->port, 3307);
    assert_string_equal(settings->database, "shop");
    assert_int_equal(settings->size, 4);
    assert_int_equal(settings->maxsize, 16);
    assert_string_equal(settings->name, "front");
    assert_true(settings->name_is_explicit);
    settings_free(settings);
}

static void
a_bare_uri_is_all_defaults(void **state)
{
    static const char *const bare[] = {"mysql://", "mysql:///", "MySQL://",
                                       "mysql://@"};

    (void)state;
    for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++) {
        struct settings *const settings = accept_uri(bare[i]);
        assert_null(settings->user);
        assert_null(settings->password);
        assert_null(settings->host);
        assert_null(settings->database);
        assert_int_equal(settings->port, 0);
        assert_int_equal(settings->size, 10);
        settings_free(settings);
    }
}

static void
a_unix_socket_is_an_option(void **state)
{
    struct settings *settings =
        accept_uri("mysql://app@/shop?socket=/run/x.sock");

    (void)state;
    assert_string_equal(settings->unix_socket, "/run/x.sock");
    assert_string_equal(settings->user, "app");
    assert_null(settings->password);
    assert_null(settings->host);
    assert_string_equal(settings->database, "shop");
    settings_free(settings);
    settings = accept_uri("mysql:///?unix_socket=%2Frun%2Fx.sock");
    assert_string_equal(settings->unix_socket, "/run/x.sock");
    settings_free(settings);
    refuse_uri("mysql:///?unix_socket=/a&socket=/b", "unix_socket", "twice");
    refuse_uri("mysql://db/?socket=/a", "unix_socket", "host");
}

static void
an_ipv6_address_stands_in_brackets(void **state)
{
    struct settings *settings = accept_uri("mysql://app@[2001:db8::1]:3307/");

    (void)state;
    assert_string_equal(settings->host, "2001:db8::1");
    assert_int_equal(settings->port, 3307);
    settings_free(settings);
    settings = accept_uri("mysql://[fe80::1%25eth0]");
    assert_string_equal(settings->host, "fe80::1%eth0");
    assert_int_equal(settings->port, 0);
    settings_free(settings);
    refuse_uri("mysql://2001:db8::1/", "colon", "[ ]");
    refuse_uri("mysql://[::1/", "host", "[address]");
    refuse_uri("mysql://[::1]3306/", "host", "[address]");
    refuse_uri("mysql://[]/", "host", "empty");
    refuse_uri("mysql://[::1]:1:2/", "colon", "[ ]");
}

static void
every_part_is_percent_decoded(void **state)
{
    struct settings *const settings =
        accept_uri("mysql://a%40b:p%3a%2F%3F%23%40%25w@h%2Dx/d%2Fb"
                   "?init_sql=set%20%40a%3D1%26%2B+&s%69ze=7");

    (void)state;
    assert_string_equal(settings->user, "a@b");
    assert_string_equal(settings->password, "p:/?#@%w");
    assert_string_equal(settings->host, "h-x");
    assert_string_equal(settings->database, "d/b");
    assert_string_equal(settings->init_sql, "set @a=1&++");
    assert_int_equal(settings->size, 7);
    settings_free(settings);
}

static void
a_password_may_hold_colons_and_be_empty(void **state)
{
    struct settings *settings = accept_uri("mysql://u:a:b@h");

    (void)state;
    assert_string_equal(settings->password, "a:b");
    settings_free(settings);
    settings = accept_uri("mysql://u:@h");
    assert_string_equal(settings->password, "");
    settings_free(settings);
    settings = accept_uri("mysql://u@h");
    assert_null(settings->password);
    settings_free(settings);
}

static void
broken_percent_signs_and_zero_bytes_are_refused(void **state)
{
    (void)state;
    refuse_uri("mysql://u:" SECRET "%@h", "password", "%25");
    refuse_uri("mysql://u:" SECRET "%4@h", "password", "%25");
    refuse_uri("mysql://u:" SECRET "%g0@h", "password", "%25");
    refuse_uri("mysql://u%zz@h", "user", "%25");
    refuse_uri("mysql://h%/", "host", "%25");
    refuse_uri("mysql://h/d%", "database", "%25");
    refuse_uri("mysql://h/d?name=%4", "options", "%25");
    refuse_uri("mysql://u:" SECRET "%00x@h", "password", "%00");
    refuse_uri("mysql://h/d%00", "database", "%00");
    refuse_uri("mysql://h/d?na%00me=x", "options", "%00");
}

/* Each of these is a password with a mark that was not encoded. */
static void
the_rest_of_a_raw_password_is_never_told(void **state)
{
    (void)state;
    refuse_uri("mysql://u:pa/" SECRET "@h/d", "@", "%2F");
    refuse_uri("mysql://u:pa?" SECRET "@h/d", "@", "%3F");
    refuse_uri("mysql://u:pa?" SECRET "=1@h/d", "@", "%3F");
    refuse_uri("mysql://u:pa#" SECRET "@h/d", "#", "%23");
    refuse_uri("mysql://u:pa@" SECRET "@h/d", "@", "%40");
    refuse_uri("mysql://u:" SECRET, "port", "65535");
    refuse_uri("mysql://u:" SECRET "/d", "port", "65535");
    refuse_uri("mysql://u:" SECRET "?size=4", "port", "65535");
    refuse_uri("mysql://h/d?password=" SECRET "&x=1", "password",
               "mysql://user:password@host:port/database");
    refuse_uri("postgres://u:" SECRET "@h", "mysql://", "");
    refuse_uri("mysql:/u:" SECRET "@h", "mysql://", "");
    refuse_uri("mysql://u:" SECRET "@h:" SECRET, "port", "65535");
    refuse_uri("mysql://u:" SECRET "@h?size=70000", "size", "70000");
    refuse_uri("mysql://u:" SECRET "@h?charset=a-b", "charset", "");
}

static void
what_is_no_uri_is_refused(void **state)
{
    static char long_uri[70000];

    (void)state;
    refuse_uri(NULL, "uri is NULL", "");
    refuse_uri("", "mysql://", "");
    refuse_uri("mysql:", "mysql://", "");
    refuse_uri("mysql://h/a/b", "path", "%2F");
    refuse_uri("mysql://h/d?size=4#top", "#", "%23");
    memset(long_uri, 'x', sizeof long_uri - 1);
    memcpy(long_uri, "mysql://", 8);
    refuse_uri(long_uri, "65535", "");
}

static void
ports_are_numbers_in_range(void **state)
{
    static const char *const wrong[] = {
        "mysql://h:",      "mysql://h:0",
        "mysql://h:65536", "mysql://h:-1",
        "mysql://h:+1",    "mysql://h: 1",
        "mysql://h:3306x", "mysql://h:0x10",
        "mysql://[::1]:",  "mysql://h:99999999999999999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        refuse_uri(wrong[i], "port", "1 to 65535");
    }
    struct settings *const settings = accept_uri("mysql://h:65535");
    assert_int_equal(settings->port, 65535);
    settings_free(settings);
}

static void
without_memory_it_says_so_and_leaves_nothing(void **state)
{
    struct settings *settings = NULL;
    dew_error error;
    dew_code code;
    uint32_t nth = 0;

    (void)state;
    do {
        fault_arm(FAULT_ALLOC, ++nth, false);
        code = settings_from_uri(&settings, "mysql://u:" SECRET "@h/d?name=n",
                                 &error);
        if (code != DEW_OK) {
            assert_int_equal(code, DEW_ENOMEM);
            assert_null(settings);
        }
    } while (code != DEW_OK && nth < 50);
    fault_arm(FAULT_ALLOC, 0, false);
    assert_in_range(nth, 3, 10);
    settings_free(settings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_uri_fills_each_place),
        cmocka_unit_test(a_bare_uri_is_all_defaults),
        cmocka_unit_test(a_unix_socket_is_an_option),
        cmocka_unit_test(an_ipv6_address_stands_in_brackets),
        cmocka_unit_test(every_part_is_percent_decoded),
        cmocka_unit_test(a_password_may_hold_colons_and_be_empty),
        cmocka_unit_test(broken_percent_signs_and_zero_bytes_are_refused),
        cmocka_unit_test(the_rest_of_a_raw_password_is_never_told),
        cmocka_unit_test(what_is_no_uri_is_refused),
        cmocka_unit_test(ports_are_numbers_in_range),
        cmocka_unit_test(without_memory_it_says_so_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
