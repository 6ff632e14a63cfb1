/* SPDX-License-Identifier: MIT */
/* Goal: no order of calls, on no server, breaks what the pool promises. Method:
 * the input is a configuration and a script for each of one to three threads;
 * codes, gauges, dew_pool_check and every answer are looked at on the way, and
 * at the end the pool must close and have left nothing. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz/calls.h"
#include "fuzz/wire_peer.h"
#include "session/session.h"

#define PATIENCE_MS 10000

static struct {
    int pid;
    dew_script_server *servers[2];
    struct fuzz_traces traces;
} world;

int64_t
calls_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
calls_claim_told(const char *call, dew_code code, const dew_error *error)
{
    FUZZ_CLAIM(error->code == code, "%s: %s, but the error says %s", call,
               dew_code_name(code), dew_code_name(error->code));
    FUZZ_CLAIM(memchr(error->message, 0, sizeof error->message) != NULL &&
                   error->message[0] != '\0',
               "%s: no message", call);
    FUZZ_CLAIM(memchr(error->sqlstate, 0, sizeof error->sqlstate) != NULL,
               "%s: the state has no end", call);
    FUZZ_CLAIM(!fuzz_holds_secret(error->message), "%s tells: %s", call,
               error->message);
}

/* ---- the configuration ---- */

