/* SPDX-License-Identifier: MIT */
/* Goal: whatever bytes a server sends, the session layer ends in time, leaks
 * nothing, and calls no session at rest that is not. Method: a session is
 * opened, lent, returned, settled and probed on a scripted server whose replies
 * are made of the input; whoever says that it is at rest is then asked, by a
 * server that behaves again, for an answer that only this question has. */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"
#include "fuzz/wire_peer.h"
#include "session/inside.h"
#include "session/quick.h"

/* The bound of each step, and how late a busy machine may make it. */
#define STEP_MS 40
#define LATE_MS 4000

static struct {
    int pid;
    dew_script_server *servers[4];
    int bell; /* rung when the server has fallen silent */
    struct fuzz_traces traces;
    uint64_t asked;
} world;

/* How a run goes: all of it is decided before the server's first byte. */
struct plan {
    struct settings settings;
    dew_script_server *server;
    uint32_t actions; /* four bits each */
    bool waits_out;   /* a silence lasts until the deadline, not the bell */
};

/* ---- the world ---- */

static void
start_servers(void)
{
    static const struct dew_script_options options[4] = {
        {.kind = DEW_SCRIPT_MARIADB, .listen = DEW_SCRIPT_UNIX},
        {.kind = DEW_SCRIPT_MYSQL, .listen = DEW_SCRIPT_UNIX},
        {.kind = DEW_SCRIPT_MARIADB, .login = DEW_SCRIPT_LOGIN_SWITCH,
         .listen = DEW_SCRIPT_UNIX},
        {.kind = DEW_SCRIPT_MYSQL, .login = DEW_SCRIPT_LOGIN_NATIVE,
         .listen = DEW_SCRIPT_UNIX},
    };
    char why[256];

    for (int i = 0; i < 4; i++) {
        world.servers[i] = dew_script_start(&options[i], why, sizeof why);
        FUZZ_CLAIM(world.servers[i] != NULL, "%s", why);
    }
}

static void
stop_servers(void)
{
    for (int i = 0; !fuzz_is_new_process(&world.pid) && i < 4; i++) {
        dew_script_stop(world.servers[i]);
    }
}

/* ---- steps within a bound ---- */

static void
drain_bell(void)
{
    uint64_t rings;

    (void)!read(world.bell, &rings, sizeof rings);
}

static struct io_limit
limit_of(const struct plan *plan)
{
    return (struct io_limit){
        .deadline_ns = clock_deadline_after_ms(STEP_MS),
        .cancel_fd = plan->waits_out ? -1 : world.bell,
    };
}

static void
claim_in_time(const char *step, const struct io_limit *limit)
{
    const int64_t late_ms =
        (clock_now_ns() - limit->deadline_ns) / CLOCK_NS_PER_MS;

    FUZZ_CLAIM(late_ms <= LATE_MS, "%s ended %" PRId64 " ms after its bound",
               step, late_ms);
}

static void
claim_told(dew_code code, const dew_error *error)
{
    FUZZ_CLAIM(error->code == code && code != DEW_OK, "code %d, error %d",
               (int)code, (int)error->code);
    FUZZ_CLAIM(memchr(error->message, 0, sizeof error->message) != NULL &&
                   error->message[0] != '\0',
               "no message");
    FUZZ_CLAIM(memchr(error->sqlstate, 0, sizeof error->sqlstate) != NULL,
               "the state has no end");
}

static enum session_state
settled(const struct plan *plan, struct session *session,
        enum session_state state)
{
    enum session_flaw flaw = SESSION_SOUND;
    dew_error error = {0};
    const struct io_limit limit = limit_of(plan);

    if (state != SESSION_PENDING) {
        return state;
    }
    state = session_settle(session, &plan->settings, &limit, &flaw, &error);
    claim_in_time("settle", &limit);
    FUZZ_CLAIM(state != SESSION_PENDING, "settled, and still pending");
    if (state == SESSION_BROKEN) {
        FUZZ_CLAIM(flaw != SESSION_SOUND, "broken, and sound");
        claim_told(error.code, &error);
    }
    return state;
}

static enum session_state
given_back(const struct plan *plan, struct session *session)
{
    enum session_flaw flaw = SESSION_SOUND;
    const struct io_limit limit = limit_of(plan);
    const enum session_state state =
        session_give_back(session, &plan->settings, &limit, &flaw);

    claim_in_time("give_back", &limit);
    FUZZ_CLAIM((state == SESSION_BROKEN) == (flaw != SESSION_SOUND),
               "state %d, flaw %s", (int)state, session_flaw_name(flaw));
    return settled(plan, session, state);
}

