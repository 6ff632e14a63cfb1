/* SPDX-License-Identifier: MIT */
/* What an actor does: one call of the public header for each byte. */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/calls.h"
#include "fuzz/wire_peer.h"

/* Of a query, where the pool has threads to keep it. */
#define QUERY_MS 25

static unsigned
held(const struct actor *actor)
{
    unsigned count = 0;

    for (int i = 0; i < CALLS_LOANS; i++) {
        count += actor->loans[i].conn.ticket != 0 &&
                 actor->loans[i].conn.pool != NULL;
    }
    return count;
}

static bool
is_zero(const dew_conn *conn)
{
    return conn->mysql == NULL && conn->pool == NULL && conn->ticket == 0;
}

/* ---- loans begin ---- */

static void
claim_refusal(const struct actor *actor, dew_code code)
{
    const bool may_be_closed = actor->calls->closing;
    const bool may_be_nested =
        (actor->calls->config->flags & DEW_REFUSE_NESTED) != 0 &&
        held(actor) > 0;

    FUZZ_CLAIM(code == DEW_ETIMEDOUT || code == DEW_EFULL ||
                   code == DEW_ECONNECT ||
                   (code == DEW_ECLOSED && may_be_closed) ||
                   (code == DEW_ENOTFOUND && may_be_closed) ||
                   (code == DEW_EINVAL && may_be_nested),
               "a borrow gives %s", dew_code_name(code));
}

static void
borrow(struct actor *actor, bool by_name)
{
    static const int timeouts[] = {0, 1, 5, 30};
    const unsigned i = fuzz_u8(&actor->script) % CALLS_LOANS;
    const int64_t timeout_ms = timeouts[fuzz_u8(&actor->script) % 4];
    dew_conn *const conn = &actor->loans[i].conn;
    dew_error error;

    if (conn->ticket != 0) {
        return;
    }
    actor->loans[i].lies = atomic_load(&actor->calls->lies);
    actor->loans[i].dirty = false;
    memset(&error, 0x5a, sizeof error);
    memset(conn, 0x5a, sizeof *conn);
    const int64_t began_ms = calls_now_ms();
    const dew_code code =
        by_name ? dew_acquire_named(CALLS_NAME, timeout_ms, conn, &error)
                : dew_acquire(actor->calls->pool, timeout_ms, conn, &error);
    FUZZ_CLAIM(calls_now_ms() - began_ms <= timeout_ms + CALLS_LATE_MS,
               "a borrow of %" PRId64 " ms took %" PRId64, timeout_ms,
               calls_now_ms() - began_ms);
    if (code != DEW_OK) {
        FUZZ_COUNT("borrows_refused");
        FUZZ_CLAIM(is_zero(conn), "refused, but there is a loan");
        claim_refusal(actor, code);
        calls_claim_told("acquire", code, &error);
        return;
    }
    FUZZ_COUNT("borrows");
    FUZZ_CLAIM(conn->mysql != NULL && conn->ticket != 0 &&
                   conn->pool == actor->calls->pool,
               "a loan of nothing");
}

static void
connect_alone(struct actor *actor)
{
    const unsigned i = fuzz_u8(&actor->script) % CALLS_LOANS;
    dew_conn *const conn = &actor->loans[i].conn;
    dew_error error = {0};

    if (conn->ticket != 0) {
        return;
    }
    actor->loans[i].lies = atomic_load(&actor->calls->lies);
    actor->loans[i].dirty = false;
    const dew_code code = dew_connect(actor->calls->config, conn, &error);
    if (code != DEW_OK) {
        FUZZ_CLAIM(is_zero(conn), "refused, but there is a loan");
        FUZZ_CLAIM(code == DEW_ECONNECT, "connect gives %s",
                   dew_code_name(code));
        calls_claim_told("connect", code, &error);
    }
}

/* ---- loans end ---- */

enum ending { RETURNED, DISCARDED, DETACHED };

