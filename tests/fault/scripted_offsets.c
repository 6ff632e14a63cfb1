/* SPDX-License-Identifier: MIT */
/* Goal: a server that goes away after any byte of a handshake is an error that
 * is told at once, and nothing is left of it. Method: greeting, switch and
 * welcome are cut after each of their bytes, by an end and by a reset, over
 * both kinds of socket, for each login. */
/* ctest: timeout=600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/prompt.h"
#include "fixture/scripted_kit.h"

#define AT_ONCE_MS 1000

static const char *const moment_names[] = {"greeting", "switch", "welcome"};

/* By which of the two ways a session is asked for. */
static dew_code
ask(const dew_config *config, dew_pool *pool, bool borrow, dew_error *error)
{
    dew_conn conn;
    const dew_code code = borrow
                              ? dew_acquire(pool, KIT_PATIENCE_MS, &conn, error)
                              : dew_connect(config, &conn, error);

    if (code == DEW_OK) {
        kit_answers_are_its_own(conn.mysql);
        kit_return(&conn);
    }
    return code;
}

static void
is_told_at_once(dew_code code, const dew_error *error, int64_t since_ms)
{
    assert_int_equal(code, DEW_ECONNECT);
    assert_int_equal(error->stage, DEW_STAGE_CONNECT);
    assert_int_not_equal(error->mysql_errno, 0);
    assert_string_not_equal(error->message, "");
    ASSERT_PROMPT(since_ms, 0, AT_ONCE_MS);
}

/* Cuts one reply of the handshake after each of its bytes. */
static unsigned
cut_everywhere(dew_script_server *server, dew_script_moment moment, bool tcp)
{
    const size_t size = dew_script_size(server, moment);
    unsigned cuts = 0;

    for (size_t i = 0; i < 2 * size; i++) {
        const size_t bytes = i / 2;
        const dew_script_step step = {
            .moment = moment,
            .say = bytes == 0 ? DEW_SCRIPT_NOTHING : DEW_SCRIPT_TRUTH,
            .bytes = bytes,
            .then = i % 2 == 0 ? DEW_SCRIPT_CLOSE : DEW_SCRIPT_RESET,
        };
        const bool borrow = bytes % 2 == 0;
        dew_error error = {.code = DEW_OK};
        dew_config config;

        script_config(&config, server, tcp);
        config.fail_fast_after_ms = DEW_ZERO;
        dew_pool *const pool = kit_open(&config);
        script_play(server, &step);
        const int64_t since_ms = kit_now_ms();
        const dew_code code = ask(&config, pool, borrow, &error);
        is_told_at_once(code, &error, since_ms);
        assert_true(dew_script_played(server, NULL) >= 1);
        assert_int_equal(kit_stats(pool).conns_open, 0);
        kit_close(pool);
        cuts++;
    }
    return cuts;
}

static void
handshake_that_is_cut_after_any_byte_is_told_and_leaves_nothing(void **state)
{
    static const struct {
        dew_script_kind kind;
        dew_script_login login;
    } ways[] = {
        {DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_NATIVE},
        {DEW_SCRIPT_MYSQL, DEW_SCRIPT_LOGIN_SHA2},
        {DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_SWITCH},
        {DEW_SCRIPT_MYSQL, DEW_SCRIPT_LOGIN_SWITCH},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof ways / sizeof ways[0]; i++) {
        const bool tcp = i % 2 == 1;
        const struct kit_traces before = kit_traces();
        dew_script_server *const server =
            script_start(ways[i / 2].kind, ways[i / 2].login);
        dew_config config;

        script_config(&config, server, tcp);
        assert_int_equal(ask(&config, NULL, false, NULL), DEW_OK);
        for (int moment = DEW_SCRIPT_GREETING; moment <= DEW_SCRIPT_WELCOME;
             moment++) {
            const unsigned cuts =
                cut_everywhere(server, (dew_script_moment)moment, tcp);

            print_message("%s, login %d, %s: %s cut %u times\n",
                          ways[i / 2].kind == DEW_SCRIPT_MYSQL ? "MySQL"
                                                               : "MariaDB",
                          ways[i / 2].login, tcp ? "TCP" : "unix socket",
                          moment_names[moment], cuts);
        }
        /* And when it behaves again, it is a server as any other. */
        script_play(server, NULL);
        assert_int_equal(ask(&config, NULL, false, NULL), DEW_OK);
        script_stop(server);
        kit_left_nothing(&before);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            handshake_that_is_cut_after_any_byte_is_told_and_leaves_nothing),
    };

    prompt_watch();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
