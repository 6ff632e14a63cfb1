/* SPDX-License-Identifier: MIT */
/* The deadline of a loan: armed, stopped, and ended. */
#include "keeper/deadline_inside.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/mutant.h"
#include "session/session.h"

void
deadline_free(struct deadline *deadline)
{
    assert(!deadline->listed);
    if (deadline->cut.fd >= 0) {
        (void)watchdog_disarm(&deadline->cut);
    }
    forked_close(&deadline->shared);
    if (deadline->snapshot != NULL) {
        credentials_drop(deadline->credentials, deadline->snapshot);
    }
    memory_free(deadline);
}

dew_code
deadline_arm(struct deadline **deadline, const struct deadline_plan *plan,
             dew_error *error)
{
    struct deadline *made = NULL;

    if (session_socket(plan->session) < 0) {
        return error_set(error, DEW_ECONNECT, DEW_STAGE_QUERY,
                         "the session was lost; release it and borrow another");
    }
    made = memory_zeroed(sizeof(*made));
    if (made == NULL) {
        return error_no_memory(error, DEW_STAGE_QUERY, "a deadline");
    }
    made->settings = plan->settings;
    made->credentials = plan->credentials;
    made->server_thread = session_server_thread(plan->session);
    made->passes_ns = made->due_ns = clock_deadline_after_ms(plan->after_ms);
    made->cut.fd = -1;
    made->socket =
        forked_duplicate(&made->shared, session_socket(plan->session));
    if (made->socket < 0 ||
        !watchdog_arm(&made->cut, made->socket,
                      clock_deadline_from(made->passes_ns,
                                          plan->settings->kill_timeout_ms))) {
        const int failed = errno;

        deadline_free(made);
        return error_system(error, DEW_STAGE_QUERY, failed,
                            "no descriptor or timer for a deadline");
    }
    if (plan->credentials != NULL) {
        made->snapshot = credentials_hold(plan->credentials);
    }
    const int failed = deadline_start(made);
    if (failed != 0) {
        deadline_free(made);
        return error_system(error, DEW_STAGE_QUERY, failed,
                            "the deadline's thread cannot be started");
    }
    *deadline = made;
    return DEW_OK;
}

/* The lock is held. Until the KILL that is on its way is answered, or the time. */
static void
await_kill(struct deadline *deadline, int64_t until_ns)
{
    while (deadline->state == KILLING && clock_now_ns() < until_ns) {
        deadline_wait_moved(until_ns);
    }
}

/* The lock is held. Whoever is in the list is taken out of it, and no KILL will
 * be sent for it. */
static void
call_off(struct deadline *deadline)
{
    if (deadline->state == ARMED) {
        deadline_unlink(deadline);
        /* The thread may be late: the watchdog is not. */
        deadline->state = watchdog_disarm(&deadline->cut) ? FAILED : STOPPED;
    }
    if (deadline->state == CONFIRMED) {
        deadline_unlink(deadline);
        deadline->state = STOPPED;
    }
}

/* What deadline_stop tells. It stays only if that is false and it is `kept`. All
 * under one lock: a KILL that is answered meanwhile puts it back into the list. */
static bool
end(struct deadline *deadline, int64_t wait_ms, bool kept)
{
    const int64_t until_ns = clock_deadline_after_ms(wait_ms);

    deadline_lock();
    if (MUTANT(35) && deadline->state == KILLING) { deadline->state = ORPHANED; deadline_unlock(); return true; }
    await_kill(deadline, until_ns);
    call_off(deadline);
    if (MUTANT(69)) { deadline_unlock(); race_point("deadline.late"); deadline_lock(); }
    const bool looks = deadline->state == LOOKING;
    const bool over = looks || deadline->state == STOPPED;
    const bool gone = over || !kept;
    const bool busy = looks || deadline->state == KILLING;
    if (gone && busy) {
        deadline->state = ORPHANED; /* the thread frees it, and cuts nothing */
    }
    deadline_unlock();
    if (gone && !busy) {
        deadline_free(deadline);
    }
    return over;
}

bool
deadline_stop(struct deadline **deadline, int64_t wait_ms)
{
    if (*deadline == NULL) {
        return true;
    }
    const bool over = end(*deadline, wait_ms, true);
    if (over) {
        *deadline = NULL;
    }
    return over;
}

bool
deadline_end(struct deadline *deadline, int64_t wait_ms)
{
    return deadline == NULL || end(deadline, wait_ms, false);
}