static uint32_t
one_of(struct fuzz_bytes *bytes, const uint32_t *values, size_t count)
{
    return values[fuzz_u8(bytes) % count];
}
#define ONE_OF(bytes, ...)                                                     \
    one_of((bytes), (const uint32_t[]){__VA_ARGS__},                           \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void
take_times(struct fuzz_bytes *bytes, dew_config *config)
{
    config->connect_timeout_ms = 40;
    config->ping_timeout_ms = 15;
    config->kill_timeout_ms = 5;
    config->read_timeout_ms = config->write_timeout_ms = 1000;
    config->burst_after_ms = ONE_OF(bytes, DEW_ZERO, 1, 20);
    config->bypass_ms = ONE_OF(bytes, DEW_ZERO, 1, 500);
    config->idle_timeout_ms = ONE_OF(bytes, 0, 1, 20, DEW_OFF);
    config->lifetime_ms = ONE_OF(bytes, 0, 1, 10, DEW_OFF);
    config->keepalive_ms = ONE_OF(bytes, 0, 1, 5, DEW_OFF);
    config->handoff_after_ms = ONE_OF(bytes, 0, 1, DEW_ZERO, DEW_OFF);
    config->fail_fast_after_ms = ONE_OF(bytes, DEW_ZERO, 1, 50, DEW_OFF);
    config->leak_after_ms = ONE_OF(bytes, 0, 1);
}

static void
take_config(struct fuzz_bytes *bytes, dew_config *config)
{
    const unsigned how = fuzz_u8(bytes), what = fuzz_u8(bytes);

    dew_config_init(config, (uint32_t)sizeof *config);
    config->name = CALLS_NAME;
    config->user = "app";
    config->password = FUZZ_SECRET;
    config->unix_socket = dew_script_socket(world.servers[how & 1]);
    config->database = (how & 2) != 0 ? "t" : NULL;
    config->flags = (how & 4) != 0 ? DEW_NO_THREADS : 0;
    config->flags |= (how & 8) != 0 ? DEW_REFUSE_NESTED : 0;
    config->reset = (dew_reset)(how >> 4 & 3);
    config->autocommit = (how & 64) != 0 ? DEW_OFF : 0;
    config->init_sql = (how & 128) != 0 ? "SET @a=1" : NULL;
    config->size = 1 + (what & 1);
    config->maxsize = config->size + (what >> 1 & 3);
    config->pre_create = (what & 8) != 0 ? 1 : 0;
    config->connects_max = 1 + (what >> 4 & 1);
    config->waiters_max = ONE_OF(bytes, 0, 1, DEW_ZERO, DEW_OFF);
    config->uses_max = ONE_OF(bytes, 0, 1, 2);
    take_times(bytes, config);
}

/* ---- one run ---- */

static void *
run_actor(void *arg)
{
    actor_run(arg);
    return NULL;
}

/* The scripts one after the other in the input, each with its length. */
static void
run_actors(struct calls *calls, struct fuzz_bytes *bytes, unsigned count)
{
    struct actor actors[CALLS_ACTORS] = {{.calls = calls}};
    pthread_t threads[CALLS_ACTORS];

    for (unsigned i = 0; i < count; i++) {
        const uint8_t *from = bytes->at;
        const size_t size =
            i + 1 == count ? fuzz_take(bytes, fuzz_left(bytes), &from)
                           : fuzz_take(bytes, fuzz_u8(bytes), &from);
        actors[i].calls = calls;
        actors[i].script = fuzz_bytes_of(from, size);
    }
    for (unsigned i = 1; i < count; i++) {
        FUZZ_CLAIM(pthread_create(&threads[i], NULL, run_actor, &actors[i]) ==
                       0,
                   "no thread");
    }
    actor_run(&actors[0]);
    for (unsigned i = 1; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

/* Nothing is lent: everything holds, and the pool closes. */
static void
close_pool(struct calls *calls)
{
    const int64_t until_ms = calls_now_ms() + PATIENCE_MS;
    dew_error error = {0};
    dew_code code;

    do {
        code = dew_pool_check(calls->pool, &error);
    } while (code == DEW_EBUSY && calls_now_ms() < until_ms);
    FUZZ_CLAIM(code == DEW_OK, "check: %s", error.message);
    do {
        code = dew_pool_close(calls->pool, 1000, &error);
    } while (code == DEW_EBUSY && calls_now_ms() < until_ms);
    FUZZ_CLAIM(code == DEW_OK, "close: %s", error.message);
    calls->pool = NULL;
}

static void
run(struct fuzz_bytes *bytes)
{
    dew_config config;
    struct calls calls = {.config = &config};
    dew_error error = {0};

    take_config(bytes, &config);
    const unsigned actors = 1 + fuzz_u8(bytes) % CALLS_ACTORS;
    calls.threads = (config.flags & DEW_NO_THREADS) == 0;
    calls.alone = actors == 1;
    atomic_init(&calls.most, config.maxsize);
    const uint8_t *from;
    const size_t size = fuzz_take(bytes, fuzz_u8(bytes), &from);
    atomic_init(&calls.lies, size == 0 ? 0 : 1);
    wire_program_begin(fuzz_bytes_of(from, size), -1);
    const dew_code code = dew_pool_open(&calls.pool, &config, &error);
    if (code != DEW_OK) {
        FUZZ_COUNT("pools_refused");
        FUZZ_CLAIM(code == DEW_ECONNECT && calls.pool == NULL, "open: %s",
                   dew_code_name(code));
        calls_claim_told("open", code, &error);
        return;
    }
    FUZZ_COUNT("pools");
    run_actors(&calls, bytes, actors);
    if (calls.pool != NULL) {
        close_pool(&calls);
    }
}

/* ---- the world ---- */

static void
stop_servers(void)
{
    for (int i = 0; !fuzz_is_new_process(&world.pid) && i < 2; i++) {
        dew_script_stop(world.servers[i]);
    }
}

static void
begin_world(void)
{
    static const dew_script_options options[2] = {
        {.kind = DEW_SCRIPT_MARIADB, .listen = DEW_SCRIPT_UNIX},
        {.kind = DEW_SCRIPT_MYSQL, .listen = DEW_SCRIPT_UNIX},
    };
    char why[256];

    for (int i = 0; i < 2; i++) {
        world.servers[i] = dew_script_start(&options[i], why, sizeof why);
        FUZZ_CLAIM(world.servers[i] != NULL, "%s", why);
    }
    (void)atexit(stop_servers);
}

/* What is made once in a process is made here, so that every run may be asked
 * whether it left something: a loan with a deadline, one without a pool. */
static void
warm_up(void)
{
    static const uint8_t script[] = {
        0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* config */
        0, 0,                               /* one actor, the server behaves */
        0, 0, 3, 8, 0, 8, 12, 4, 11, 1, 20, 0, 0, 3, 8, 4, 5, 4,
    };
    struct fuzz_bytes bytes = fuzz_bytes_of(script, sizeof script);

    run(&bytes);
    wire_program_end();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = fuzz_bytes_of(data, size);

    if (fuzz_is_new_process(&world.pid)) {
        begin_world();
        warm_up();
        world.traces = fuzz_traces();
    }
    run(&bytes);
    wire_program_end();
    for (int i = 0; i < 2; i++) {
        FUZZ_CLAIM(dew_script_await_none(world.servers[i], PATIENCE_MS),
                   "a session has outlived its pool");
    }
    fuzz_claim_left_nothing(&world.traces);
    return 0;
}
