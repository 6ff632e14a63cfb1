/* SPDX-License-Identifier: MIT */
/* The deadline of a loan: armed, stopped, and ended. */
#include "keeper/deadline_inside.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/mutant.h"
#include "session/session.h"

void
deadline_free(struct deadline *deadline)
{
    if (deadline->cut.fd >= 0) {
        (void)watchdog_disarm(&deadline->cut);
    }
    if (deadline->socket >= 0) {
        forked_forget(&deadline->shared);
        (void)close(deadline->socket);
    }
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
    made->socket = session_dup_socket(plan->session);
    if (made->socket >= 0) {
        forked_note(&made->shared, made->socket);
    }
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

bool
deadline_stop(struct deadline **deadline, int64_t wait_ms)
{
    const int64_t until_ns = clock_deadline_after_ms(wait_ms);
    struct deadline *stopped = *deadline;

    if (stopped == NULL) {
        return true;
    }
    deadline_lock();
    if (MUTANT(35) && stopped->state == KILLING) { stopped->state = ORPHANED; deadline_unlock(); *deadline = NULL; return true; }
    while (stopped->state == KILLING && clock_now_ns() < until_ns) {
        deadline_wait_moved(until_ns);
    }
    if (stopped->state == ARMED) {
        deadline_unlink(stopped);
        /* The thread may be late: the watchdog is not. */
        stopped->state = watchdog_disarm(&stopped->cut) ? FAILED : STOPPED;
    }
    if (stopped->state == CONFIRMED) {
        deadline_unlink(stopped);
        stopped->state = STOPPED;
    }
    const bool looks = stopped->state == LOOKING;
    if (looks) {
        stopped->state = ORPHANED; /* the thread frees it, and cuts nothing */
    }
    const bool over = looks || stopped->state == STOPPED;
    deadline_unlock();
    if (over) {
        *deadline = NULL;
    }
    if (over && !looks) {
        deadline_free(stopped);
    }
    return over;
}

bool
deadline_end(struct deadline *deadline, int64_t wait_ms)
{
    if (deadline_stop(&deadline, wait_ms)) {
        return true;
    }
    deadline_lock();
    const bool busy = deadline->state == KILLING;
    if (busy) {
        deadline->state = ORPHANED;
    }
    deadline_unlock();
    if (!busy) {
        deadline_free(deadline);
    }
    return false;
}
