/* SPDX-License-Identifier: MIT */
/* The thread that sends KILL QUERY, and looks later whether that has helped. */
#include "keeper/deadline_inside.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "base/thread.h"

/* Everything below is guarded by the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved; /* monotonic */
static uint32_t generation;  /* the process that all this belongs to */
static struct deadline *armed;
static const struct settings *asking_with; /* NULL: no server is asked */
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
    asking_with = NULL;
    users = 0;
    runs = ending = false;
    /* Never destroyed first: it may remember a sleeper that is not here. */
    cond_init(&moved);
}

void
deadline_lock(void)
{
    const uint32_t now = forked_generation();

    (void)pthread_mutex_lock(&lock);
    if (generation != now) {
        start_afresh(now);
    }
}

void
deadline_unlock(void)
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

void
deadline_wait_moved(int64_t until_ns)
{
    cond_wait_until(&moved, &lock, until_ns);
}

/* --- the list ---------------------------------------------------------------- */

static void
link_to_list(struct deadline *deadline)
{
    deadline->previous = NULL;
    deadline->next = armed;
    if (armed != NULL) {
        armed->previous = deadline;
    }
    armed = deadline;
    deadline->listed = true;
}

void
deadline_unlink(struct deadline *deadline)
{
    if (deadline->previous != NULL) {
        deadline->previous->next = deadline->next;
    } else {
        armed = deadline->next;
    }
    if (deadline->next != NULL) {
        deadline->next->previous = deadline->previous;
    }
    deadline->listed = false;
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

/* What began later than the deadline by more than that is told apart, also by a
 * server that tells whole seconds. */
#define UNSURE_MS 1000

/* --- the thread ------------------------------------------------------------------ */

/* The lock is held at entry and return of both, not while the server is asked:
 * then it may become ORPHANED, and nothing else. */
static void
begin_to_ask(struct deadline *deadline, enum deadline_state state)
{
    deadline_unlink(deadline);
    deadline->state = state;
    asking_with = deadline->settings;
    deadline_unlock();
}

/* The lock is held from here on. False: the loan has ended meanwhile, and what
 * the server said is nobody's any more. */
static bool
is_still_wanted(struct deadline *deadline)
{
    deadline_lock();
    if (deadline->state == ORPHANED) {
        deadline_free(deadline);
        return false;
    }
    return true;
}

static void
done_asking(void)
{
    asking_with = NULL;
    (void)pthread_cond_broadcast(&moved);
}

/* Under the lock, so that who stops it now learns of it; but nothing is logged
 * under a lock. The settings stay until done_asking, the deadline may not. */
static void
cut(struct deadline *deadline, const dew_error *refusal)
{
    const struct settings *const settings = deadline->settings;

    deadline->state = FAILED;
    (void)shutdown(deadline->socket, SHUT_RDWR);
    (void)pthread_cond_broadcast(&moved);
    deadline_unlock();
    deadline_tell_cut(settings, refusal);
    deadline_lock();
}

static void
wait_confirmed(struct deadline *deadline, int64_t ms)
{
    deadline->state = CONFIRMED;
    deadline->due_ns = clock_deadline_after_ms(ms);
    link_to_list(deadline);
}

static void
stop_query(struct deadline *deadline)
{
    dew_error error = {.code = DEW_OK};

    begin_to_ask(deadline, KILLING);
    const bool killed = deadline_kill(deadline, &error);
    /* Confirmed: the borrower may go on with the session. */
    const bool was_cut = watchdog_disarm(&deadline->cut);
    deadline->cut.fd = -1;
    const bool wanted = is_still_wanted(deadline);
    if (wanted && !killed) {
        cut(deadline, &error);
    } else if (wanted && was_cut) {
        deadline->state = FAILED;
    } else if (wanted) {
        if (MUTANT(62)) { deadline->state = STOPPED; done_asking(); return; }
        wait_confirmed(deadline, deadline->settings->ping_timeout_ms);
    }
    done_asking();
}

/* Confirmed a while ago: has it helped? */
static void
look_again(struct deadline *deadline)
{
    begin_to_ask(deadline, LOOKING);
    const enum session_progress progress = deadline_progress(deadline);
    const bool wanted = is_still_wanted(deadline);
    if (wanted && progress == SESSION_UNSURE) {
        deadline->unsure = true;
        wait_confirmed(deadline, UNSURE_MS);
    } else if (wanted && progress == SESSION_MOVED_ON) {
        deadline->state = STOPPED;
    } else if (wanted) {
        cut(deadline, NULL);
    }
    done_asking();
}

static void *
killer_main(void *arg)
{
    (void)arg;
    deadline_lock();
    while (!ending) {
        struct deadline *next = earliest();

        if (next == NULL) {
            deadline_wait_moved(CLOCK_NEVER);
        } else if (clock_now_ns() < next->due_ns) {
            deadline_wait_moved(next->due_ns);
        } else if (next->state == ARMED) {
            stop_query(next);
        } else {
            look_again(next);
        }
    }
    deadline_unlock();
    return NULL;
}

void
deadline_forget(const struct settings *settings)
{
    deadline_lock();
    while (asking_with == settings) {
        deadline_wait_moved(CLOCK_NEVER);
    }
    deadline_unlock();
}

void
deadline_use(void)
{
    deadline_lock();
    users++;
    deadline_unlock();
}

void
deadline_unuse(void)
{
    deadline_lock();
    /* Who counts himself in and out while it ends is not the one to join it. */
    const bool last = --users == 0 && runs && !ending;
    const pthread_t old = thread;
    if (last) {
        ending = true;
        (void)pthread_cond_broadcast(&moved);
    }
    deadline_unlock();
    if (!last) {
        return;
    }
    race_point("deadline.ending");
    (void)pthread_join(old, NULL);
    deadline_lock();
    ending = runs = false;
    (void)pthread_cond_broadcast(&moved);
    deadline_unlock();
}

/* The lock is held. 0 or an errno value. */
static int
ensure_thread(void)
{
    while (ending) {
        deadline_wait_moved(CLOCK_NEVER);
    }
    if (runs) {
        return 0;
    }
    const int failed = thread_start(&thread, "dew-deadline", killer_main, NULL);
    runs = failed == 0;
    return failed;
}

int
deadline_start(struct deadline *deadline)
{
    deadline_lock();
    const int failed = ensure_thread();
    if (failed == 0) {
        link_to_list(deadline);
        (void)pthread_cond_broadcast(&moved);
    }
    deadline_unlock();
    return failed;
}
