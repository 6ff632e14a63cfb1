/* SPDX-License-Identifier: MIT */
#ifndef DEWPOND_H
#define DEWPOND_H
#include <stddef.h>
#include <stdint.h>
#include <mysql.h>
#ifdef __cplusplus
extern "C" {
#endif
#define DEW_OFF  UINT32_MAX
#define DEW_ZERO (UINT32_MAX - 1)
#define DEW_NO_WAIT INT64_C(0)
#define DEW_WAIT_FOREVER INT64_C(-1)
#define DEW_NO_THREADS 1u
#define DEW_REFUSE_NESTED 2u
typedef struct dew_pool dew_pool;
typedef struct dew_conn { MYSQL *mysql; dew_pool *pool; uint64_t ticket; } dew_conn;
#define DEW_CONN_INIT {NULL, NULL, 0}
typedef enum dew_code { DEW_OK = 0, DEW_EINVAL = -1, DEW_ENOMEM = -2, DEW_ETIMEDOUT = -3, DEW_ECLOSED = -4, DEW_ECONNECT = -5,
    DEW_EFULL = -6, DEW_ESTALE = -7, DEW_ENOTFOUND = -8, DEW_EEXIST = -9, DEW_EBUSY = -10, DEW_EQUERY = -11, DEW_ESYSTEM = -12,
    DEW_EABORTED = -13, DEW_EUNKNOWN = -14 } dew_code;
typedef enum dew_stage { DEW_STAGE_NONE, DEW_STAGE_CONFIG, DEW_STAGE_CONNECT, DEW_STAGE_WAIT, DEW_STAGE_VALIDATE, DEW_STAGE_RESET, DEW_STAGE_QUERY } dew_stage;
typedef struct dew_error { dew_code code; dew_stage stage; uint32_t mysql_errno; int32_t os_errno; char sqlstate[6]; char message[512]; } dew_error;
typedef enum dew_reset { DEW_RESET_AUTO, DEW_RESET_ALWAYS, DEW_RESET_ROLLBACK, DEW_RESET_NEVER } dew_reset;
typedef enum dew_tls { DEW_TLS_DEFAULT, DEW_TLS_OFF, DEW_TLS_REQUIRED, DEW_TLS_VERIFY } dew_tls;
#if defined(MARIADB_PACKAGE_VERSION_ID)
#define DEW_CLIENT (UINT32_C(0x80000000) | (uint32_t)MARIADB_PACKAGE_VERSION_ID)
#else
#define DEW_CLIENT ((uint32_t)MYSQL_VERSION_ID)
#endif
typedef struct dew_config {
    uint32_t struct_size, client, flags;
    uint64_t client_flags;
    const char *name;
    const char *host, *user, *password, *database, *unix_socket, *charset, *init_sql;
    const char *defaults_file, *defaults_group;
    const char *tls_ca, *tls_cert, *tls_key;
    uint32_t tls_mode;
    uint32_t port;
    uint32_t size, maxsize, pre_create, waiters_max, connects_max;
    uint32_t burst_after_ms, connect_timeout_ms, read_timeout_ms, write_timeout_ms, ping_timeout_ms, bypass_ms;
    uint32_t idle_timeout_ms, lifetime_ms, lifetime_jitter_percent, keepalive_ms, leak_after_ms, slow_acquire_ms, handoff_after_ms;
    uint32_t fail_fast_after_ms, uses_max, buffer_max_kb;
    dew_reset reset;
    uint32_t autocommit;
    int (*on_options)(MYSQL *mysql, void *arg);
    void *on_options_arg;
    int (*on_connect)(MYSQL *mysql, void *arg);
    void *on_connect_arg;
    void (*on_log)(int level, const char *line, void *arg);
    void *on_log_arg;
} dew_config;
#define DEW_CONFIG_INIT { .struct_size = (uint32_t)sizeof(dew_config), .client = DEW_CLIENT }
typedef struct dew_stats {
    uint32_t struct_size;
    uint32_t conns_open, conns_idle, conns_leased, conns_opening, waiters;
    uint64_t acquires, waits, timeouts, connects, connect_failures, resets, rollbacks, pings, stale_returns;
    uint64_t retired_lifetime, retired_idle, retired_broken, retired_refresh, retired_shrink, discarded, detached, leaks;
    uint64_t wait_us_p50, wait_us_p99, wait_us_max, hold_us_p50, hold_us_p99, hold_us_max;
} dew_stats;
void dew_config_init(dew_config *config, uint32_t struct_size);
dew_code dew_pool_open(dew_pool **pool, const dew_config *config, dew_error *error);
dew_code dew_pool_open_uri(dew_pool **pool, const char *uri, dew_error *error);
dew_code dew_pool_close(dew_pool *pool, int64_t grace_ms, dew_error *error);
dew_code dew_acquire(dew_pool *pool, int64_t timeout_ms, dew_conn *conn, dew_error *error);
dew_code dew_acquire_at(dew_pool *pool, int64_t timeout_ms, dew_conn *conn, dew_error *error, const char *file, int line);
dew_code dew_acquire_named(const char *name, int64_t timeout_ms, dew_conn *conn, dew_error *error);
dew_code dew_release(dew_conn *conn);
dew_code dew_discard(dew_conn *conn);
MYSQL *dew_detach(dew_conn *conn);
dew_code dew_connect(const dew_config *config, dew_conn *conn, dew_error *error);
dew_code dew_ping(dew_conn *conn, dew_error *error);
void dew_pool_abort(dew_pool *pool);
int64_t dew_pool_tend(dew_pool *pool);
dew_code dew_pool_set_credentials(dew_pool *pool, const char *user, const char *password, dew_error *error);
dew_code dew_deadline(dew_conn *conn, int64_t ms, dew_error *error);
void dew_stats_read(const dew_pool *pool, dew_stats *stats);
dew_code dew_pool_check(const dew_pool *pool, dew_error *error);
const char *dew_code_name(dew_code code);
const char *dew_stage_name(dew_stage stage);
const char *dew_version(void);
#ifdef __cplusplus
}
#endif
#endif