static void
finish(struct actor *actor, unsigned i, enum ending ending)
{
    dew_conn *const conn = &actor->loans[i].conn;
    const dew_conn copy = *conn;
    const bool was_lent = conn->ticket != 0;

    if (ending == DETACHED) {
        MYSQL *const mysql = dew_detach(conn);
        FUZZ_CLAIM((mysql != NULL) == was_lent, "detach");
        if (mysql != NULL) {
            mysql_close(mysql);
        }
    } else {
        const dew_code code =
            ending == RETURNED ? dew_release(conn) : dew_discard(conn);
        FUZZ_CLAIM(code == (was_lent ? DEW_OK : DEW_ESTALE), "a return: %s",
                   dew_code_name(code));
    }
    FUZZ_CLAIM(is_zero(conn), "returned, but something is left");
    if (was_lent) {
        FUZZ_COUNT("returns");
        actor->stale = copy;
    }
}

/* The loan has ended: every call says so and does nothing. */
static void
use_stale(struct actor *actor)
{
    dew_conn copy = actor->stale;
    dew_error error = {0};

    if (actor->calls->pool == NULL || copy.ticket == 0) {
        return; /* what names a pool that is gone may not be used */
    }
    switch (fuzz_u8(&actor->script) % 5) {
    case 0: FUZZ_CLAIM(dew_release(&copy) == DEW_ESTALE, "release"); break;
    case 1: FUZZ_CLAIM(dew_discard(&copy) == DEW_ESTALE, "discard"); break;
    case 2: FUZZ_CLAIM(dew_detach(&copy) == NULL, "detach"); break;
    case 3:
        FUZZ_CLAIM(dew_ping(&copy, &error) == DEW_ESTALE, "ping");
        break;
    default: {
        const dew_code code = dew_deadline(&copy, 5, &error);
        FUZZ_CLAIM(code == DEW_ESTALE || code == DEW_EINVAL, "deadline: %s",
                   dew_code_name(code));
        break;
    }
    }
    FUZZ_COUNT("stale");
}

/* ---- loans are used ---- */

static void
arm(struct actor *actor, dew_conn *conn, int64_t ms)
{
    dew_error error = {0};
    const dew_code code = dew_deadline(conn, ms, &error);

    FUZZ_CLAIM(code == DEW_OK || code == DEW_ECONNECT ||
                   (code == DEW_EINVAL && conn->pool != NULL &&
                    !actor->calls->threads),
               "deadline: %s", dew_code_name(code));
    if (code != DEW_OK) {
        calls_claim_told("deadline", code, &error);
    }
}

static void
read_answer(struct actor *actor, unsigned i, const char *wanted)
{
    MYSQL *const mysql = actor->loans[i].conn.mysql;
    MYSQL_RES *const result = mysql_store_result(mysql);
    const MYSQL_ROW row = result == NULL ? NULL : mysql_fetch_row(result);
    const unsigned lies = atomic_load(&actor->calls->lies);

    if (lies % 2 == 0 && lies == actor->loans[i].lies &&
        !actor->loans[i].dirty && row != NULL) {
        FUZZ_COUNT("answers");
        FUZZ_CLAIM(row[0] != NULL && strcmp(row[0], wanted) == 0,
                   "asked for %s it answers %s", wanted,
                   row[0] == NULL ? "NULL" : row[0]);
    }
    if (result != NULL) {
        mysql_free_result(result);
    }
}

static void
query(struct actor *actor, unsigned i)
{
    dew_conn *const conn = &actor->loans[i].conn;
    char wanted[32], sql[48];

    (void)snprintf(wanted, sizeof wanted, "%" PRIu64 "%02u",
                   (uint64_t)(uintptr_t)actor % 1000000 + 7, i);
    (void)snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted),
                   "%06" PRIu64, ++actor->asked % 1000000);
    (void)snprintf(sql, sizeof sql, "SELECT %s", wanted);
    arm(actor, conn, QUERY_MS);
    if (mysql_query(conn->mysql, sql) == 0 &&
        mysql_field_count(conn->mysql) != 0) {
        read_answer(actor, i, wanted);
    }
    arm(actor, conn, -1);
}

