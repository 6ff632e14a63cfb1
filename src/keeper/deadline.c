/* SPDX-License-Identifier: MIT */
/* The deadlines that are armed, and the thread that sends KILL QUERY. */
#include "keeper/deadline.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "base/forked.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "base/watchdog.h"
#include "session/session.h"

enum deadline_state { ARMED, KILLING, STOPPED, FAILED, ORPHANED };

struct deadline {
    struct deadline *next, *previous; /* while ARMED */
    enum deadline_state state;
    int64_t due_ns;
    unsigned long server_thread;
    int socket; /* our duplicate of the loan's socket */
    struct forked_socket shared; /* and a child must not have it */
    struct watchdog_timer cut;
    const struct settings *settings;
    struct credentials *credentials;
    struct credentials_snapshot *snapshot; /* held; NULL: none */
};

/* Everything below is guarded by the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved; /* monotonic */
static uint32_t generation;  /* the process that all this belongs to */
static struct deadline *armed;
static const struct settings *killing_with; /* NULL: no KILL is on its way */
static uint32_t users;
static bool runs, ending;
static pthread_t thread;

/* In a child: the deadlines belong to loans that are stale here, their timers
 * were the watchdog's, their sockets are gone (base/forked.h). */
static void
start_afresh(uint32_t now)
{
    generation = now;
    armed = NULL;
    killing_with = NULL;
    users = 0;
    runs = ending = false;
    /* Never destroyed first: it may remember a sleeper that is not here. */
    cond_init(&moved);
}

static void
lock_list(void)
{
    const uint32_t now = forked_generation();

    (void)pthread_mutex_lock(&lock);
    if (generation != now) {
        start_afresh(now);
    }
}

static void
unlock_list(void)
{
    (void)pthread_mutex_unlock(&lock);
}

void
deadline_fork_begins(void)
{
    (void)pthread_mutex_lock(&lock);
}