static enum session_state
probed(const struct plan *plan, struct session *session)
{
    enum session_flaw flaw = SESSION_SOUND;
    dew_error error = {0};
    const struct io_limit limit = limit_of(plan);
    const enum session_state state = session_probe(
        session, &plan->settings, &limit, &flaw, &error);

    claim_in_time("probe", &limit);
    FUZZ_CLAIM(state != SESSION_PENDING, "probed, and pending");
    if (state == SESSION_BROKEN) {
        claim_told(error.code, &error);
    }
    return state;
}

/* ---- a borrower ---- */

static void
read_all(MYSQL *mysql)
{
    for (int i = 0; i < 4; i++) {
        MYSQL_RES *const result = mysql_store_result(mysql);
        if (result != NULL) {
            mysql_free_result(result);
        }
        if (mysql_next_result(mysql) != 0) {
            break;
        }
    }
}

static void
prepare(MYSQL *mysql, bool closes)
{
    MYSQL_STMT *const stmt = mysql_stmt_init(mysql);

    if (stmt != NULL) {
        (void)mysql_stmt_prepare(stmt, "SELECT ?", 8);
        if (closes) {
            (void)mysql_stmt_close(stmt);
        }
    }
}

/* Only what a borrower may do; left open statements are leaked on purpose by
 * nobody, so they are always closed. */
static void
work(MYSQL *mysql, unsigned what)
{
    static const char two[] = "SELECT 1; SELECT 2";

    switch (what % 8) {
    case 0: break;
    case 1: (void)(mysql_query(mysql, "SELECT 1,NULL,'x'") == 0 &&
                   (read_all(mysql), true)); break;
    case 2: (void)mysql_query(mysql, "SELECT 7"); break; /* left unread */
    case 3: (void)mysql_send_query(mysql, "SELECT 8", 8); break;
    case 4: (void)mysql_select_db(mysql, "other"); break;
    case 5: (void)mysql_query(mysql, "BEGIN"); break;
    case 6: prepare(mysql, true); break;
    default: (void)mysql_query(mysql, two); break;
    }
}

static enum session_state
lent_and_returned(const struct plan *plan, struct session *session,
                  unsigned what)
{
    const struct io_limit limit = limit_of(plan);
    struct io_step step;

    session_lend(session);
    if (io_step_begin(&step, session, &limit)) {
        work(session_handle(session), what);
        (void)io_step_end(&step);
        claim_in_time("a borrower", &limit);
    }
    return given_back(plan, session);
}

/* ---- who says that it is at rest ---- */

/* Of the row that comes: false, and nothing else can be told, when it fails. */
static bool
is_answered(MYSQL *mysql, const char *wanted)
{
    MYSQL_RES *const result = mysql_use_result(mysql);
    const MYSQL_ROW row = result == NULL ? NULL : mysql_fetch_row(result);
    const bool came = row != NULL;

    FUZZ_CLAIM(!came || (row[0] != NULL && strcmp(row[0], wanted) == 0),
               "at rest, but asked for %s it answers %s", wanted,
               came && row[0] != NULL ? row[0] : "NULL");
    if (result != NULL) {
        mysql_free_result(result);
    }
    return came;
}

static bool
ask(struct session *session, const struct io_limit *limit)
{
    MYSQL *const mysql = session_handle(session);
    char wanted[32], sql[64];
    struct io_step step;
    bool answered = false;

    (void)snprintf(wanted, sizeof wanted, "%" PRIu64,
                   UINT64_C(7700000000) + ++world.asked);
    (void)snprintf(sql, sizeof sql, "SELECT %s", wanted);
    if (!io_step_begin(&step, session, limit)) {
        return false;
    }
    if (mysql_query(mysql, sql) == 0) {
        /* It took an OK for its answer: then another reply is behind. */
        FUZZ_CLAIM(mysql_field_count(mysql) != 0 || step.bound.fired,
                   "at rest, but a SELECT is answered with an OK");
        answered = mysql_field_count(mysql) != 0 && is_answered(mysql, wanted);
    }
    (void)io_step_end(&step);
    return answered;
}

/* As the pool does before it lends: a look, and then it is the borrower's. */
static void
judge_rest(const struct plan *plan, struct session *session)
{
    const struct io_limit limit = limit_of(plan);

    FUZZ_COUNT("at_rest");
    wire_program_end();
    if (!session_is_quiet(session)) {
        /* All that a reply brings has come with its first byte. */
        FUZZ_CLAIM(session_is_gone(session), "at rest, but there is something "
                                             "to read");
        FUZZ_COUNT("gone");
        return;
    }
    session_lend(session);
    if (ask(session, &limit)) {
        FUZZ_COUNT("answered");
        (void)given_back(plan, session);
    }
}