/* What a borrower may leave behind. */
static void
dirty(struct actor *actor, unsigned i)
{
    MYSQL *const mysql = actor->loans[i].conn.mysql;

    actor->loans[i].dirty = true;
    arm(actor, &actor->loans[i].conn, QUERY_MS);
    switch (fuzz_u8(&actor->script) % 6) {
    case 0: (void)mysql_query(mysql, "BEGIN"); break;
    case 1: (void)mysql_query(mysql, "SELECT 1,2"); break;
    case 2: (void)mysql_send_query(mysql, "SELECT 3", 8); break;
    case 3: (void)mysql_select_db(mysql, "elsewhere"); break;
    case 4: (void)mysql_query(mysql, "SET @@autocommit=0"); break;
    default: (void)mysql_query(mysql, "KILL CONNECTION_ID()"); break;
    }
    arm(actor, &actor->loans[i].conn, -1);
}

static void
ping(struct actor *actor, unsigned i)
{
    dew_error error = {0};
    const dew_code code = dew_ping(&actor->loans[i].conn, &error);

    FUZZ_CLAIM(code == DEW_OK || code == DEW_ECONNECT || code == DEW_EQUERY,
               "ping: %s", dew_code_name(code));
    if (code != DEW_OK) {
        calls_claim_told("ping", code, &error);
    }
}

static void
use(struct actor *actor)
{
    const unsigned byte = fuzz_u8(&actor->script);
    const unsigned i = byte % CALLS_LOANS;
    /* Without threads no deadline ends what a lying server never does. */
    const bool may_ask = actor->calls->threads ||
                         atomic_load(&actor->calls->lies) % 2 == 0;

    if (actor->loans[i].conn.ticket == 0 ||
        (byte / CALLS_LOANS % 4 < 2 && !may_ask)) {
        return;
    }
    switch (byte / CALLS_LOANS % 4) {
    case 0: query(actor, i); break;
    case 1: dirty(actor, i); break;
    case 2: ping(actor, i); break;
    default:
        arm(actor, &actor->loans[i].conn, fuzz_u8(&actor->script) % 8 - 1);
        break;
    }
}

/* ---- the pool is steered ---- */

static void
resize(struct actor *actor)
{
    struct calls *const calls = actor->calls;
    const uint32_t size = fuzz_u8(&actor->script) % 6;
    const uint32_t maxsize = fuzz_u8(&actor->script) % 6 + 1;
    unsigned most = atomic_load(&calls->most);
    dew_error error = {0};

    /* Before: from the first moment on there may be as many. */
    while (most < maxsize &&
           !atomic_compare_exchange_weak(&calls->most, &most, maxsize)) {
    }
    const dew_code code = dew_pool_resize(calls->pool, size, maxsize, &error);
    FUZZ_CLAIM(code == DEW_OK || code == DEW_EINVAL ||
                   (code == DEW_ECLOSED && calls->closing),
               "resize: %s", dew_code_name(code));
    if (code != DEW_OK) {
        calls_claim_told("resize", code, &error);
    }
}

static void
log_in_as_another(const struct actor *actor)
{
    dew_error error = {0};
    const dew_code code = dew_pool_set_credentials(actor->calls->pool, "other",
                                                   "word", &error);

    FUZZ_CLAIM(code == DEW_OK ||
                   (code == DEW_ECLOSED && actor->calls->closing),
               "credentials: %s", error.message);
    if (code != DEW_OK) {
        calls_claim_told("credentials", code, &error);
    }
}

static void
tend(const struct actor *actor)
{
    const int64_t ms = dew_pool_tend(actor->calls->pool);

    FUZZ_CLAIM(actor->calls->threads ? ms == -1 : ms >= 0,
               "tend: %" PRId64, ms);
}

static void
check(const struct actor *actor)
{
    dew_error error = {0};
    const dew_code code = dew_pool_check(actor->calls->pool, &error);

    FUZZ_CLAIM(code == DEW_OK || code == DEW_EBUSY, "check: %s",
               error.message);
    FUZZ_COUNT("checks");
}