void
deadline_fork_ends(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void
wait_moved(int64_t until_ns)
{
    cond_wait_until(&moved, &lock, until_ns);
}

/* --- the list ---------------------------------------------------------------- */

static void
link_armed(struct deadline *deadline)
{
    deadline->previous = NULL;
    deadline->next = armed;
    if (armed != NULL) {
        armed->previous = deadline;
    }
    armed = deadline;
}

static void
unlink_armed(struct deadline *deadline)
{
    if (deadline->previous != NULL) {
        deadline->previous->next = deadline->next;
    } else {
        armed = deadline->next;
    }
    if (deadline->next != NULL) {
        deadline->next->previous = deadline->previous;
    }
}

static struct deadline *
earliest(void)
{
    struct deadline *found = armed;

    for (struct deadline *at = armed; at != NULL; at = at->next) {
        if (at->due_ns < found->due_ns) {
            found = at;
        }
    }
    return found;
}

static void
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

/* --- the thread ------------------------------------------------------------------ */

static bool
kill_now(const struct deadline *deadline)
{
    const struct settings *settings = deadline->snapshot != NULL
                                          ? deadline->snapshot->settings
                                          : deadline->settings;
    const struct io_limit limit = {
        clock_deadline_after_ms(settings->ping_timeout_ms), -1};
    dew_error error = {.code = DEW_OK};

    if (session_kill_query(settings, deadline->server_thread, &limit, &error)) {
        return true;
    }
    log_line(settings, LOG_WARNING,
             "a query past its deadline could not be killed (%s): its "
             "socket is cut",
             error.message);
    (void)shutdown(deadline->socket, SHUT_RDWR);
    return false;
}

/* The lock is held at entry and return, not while the server is asked. */
static void
stop_query(struct deadline *deadline)
{
    unlink_armed(deadline);
    deadline->state = KILLING;
    killing_with = deadline->settings;
    unlock_list();
    const bool killed = kill_now(deadline);
    /* Confirmed: the borrower may go on with the session. */
    const bool was_cut = watchdog_disarm(&deadline->cut);
    deadline->cut.fd = -1;
    lock_list();
    if (deadline->state == ORPHANED) {
        deadline_free(deadline);
    } else {
        deadline->state = killed && !was_cut ? STOPPED : FAILED;
    }
    killing_with = NULL;
    (void)pthread_cond_broadcast(&moved);
}

static void *
killer_main(void *arg)
{
    (void)arg;
    lock_list();
    while (!ending) {
        struct deadline *next = earliest();

        if (next == NULL) {
            wait_moved(CLOCK_NEVER);
        } else if (clock_now_ns() < next->due_ns) {
            wait_moved(next->due_ns);
        } else {
            stop_query(next);
        }
    }
    unlock_list();
    return NULL;
}

void
deadline_forget(const struct settings *settings)
{
    lock_list();
    while (killing_with == settings) {
        wait_moved(CLOCK_NEVER);
    }
    unlock_list();
}

void
deadline_use(void)
{
    lock_list();
    users++;
    unlock_list();
}

void
deadline_unuse(void)
{
    lock_list();
    /* Who counts himself in and out while it ends is not the one to join it. */
    const bool last = --users == 0 && runs && !ending;
    const pthread_t old = thread;
    if (last) {
        ending = true;
        (void)pthread_cond_broadcast(&moved);
    }
    unlock_list();
    if (!last) {
        return;
    }
    race_point("deadline.ending");
    (void)pthread_join(old, NULL);
    lock_list();
    ending = runs = false;
    (void)pthread_cond_broadcast(&moved);
    unlock_list();
}

/* --- arming and ending ------------------------------------------------------------- */

/* The lock is held. 0 or an errno value. */
static int
ensure_thread(void)
{
    while (ending) {
        wait_moved(CLOCK_NEVER);
    }
    if (runs) {
        return 0;
    }
    const int failed = thread_start(&thread, "dew-deadline", killer_main, NULL);
    runs = failed == 0;
    return failed;
}

static int
start(struct deadline *deadline)
{
    lock_list();
    const int failed = ensure_thread();
    if (failed == 0) {
        link_armed(deadline);
        (void)pthread_cond_broadcast(&moved);
    }
    unlock_list();
    return failed;
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
    made->due_ns = clock_deadline_after_ms(plan->after_ms);
    made->cut.fd = -1;
    made->socket = session_dup_socket(plan->session);
    if (made->socket >= 0) {
        forked_note(&made->shared, made->socket);
    }
    if (made->socket < 0 ||
        !watchdog_arm(&made->cut, made->socket,
                      clock_deadline_from(made->due_ns,
                                          plan->settings->kill_timeout_ms))) {
        const int failed = errno;

        deadline_free(made);
        return error_system(error, DEW_STAGE_QUERY, failed,
                            "no descriptor or timer for a deadline");
    }
    if (plan->credentials != NULL) {
        made->snapshot = credentials_hold(plan->credentials);
    }
    const int failed = start(made);
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
    lock_list();
    if (MUTANT(35) && stopped->state == KILLING) { stopped->state = ORPHANED; unlock_list(); *deadline = NULL; return true; }
    while (stopped->state == KILLING && clock_now_ns() < until_ns) {
        wait_moved(until_ns);
    }
    if (stopped->state == ARMED) {
        unlink_armed(stopped);
        /* The thread may be late: the watchdog is not. */
        stopped->state = watchdog_disarm(&stopped->cut) ? FAILED : STOPPED;
    }
    const bool over = stopped->state == STOPPED;
    unlock_list();
    if (over) {
        deadline_free(stopped);
        *deadline = NULL;
    }
    return over;
}

bool
deadline_end(struct deadline *deadline, int64_t wait_ms)
{
    if (deadline_stop(&deadline, wait_ms)) {
        return true;
    }
    lock_list();
    const bool busy = deadline->state == KILLING;
    if (busy) {
        deadline->state = ORPHANED;
    }
    unlock_list();
    if (!busy) {
        deadline_free(deadline);
    }
    return false;
}
