/* SPDX-License-Identifier: MIT */
/* The deadline of a loan: armed, moved, and disarmed. */
#include "api/guard.h"
#include "base/reclaim.h"
#include "core/loose.h"
#include "keeper/deadline.h"
#include "keeper/rebirth.h"
#include "session/session.h"

/* A KILL that is on its way when the borrower disarms: its confirmation. */
#define DISARM_WAIT_MS 1000

/* A loan, of a pool or not, as deadlines see it. */
struct subject {
    struct deadline_plan plan;
    struct deadline *current;
    struct slot *slot; /* NULL: a connection without a pool */
};

static bool
find_loose(uint64_t ticket, struct subject *subject)
{
    struct loose loose;

    if (!loose_find(ticket, &loose)) {
        return false;
    }
    subject->plan.session = loose.session;
    subject->plan.settings = loose.settings;
    subject->current = loose.deadline;
    return true;
}

static bool
find_pooled(const dew_conn *conn, struct subject *subject)
{
    dew_pool *pool = conn->pool;

    if (!pool_is_mine(pool)) {
        return false;
    }
    reclaim_read_begin();
    struct slot *slot = pond_find(&pool->pond, conn->ticket);
    if (slot == NULL) {
        tally_add(&pool->pond.tallies.stale_returns);
    } else {
        subject->slot = slot;
        subject->plan.session = slot->session;
        subject->plan.settings = pool->settings;
        subject->plan.credentials = &pool->credentials;
        subject->current = slot->deadline;
    }
    reclaim_read_end();
    return slot != NULL;
}

static void
set_current(const dew_conn *conn, const struct subject *subject,
            struct deadline *deadline)
{
    if (subject->slot != NULL) {
        subject->slot->deadline = deadline;
        subject->slot->care |= SLOT_DEADLINE;
    } else {
        loose_set_deadline(conn->ticket, deadline);
    }
}

static dew_code
rearm(const dew_conn *conn, struct subject *subject, dew_error *error)
{
    struct deadline *fresh = NULL;

    /* What failed stays with the loan, or its return would trust the session. */
    if (!deadline_stop(&subject->current, DISARM_WAIT_MS)) {
        return error_set(error, DEW_ECONNECT, DEW_STAGE_QUERY,
                         "the deadline had passed and the session was lost; "
                         "release it and borrow another");
    }
    set_current(conn, subject, NULL);
    if (subject->plan.after_ms < 0) {
        return DEW_OK;
    }
    const dew_code code = deadline_arm(&fresh, &subject->plan, error);
    set_current(conn, subject, fresh);
    return code;
}

dew_code
dew_deadline(dew_conn *conn, int64_t ms, dew_error *error)
{
    struct subject subject = {.plan = {.after_ms = ms}};

    if (conn == NULL) {
        return guard_null(conn, "conn", error);
    }
    const dew_code refused = guard_callback(conn->pool, error);
    if (refused != DEW_OK) {
        return refused;
    }
    if (conn->pool != NULL && !conn->pool->threaded) {
        return error_set(error, DEW_EINVAL, DEW_STAGE_QUERY,
                         "a deadline needs a thread, and the pool was opened "
                         "with DEW_NO_THREADS");
    }
    if (conn->ticket == 0 ||
        !(conn->pool == NULL ? find_loose(conn->ticket, &subject)
                             : find_pooled(conn, &subject))) {
        return error_set(error, DEW_ESTALE, DEW_STAGE_QUERY,
                         "this loan was returned before");
    }
    return rearm(conn, &subject, error);
}
