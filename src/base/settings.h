/* SPDX-License-Identifier: MIT */
/* The user's configuration after defaults and checks: plain, immutable data. */
/*
 * Made by api/config.c (settings_make) from a dew_config, read by everyone,
 * changed by nobody: a change is a new copy. Numbers are final: defaults are
 * filled in, DEW_OFF is SETTINGS_OFF, DEW_ZERO is 0. Owner: who made it, until
 * the pool takes it; settings_free ends it.
 */
#ifndef DEWPOND_BASE_SETTINGS_H
#define DEWPOND_BASE_SETTINGS_H

#include <dewpond.h>
#include <stdbool.h>

#define SETTINGS_OFF INT64_C(-1)

struct settings {
    char *name; /* never NULL: made of user and server by default */
    bool name_is_explicit;
    /* NULL where the user gave none (and there is no default). */
    char *host, *user, *password, *database, *unix_socket;
    char *charset; /* never NULL: "utf8mb4" by default */
    char *init_sql;
    char *defaults_file, *defaults_group;
    char *tls_ca, *tls_cert, *tls_key;
    uint32_t tls_mode; /* enum dew_tls */
    uint32_t port;
    uint32_t flags;
    uint64_t client_flags;

    uint32_t size, maxsize, pre_create, connects_max;
    int64_t waiters_max; /* SETTINGS_OFF: no limit; 0: never queue */
    bool waiters_follow; /* waiters_max was not given: it goes with maxsize */
    int64_t burst_after_ms;
    int64_t connect_timeout_ms, read_timeout_ms, write_timeout_ms;
    int64_t ping_timeout_ms, bypass_ms;
    int64_t idle_timeout_ms, lifetime_ms, keepalive_ms;
    uint32_t lifetime_jitter_percent;
    int64_t leak_after_ms, slow_acquire_ms, handoff_after_ms;
    int64_t fail_fast_after_ms, uses_max, buffer_max_kb;
    int64_t kill_timeout_ms;

    /* The pool, to know whose callback runs (base/callback.h); NULL: none. */
    const void *owner;

    dew_reset reset;
    bool autocommit;
    int (*on_options)(MYSQL *mysql, void *arg);
    void *on_options_arg;
    int (*on_connect)(MYSQL *mysql, void *arg);
    void *on_connect_arg;
    void (*on_log)(int level, const char *line, void *arg);
    void *on_log_arg;
};

/* A deep copy with other credentials (NULL: none), or NULL without memory. */
struct settings *settings_copy(const struct settings *from, const char *user,
                               const char *password);
/* Wipes the password, frees everything. NULL is allowed. */
void settings_free(struct settings *settings);

#endif
