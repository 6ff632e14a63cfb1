/* SPDX-License-Identifier: MIT */
/* Goal: client_flags that cannot work are refused before anything connects. */
/* Method: each kind of them, alone and beside what makes it work. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/refused.h"

#define MARIADB UINT32_C(0x80000000)
#define OF_MARIADB ((DEW_CLIENT & MARIADB) != 0)

static void
files_of_the_server_never_come_from_here(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.client_flags = CLIENT_LOCAL_FILES | CLIENT_FOUND_ROWS;
    refuse_config(&config, "client_flags is 0x82", "LOAD DATA LOCAL INFILE");
    config.client_flags = CLIENT_FOUND_ROWS;
    settings_free(accept_config(&config));
}

static void
flags_that_the_client_library_has_not_are_refused(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.client_flags = UINT64_C(1) << 63;
    refuse_config(&config, "client_flags is 0x8000000000000000; allowed are",
                  "the client library");
    config.client_flags = UINT64_C(1) << 40 | CLIENT_FOUND_ROWS;
    refuse_config(&config, "client_flags is 0x10000000002; allowed are", "");
    config.client_flags = UINT64_C(1) << 29; /* progress; an extension */
    if (OF_MARIADB) {
        settings_free(accept_config(&config));
    } else {
        refuse_config(&config, "client_flags is 0x20000000", "");
    }
}

static void
all_that_a_uri_has_words_for_is_allowed(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.client_flags = CLIENT_FOUND_ROWS | CLIENT_COMPRESS |
                          CLIENT_IGNORE_SPACE | CLIENT_INTERACTIVE |
                          CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS;
    struct settings *const settings = accept_config(&config);
    assert_true(settings->client_flags == config.client_flags);
    settings_free(settings);
}

static int
option(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    return 0;
}

/* Each way in which a handshake may become TLS. */
static void
let_it_be_tls(dew_config *config, int way, const char *file)
{
    dew_config_init(config, (uint32_t)sizeof *config);
    config->tls_mode = way == 0   ? DEW_TLS_REQUIRED
                       : way == 1 ? DEW_TLS_VERIFY
                                  : DEW_TLS_DEFAULT;
    config->tls_ca = way == 2 ? file : NULL;
    config->tls_cert = config->tls_key = way == 3 ? file : NULL;
    config->defaults_file = way == 4 ? file : NULL;
    config->defaults_group = way == 5 ? "client" : NULL;
    config->on_options = way == 6 ? option : NULL;
}
enum { WAYS = 7 };

static int
make_file(void **state)
{
    static char path[32];

    (void)strcpy(path, "/tmp/dewpond-flags-XXXXXX");
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
tls_is_no_flag_where_tls_mode_is_off(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    (void)state;
    config.client_flags = CLIENT_SSL;
    config.tls_mode = DEW_TLS_OFF;
    refuse_config(&config, "client_flags is 0x800; allowed are", "tls_mode");
}

/* Connector/C tells a server that has TLS that it comes, and goes on without;
 * Oracle's library begins one by itself. */
static void
tls_is_a_flag_only_where_something_makes_it_tls(void **state)
{
    dew_config config = DEW_CONFIG_INIT;

    config.client_flags = CLIENT_SSL;
    if (OF_MARIADB) {
        refuse_config(&config, "client_flags is 0x800; allowed are",
                      "tls_mode");
    } else {
        settings_free(accept_config(&config));
    }
    for (int way = 0; way < WAYS; way++) {
        let_it_be_tls(&config, way, *state);
        config.client_flags = CLIENT_SSL;
        settings_free(accept_config(&config));
    }
}

/* A flag that has nothing checked must not look as if it had. */
static void
a_check_of_certificates_is_tls_mode_verify(void **state)
{
    dew_config config;

    for (int way = 0; way < WAYS; way++) {
        const bool may_be_checked = !OF_MARIADB || way == 1 || way >= 4;

        let_it_be_tls(&config, way, *state);
        config.client_flags = CLIENT_SSL_VERIFY_SERVER_CERT;
        if (may_be_checked) {
            settings_free(accept_config(&config));
        } else {
            refuse_config(&config, "client_flags is 0x40000000; allowed are",
                          "tls_mode");
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_the_server_never_come_from_here),
        cmocka_unit_test(flags_that_the_client_library_has_not_are_refused),
        cmocka_unit_test(all_that_a_uri_has_words_for_is_allowed),
        cmocka_unit_test(tls_is_no_flag_where_tls_mode_is_off),
        cmocka_unit_test_setup_teardown(
            a_check_of_certificates_is_tls_mode_verify, make_file,
            remove_file),
        cmocka_unit_test_setup_teardown(
            tls_is_a_flag_only_where_something_makes_it_tls, make_file,
            remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
