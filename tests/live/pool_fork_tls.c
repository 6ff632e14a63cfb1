/* SPDX-License-Identifier: MIT */
/* Goal: a fork leaves TLS sessions to the parent: not a byte of the child, and
 * no goodbye, reaches them. Method: the family over TLS on 127.0.0.1; the child
 * uses its own sessions, and then misuses and closes the inherited handles. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture/family.h"

enum { PATH = 200, SKIPPED = 77 };

static char directory[PATH];

static void
over_tls(dew_config *config)
{
    config->unix_socket = NULL;
    config->host = "127.0.0.1";
    config->port = test_server_port(family.server);
    config->tls_mode = DEW_TLS_REQUIRED;
}

static int
start_with_a_certificate(void **state)
{
    static char command[3 * PATH], certificate[2 * PATH], key[2 * PATH];
    const char *const args[] = {certificate, key, NULL};

    (void)state;
    (void)snprintf(directory, PATH, "/tmp/dewpond-fork-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0755), 0);
    (void)snprintf(command, sizeof command,
                   "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
                   "-subj /CN=localhost -keyout key -out certificate "
                   ">/dev/null 2>&1 && chmod 644 key",
                   directory);
    if (system(command) != 0) {
        (void)fprintf(stderr, "no openssl command: not tried\n");
        exit(SKIPPED);
    }
    (void)snprintf(certificate, sizeof certificate, "--ssl-cert=%s/certificate",
                   directory);
    (void)snprintf(key, sizeof key, "--ssl-key=%s/key", directory);
    family.server = test_server_start(args);
    family.adjust = over_tls;
    return 0;
}

static int
end_server(void **state)
{
    char command[2 * PATH];

    (void)family_stop(state);
    (void)snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static int
use_over_tls_and_close(void)
{
    dew_conn conn;

    FORK_EXPECT(fork_kit_borrow(family.pool, &conn));
    FORK_EXPECT(mysql_get_ssl_cipher(conn.mysql) != NULL);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    return family_use_and_close();
}

static int
misuse_the_handles(void)
{
    FORK_EXPECT(fork_kit_sockets() == family.sockets_before);
    FORK_EXPECT(mysql_query(family.lent[0].mysql, "SET @mine = 13") != 0);
    mysql_close(family.lent[1].mysql);
    return use_over_tls_and_close();
}

static void
tls_sessions_stay_the_parents(void **state)
{
    (void)state;
    family_child_does(use_over_tls_and_close);
    family_child_does(misuse_the_handles);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_sessions_stay_the_parents),
    };

    if (fork_kit_not_here()) {
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, start_with_a_certificate, end_server);
}
