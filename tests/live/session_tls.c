/* SPDX-License-Identifier: MIT */
/* Goal: TLS is what settings ask for, and bounds hold inside of it too. */
/* Method: a server with a certificate of a throw-away authority. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/watchdog.h"
#include "fixture/loan.h"
#include "fixture/prompt.h"
#include "session/inside.h"

enum { PATH = 200, SKIPPED = 77, SURVIVED = 42, LATE_MS = 50, ATTEMPTS = 4 };

struct world {
    struct test_server *server;
    char directory[PATH];
    char certificate[PATH + 16], other[PATH + 16];
};

/* Certificates that are their own authority: the server's, and another. */
static void
make_certificates(const struct world *world)
{
    char command[8 * PATH];

    (void)snprintf(
        command, sizeof(command),
        "cd %s && for n in server other; do "
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$n "
        "-addext subjectAltName=IP:127.0.0.1,DNS:localhost "
        "-keyout $n.key -out $n.pem >/dev/null 2>&1 || exit 1; done; "
        "chmod 644 *.key",
        world->directory);
    if (system(command) != 0) {
        (void)fprintf(stderr, "no openssl command: not tried\n");
        exit(SKIPPED);
    }
}

static int
set_up(void **state)
{
    static struct world world;
    static char certificate[2 * PATH], key[2 * PATH], authority[2 * PATH];
    const char *const args[] = {certificate, key, authority, NULL};

    (void)snprintf(world.directory, PATH, "/tmp/dewpond-tls-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    assert_int_equal(chmod(world.directory, 0755), 0);
    make_certificates(&world);
    (void)snprintf(world.certificate, sizeof(world.certificate),
                   "%s/server.pem", world.directory);
    (void)snprintf(world.other, sizeof(world.other), "%s/other.pem",
                   world.directory);
    (void)snprintf(certificate, sizeof(certificate), "--ssl-cert=%s",
                   world.certificate);
    (void)snprintf(key, sizeof(key), "--ssl-key=%s/server.key",
                   world.directory);
    /* Clients may have one, too, if it is this one. */
    (void)snprintf(authority, sizeof(authority), "--ssl-ca=%s", world.other);
    world.server = test_server_start(args);
    watchdog_use();
    *state = &world;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *const world = *state;
    char command[2 * PATH];

    watchdog_unuse();
    test_server_stop(world->server);
    (void)snprintf(command, sizeof(command), "rm -r %s", world->directory);
    return system(command);
}

static struct settings
settings_with(const struct world *world, uint32_t tls_mode, const char *ca)
{
    struct settings settings;

    loan_settings(&settings, world->server);
    settings.unix_socket = NULL;
    settings.host = (char *)"127.0.0.1";
    settings.port = test_server_port(world->server);
    settings.tls_mode = tls_mode;
    settings.tls_ca = (char *)(uintptr_t)ca;
    return settings;
}

static bool
opens(const struct settings *settings)
{
    const struct io_limit limit = {clock_deadline_after_ms(20000), -1};
    struct session *session;
    dew_error error;

    if (session_open(&session, settings, &limit, &error) != DEW_OK) {
        return false;
    }
    loan_end(session);
    return true;
}

/* The file status flags of a socket that the client library has opened alone,
 * for TLS as here. */
static int
flags_without_us(const struct settings *settings)
{
    MYSQL *const mysql = mysql_init(NULL);

    flavour_set_options(mysql, settings);
    assert_non_null(mysql_real_connect(mysql, settings->host, settings->user,
                                       settings->password, NULL,
                                       settings->port, NULL, 0));
    assert_non_null(mysql_get_ssl_cipher(mysql));
    const int flags = fcntl(flavour_socket(mysql), F_GETFL);
    mysql_close(mysql);
    return flags;
}

static void
a_required_session_is_encrypted_and_works(void **state)
{
    const struct world *const world = *state;
    const struct settings settings =
        settings_with(world, DEW_TLS_REQUIRED, NULL);
    struct session *const session = loan_open(&settings);
    char text[LOAN_TEXT];

    assert_non_null(mysql_get_ssl_cipher(session_handle(session)));
    assert_false(session->plain);
    assert_string_equal(loan_ask(session_handle(session),
                                 "SELECT v FROM a WHERE id = 5", text),
                        "row 5");
    /* Non-blocking only inside of a bound, where the library does not want it
     * itself: with Connector/C 3.3 its own waits would be 5 ms long. */
    assert_int_equal(fcntl(flavour_socket(session_handle(session)), F_GETFL),
                     flags_without_us(&settings));
    loan_end(session);
}

static void
verify_wants_the_right_authority(void **state)
{
    const struct world *const world = *state;
    struct settings settings =
        settings_with(world, DEW_TLS_VERIFY, world->certificate);

    assert_true(opens(&settings));
    settings.tls_ca = (char *)(uintptr_t)world->other;
    assert_false(opens(&settings));
}

/* The library reads the file last; the pool's word stands all the same. */
static void
verify_is_not_switched_off_by_a_defaults_file(void **state)
{
    const struct world *const world = *state;
    char path[PATH + 16];

    (void)snprintf(path, sizeof(path), "%s/my.cnf", world->directory);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("[client]\nssl-verify-server-cert=0\n", file);
    assert_int_equal(fclose(file), 0);
    struct settings settings =
        settings_with(world, DEW_TLS_REQUIRED, world->certificate);
    settings.host = (char *)"127.1"; /* the same, and not in the certificate */
    settings.defaults_file = path;
    if (!opens(&settings)) {
        (void)fprintf(stderr, "session_tls: this library (%s) does not take the "
                              "file's word for it, SKIPPED\n",
                      mysql_get_client_info());
        skip();
    }
    settings.tls_mode = DEW_TLS_VERIFY;
    assert_false(opens(&settings));
}

/* A user who must show a certificate that the server's authority has signed. */
static void
certificate_of_the_client_is_shown(void **state)
{
    const struct world *const world = *state;
    char key[PATH + 16];

    (void)test_server_exec(world->server, "CREATE USER shows REQUIRE X509");
    (void)test_server_exec(world->server, "GRANT SELECT ON t.* TO shows");
    (void)snprintf(key, sizeof(key), "%s/other.key", world->directory);
    struct settings settings = settings_with(world, DEW_TLS_REQUIRED, NULL);
    settings.user = (char *)"shows";
    settings.password = NULL;
    assert_false(opens(&settings));
    settings.tls_cert = (char *)(uintptr_t)world->other;
    settings.tls_key = key;
    assert_true(opens(&settings));
    settings.tls_cert = (char *)(uintptr_t)world->certificate;
    assert_false(opens(&settings)); /* that is not this key's */
}

static void
switched_off_is_not_encrypted(void **state)
{
    const struct world *const world = *state;
    const struct settings settings = settings_with(world, DEW_TLS_OFF, NULL);
    struct session *const session = loan_open(&settings);

    assert_null(mysql_get_ssl_cipher(session_handle(session)));
    assert_true(session->plain);
    loan_end(session);
}

static int
sleep_long(MYSQL *mysql, void *arg)
{
    (void)arg;
    return mysql_query(mysql, "DO SLEEP(30)");
}

static void
a_deadline_holds_inside_of_tls(void **state)
{
    struct settings settings = settings_with(*state, DEW_TLS_REQUIRED, NULL);
    int64_t late_ms = 30000;

    settings.on_connect = sleep_long;
    for (int i = 0; i < ATTEMPTS && late_ms > LATE_MS; i++) {
        const struct io_limit limit = {clock_deadline_after_ms(600), -1};
        struct session *session = NULL;
        dew_error error = {0};

        assert_int_equal(session_open(&session, &settings, &limit, &error),
                         DEW_ECONNECT);
        late_ms = prompt_ms(
            limit.deadline_ns / CLOCK_NS_PER_MS,
            (clock_now_ns() - limit.deadline_ns) / CLOCK_NS_PER_MS, LATE_MS);
        assert_non_null(strstr(error.message, "connect timed out"));
    }
    assert_true(late_ms <= LATE_MS);
}

/* A KILL closes the server's side; then the farewell writes twice at least. */
static void
hanging_up_a_dead_tls_session_does_not_end_the_program(void **state)
{
    const struct world *const world = *state;
    struct settings settings = settings_with(world, DEW_TLS_REQUIRED, NULL);
    struct session *session;
    char kill_sql[64];
    pid_t child;
    int status;

    session = loan_open(&settings);
    (void)snprintf(kill_sql, sizeof(kill_sql), "KILL %lu",
                   session_server_thread(session));
    assert_int_equal(test_server_exec(world->server, kill_sql), 0);
    assert_true(test_server_await_count(world->server, "app", 0, 10000));
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        for (int i = 0; i < 3; i++) {
            /* The first write of all makes the other side answer RST. */
            (void)send(flavour_socket(session_handle(session)), "x", 1,
                       MSG_NOSIGNAL);
        }
        (void)session_hang_up(session, SESSION_FAREWELL);
        _exit(SURVIVED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SURVIVED);
    loan_end(session);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_required_session_is_encrypted_and_works),
        cmocka_unit_test(verify_wants_the_right_authority),
        cmocka_unit_test(verify_is_not_switched_off_by_a_defaults_file),
        cmocka_unit_test(certificate_of_the_client_is_shown),
        cmocka_unit_test(switched_off_is_not_encrypted),
        cmocka_unit_test(a_deadline_holds_inside_of_tls),
        cmocka_unit_test(
            hanging_up_a_dead_tls_session_does_not_end_the_program),
    };
    prompt_watch();

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
