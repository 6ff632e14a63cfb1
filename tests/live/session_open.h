/* SPDX-License-Identifier: MIT */
/* Sessions that are opened on one server, over either transport. */
#ifndef DEWPOND_TEST_SESSION_OPEN_H
#define DEWPOND_TEST_SESSION_OPEN_H

#include "fixture/loan.h"

static inline int
set_up(void **state)
{
    static const char *const args[] = {"--performance-schema=ON",
                                       "--local-infile=1", NULL};

    *state = test_server_start(args);
    return 0;
}

static inline int
tear_down(void **state)
{
    test_server_stop(*state);
    return 0;
}

static inline struct settings
settings_for(const struct test_server *server)
{
    struct settings settings;

    loan_settings(&settings, server);
    return settings;
}

static inline struct settings
tcp_settings_for(const struct test_server *server)
{
    struct settings settings = settings_for(server);

    settings.unix_socket = NULL;
    settings.host = (char *)"127.0.0.1";
    settings.port = test_server_port(server);
    return settings;
}

static inline void
assert_asked(struct session *session, const char *sql, const char *expected)
{
    char text[LOAN_TEXT];

    assert_string_equal(loan_ask(session_handle(session), sql, text),
                        expected);
}

#endif