/* ---- one life ---- */

static enum session_state
live(const struct plan *plan, struct session *session)
{
    enum session_state state = SESSION_AT_REST;

    for (uint32_t actions = plan->actions;
         actions != 0 && state == SESSION_AT_REST; actions >>= 4) {
        const unsigned action = actions & 15;
        if (action < 12) {
            state = lent_and_returned(plan, session, action);
        } else if (action < 14) {
            state = probed(plan, session);
        } else if (session_is_gone(session)) {
            state = SESSION_BROKEN;
        }
    }
    return state;
}

static void
end(const struct plan *plan, struct session *session, enum session_state state)
{
    if ((plan->actions & 1) != 0 && state == SESSION_AT_REST) {
        mysql_close(session_detach(session));
        return;
    }
    const int fd = session_hang_up(session, state == SESSION_AT_REST
                                                ? SESSION_FAREWELL
                                                : SESSION_CUT);
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void
run(const struct plan *plan, struct fuzz_bytes program)
{
    struct session *session = NULL;
    dew_error error = {0};
    const struct io_limit limit = limit_of(plan);

    wire_program_begin(program, world.bell);
    const dew_code code =
        session_open(&session, &plan->settings, &limit, &error);
    claim_in_time("open", &limit);
    if (code != DEW_OK) {
        FUZZ_COUNT("refused");
        FUZZ_CLAIM(session == NULL, "refused, but there is a session");
        claim_told(code, &error);
        return;
    }
    FUZZ_COUNT("opened");
    const enum session_state state = live(plan, session);
    if (state == SESSION_AT_REST) {
        judge_rest(plan, session);
    } else {
        FUZZ_COUNT("broken");
    }
    end(plan, session, state);
}

/* ---- the input ---- */

static int
ask_on_connect(MYSQL *mysql, void *arg)
{
    (void)arg;
    if (mysql_query(mysql, "SET @connected=1") != 0) {
        return 1;
    }
    read_all(mysql);
    return 0;
}

static void
plan_of(struct fuzz_bytes *bytes, struct plan *plan)
{
    const unsigned how = fuzz_u8(bytes), what = fuzz_u8(bytes);

    *plan = (struct plan){
        .settings = {
            .user = (char *)"app", .password = (char *)"app",
            .charset = (char *)"utf8mb4",
            .connect_timeout_ms = STEP_MS, .read_timeout_ms = 1000,
            .write_timeout_ms = 1000, .ping_timeout_ms = STEP_MS,
            .buffer_max_kb = 1024, .autocommit = (what & 4) == 0,
            .reset = (dew_reset)((how >> 3) % 4),
        },
        .server = world.servers[how % 4],
        .waits_out = (how & 0x80) != 0,
        .actions = fuzz_u32(bytes),
    };
    struct settings *const settings = &plan->settings;

    settings->unix_socket = (char *)(uintptr_t)dew_script_socket(plan->server);
    settings->database = (how & 4) != 0 ? (char *)"t" : NULL;
    settings->init_sql = (what & 1) != 0 ? (char *)"SELECT 5" : NULL;
    settings->on_connect = (what & 2) != 0 ? ask_on_connect : NULL;
    settings->client_flags = (what & 8) != 0 ? CLIENT_MULTI_STATEMENTS : 0;
    settings->client_flags |= (what & 16) != 0 ? CLIENT_COMPRESS : 0;
    settings->charset = (what & 32) != 0 ? (char *)"latin1" : settings->charset;
}

static void
begin_world(void)
{
    if (!fuzz_is_new_process(&world.pid)) {
        return;
    }
    (void)session_library_init(NULL);
    start_servers();
    world.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)atexit(stop_servers);
}

/* The first run leaves what is made once in a process (a watchdog, say). */
static void
judge_leaks(void)
{
    static bool is_warm;

    if (!is_warm) {
        is_warm = true;
        world.traces = fuzz_traces();
    }
    fuzz_claim_left_nothing(&world.traces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = fuzz_bytes_of(data, size);
    struct plan plan;

    begin_world();
    drain_bell();
    plan_of(&bytes, &plan);
    run(&plan, bytes);
    wire_program_end();
    FUZZ_CLAIM(dew_script_await_none(plan.server, 10000),
               "the client has not hung up");
    judge_leaks();
    return 0;
}
