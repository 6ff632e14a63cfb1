/* SPDX-License-Identifier: MIT */
/* Connects that are let down: listeners, and when they must have ended. */
#ifndef DEWPOND_TEST_SESSION_CONNECT_H
#define DEWPOND_TEST_SESSION_CONNECT_H

#include "base/watchdog.h"
#include "fixture/loan.h"
#include "fixture/stall.h"

enum {
    LATE_MS = 50,
    LONG_MS = 30000,
    ATTEMPTS = 4, /* a busy machine may be late once */
};

static inline int
set_up(void **state)
{
    *state = test_server_start(NULL);
    watchdog_use();
    return 0;
}

static inline int
tear_down(void **state)
{
    watchdog_unuse();
    test_server_stop(*state);
    return 0;
}

static inline struct settings
settings_for(const struct test_server *server)
{
    struct settings settings;

    loan_settings(&settings, server);
    settings.connect_timeout_ms = LONG_MS;
    return settings;
}

static inline struct settings
settings_for_stall(const struct test_server *server, const struct stall *stall)
{
    struct settings settings = settings_for(server);

    settings.unix_socket = (char *)(uintptr_t)stall_socket(stall);
    settings.port = stall_port(stall);
    settings.host = stall_socket(stall) == NULL ? (char *)"127.0.0.1" : NULL;
    return settings;
}

#endif
