/* SPDX-License-Identifier: MIT */
/* Two borrowers are given one handle: the client library under two threads. */
#include <dewpond.h>
#include <stddef.h>

#include "canaries.h"
#include "fixture/scripted/scripted_server.h"

#define BORROWERS 2
#define LOANS 4
#define QUERIES 4
#define PATIENCE_MS 20000

static dew_pool *pool;

/* Not inlined: the client library is not instrumented, so a report's last frame
 * of ours is the call of this function. */
static __attribute__((noinline)) void
ask(MYSQL *mysql)
{
    for (int i = 0; i < QUERIES; i++) {
        /* With the race planted each reads the other's answers, which is no
         * news: the race itself is to be reported. */
        if (mysql_query(mysql, "DO 0") != 0 &&
            canary_planted != CANARY_SHARED_HANDLE) {
            canary_fail("query: %s", mysql_error(mysql));
        }
    }
}

static void *
borrow(void *arg)
{
    for (int i = 0; i < LOANS; i++) {
        dew_error error;
        dew_conn conn;

        if (dew_acquire(pool, PATIENCE_MS, &conn, &error) != DEW_OK) {
            canary_fail("acquire: %s", error.message);
        }
        ask(conn.mysql); /* CANARY(SHARED_HANDLE */
        if (dew_release(&conn) != DEW_OK) {
            canary_fail("release");
        }
    }
    mysql_thread_end();
    return arg;
}

void
live_shared_handle(uint64_t seed)
{
    dew_config config = DEW_CONFIG_INIT;
    pthread_t borrowers[BORROWERS];
    dew_error error;
    char why[256];

    (void)seed;
    dew_script_server *const server = dew_script_start(NULL, why, sizeof why);
    if (server == NULL) {
        canary_fail("%s", why);
    }
    config.unix_socket = dew_script_socket(server);
    config.user = config.password = "app";
    config.size = config.maxsize = config.pre_create = BORROWERS;
    if (dew_pool_open(&pool, &config, &error) != DEW_OK) {
        canary_fail("open: %s", error.message);
    }
    canary_threads(borrowers, BORROWERS, borrow, NULL);
    canary_join(borrowers, BORROWERS);
    if (dew_pool_close(pool, PATIENCE_MS, &error) != DEW_OK) {
        canary_fail("close: %s", error.message);
    }
    dew_script_stop(server);
}
