/* SPDX-License-Identifier: MIT */
/* Goal: a session behind whose last answer there is a reply that nobody asked
 * for is not at rest. Method: a server that says an OK more, with the same send,
 * behind the proof of a clean-up and of a probe, under each policy that has
 * one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/scripted_kit.h"

#define PROOF "/*dewpond*/"

static dew_script_server *server;
static struct settings settings;

static struct io_limit
limit(void)
{
    return (struct io_limit){
        .deadline_ns = clock_deadline_after_ms(KIT_PATIENCE_MS),
        .cancel_fd = -1};
}

static struct session *
open_with(dew_reset reset, const char *init_sql)
{
    settings = (struct settings){
        .name = (char *)"test-pool",
        .unix_socket = (char *)(uintptr_t)dew_script_socket(server),
        .user = (char *)"app",
        .charset = (char *)"utf8mb4",
        .connect_timeout_ms = KIT_PATIENCE_MS,
        .buffer_max_kb = SETTINGS_OFF,
        .init_sql = (char *)(uintptr_t)init_sql,
        .autocommit = true,
        .reset = reset,
    };
    script_play(server, NULL);
    return loan_open(&settings);
}

/* From now on an OK comes behind the answers to queries with this text. */
static void
say_more(const char *like)
{
    const dew_script_step more = {.moment = DEW_SCRIPT_ANSWER,
                                  .like = like,
                                  .say = DEW_SCRIPT_AND_MORE};

    script_play(server, &more);
}

static void
ends_broken(struct session *session)
{
    enum session_flaw flaw = SESSION_SOUND;

    assert_int_equal(loan_return(session, &settings, &flaw), SESSION_BROKEN);
    assert_int_equal(flaw, SESSION_UNREAD);
    loan_end(session);
}

static void
clean_up_with_a_reply_too_many_ends_the_session(void **state)
{
    static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ALWAYS,
                                         DEW_RESET_ROLLBACK};

    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct session *const session = open_with(policies[i], NULL);

        say_more(PROOF);
        loan_do(loan_lend(session), "SELECT 1");
        ends_broken(session);
    }
}

static void
init_sql_with_a_reply_too_many_ends_the_session(void **state)
{
    struct session *const session = open_with(DEW_RESET_AUTO, "SET @a=1");

    (void)state;
    say_more("SET @a=1");
    loan_do(loan_lend(session), "SELECT 1");
    ends_broken(session);
}

static void
probe_with_a_reply_too_many_ends_the_session(void **state)
{
    struct session *const session = open_with(DEW_RESET_AUTO, NULL);
    enum session_flaw flaw = SESSION_SOUND;
    const struct io_limit within = limit();
    dew_error error = {.code = DEW_OK};

    (void)state;
    say_more(PROOF);
    assert_int_equal(
        session_probe(session, &settings, &within, &flaw, &error),
        SESSION_BROKEN);
    assert_int_equal(flaw, SESSION_STRAY);
    assert_int_equal(error.code, DEW_ECONNECT);
    loan_end(session);
}

static int
set_up(void **state)
{
    (void)state;
    server = script_start(DEW_SCRIPT_MYSQL, DEW_SCRIPT_LOGIN_NATIVE);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    script_stop(server);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_up_with_a_reply_too_many_ends_the_session),
        cmocka_unit_test(init_sql_with_a_reply_too_many_ends_the_session),
        cmocka_unit_test(probe_with_a_reply_too_many_ends_the_session),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