static void
read_gauges(const struct actor *actor)
{
    dew_stats stats = {.struct_size = (uint32_t)sizeof stats};

    dew_stats_read(actor->calls->pool, &stats);
    if (actor->calls->alone) {
        /* The keeper's own, in its hands for a look, count as lent. */
        FUZZ_CLAIM(actor->calls->threads
                       ? stats.conns_leased >= held(actor)
                       : stats.conns_leased == held(actor),
                   "%u lent, %u held", stats.conns_leased, held(actor));
        FUZZ_CLAIM(stats.waiters == 0, "%u wait, and nobody else is here",
                   stats.waiters);
    }
    FUZZ_CLAIM(stats.conns_leased <= atomic_load(&actor->calls->most),
               "%u lent", stats.conns_leased);
}

static int
look_at_loan(const dew_loan *loan, void *arg)
{
    ++*(unsigned *)arg;
    FUZZ_CLAIM(loan->age_ms >= -10, "%" PRId64 " ms old", loan->age_ms);
    return 0;
}

static void
list_loans(const struct actor *actor)
{
    unsigned count = 0;

    dew_foreach_loan(actor->calls->pool, look_at_loan, &count);
    FUZZ_CLAIM(!actor->calls->alone || count == held(actor), "%u of %u",
               count, held(actor));
}

/* The only actor begins to close, and goes on. */
static void
begin_close(struct actor *actor)
{
    struct calls *const calls = actor->calls;
    dew_error error = {0};

    if (!calls->alone) {
        return;
    }
    const unsigned lent = held(actor);
    const dew_code code = dew_pool_close(calls->pool, DEW_NO_WAIT, &error);
    FUZZ_CLAIM(code == DEW_OK || code == DEW_EBUSY, "close: %s",
               error.message);
    FUZZ_CLAIM(code == DEW_EBUSY || lent == 0, "closed with %u loans", lent);
    FUZZ_COUNT("closes_early");
    calls->closing = true;
    if (code == DEW_OK) {
        calls->pool = NULL;
    }
}

static void
let_server_lie(struct actor *actor)
{
    const uint8_t *from;
    const size_t size =
        fuzz_take(&actor->script, fuzz_u8(&actor->script), &from);

    (void)atomic_fetch_or(&actor->calls->lies, 1u);
    wire_program_begin(fuzz_bytes_of(from, size), -1);
}

static void
let_server_behave(struct actor *actor)
{
    wire_program_end();
    (void)atomic_fetch_or(&actor->calls->lies, 1u);
    (void)atomic_fetch_add(&actor->calls->lies, 1u);
}

static void
steer(struct actor *actor)
{
    dew_pool *const pool = actor->calls->pool;

    switch (fuzz_u8(&actor->script) % 12) {
    case 0: dew_pool_refresh(pool); break;
    case 1: dew_pool_suspend(pool); break;
    case 2: dew_pool_resume(pool); break;
    case 3: resize(actor); break;
    case 4: log_in_as_another(actor); break;
    case 5: tend(actor); break;
    case 6: check(actor); break;
    case 7: read_gauges(actor); break;
    case 8: list_loans(actor); break;
    case 9: begin_close(actor); break;
    case 10: dew_pool_abort(pool); break;
    default: (void)usleep(fuzz_u8(&actor->script) % 4 * 1000u); break;
    }
}

/* ---- the script ---- */

static void
act(struct actor *actor)
{
    const unsigned byte = fuzz_u8(&actor->script);
    const unsigned i = byte / 16 % CALLS_LOANS;

    switch (byte % 16) {
    case 0:
    case 1:
    case 2: borrow(actor, false); break;
    case 3: borrow(actor, true); break;
    case 4:
    case 5: finish(actor, i, RETURNED); break;
    case 6: finish(actor, i, DISCARDED); break;
    case 7: finish(actor, i, DETACHED); break;
    case 8:
    case 9: use(actor); break;
    case 10: use_stale(actor); break;
    case 11: connect_alone(actor); break;
    case 12: let_server_lie(actor); break;
    case 13: let_server_behave(actor); break;
    default: steer(actor); break;
    }
}

void
actor_run(struct actor *actor)
{
    while (fuzz_left(&actor->script) > 0 && actor->calls->pool != NULL) {
        act(actor);
    }
    for (unsigned i = 0; i < CALLS_LOANS; i++) {
        finish(actor, i, RETURNED);
    }
}
