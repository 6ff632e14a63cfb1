/* SPDX-License-Identifier: MIT */
/* Cuts sockets whose time is up: timers and shutdown(2), nothing else. */
/*
 * WHAT. A list of running timers under one mutex, and one thread that sleeps
 * until the earliest of them. The list is short (one timer for each I/O step
 * that runs right now) and unsorted: arming is O(1), the scan belongs to the
 * thread.
 *
 * WHO OWNS WHAT. A timer belongs to its caller, its duplicate to us from arm
 * to disarm. The thread touches both only under the mutex, and disarm takes
 * the mutex to unlink: after disarm the thread can reach neither.
 *
 * SLEEP. `sleeps_until` is what the thread has set out to sleep for. Arming
 * wakes it only for an earlier deadline; disarming never does. So the thread
 * may wake for a timer that is gone: it looks, finds nothing, and sleeps on.
 *
 * END. The last unuse bumps `generation`; a thread whose generation is over
 * leaves, and is joined outside the mutex. An arm that comes meanwhile starts
 * a thread of the new generation: two may overlap, the mutex keeps them apart.
 *
 * FORK. The prepare handler holds the mutex, under which duplicates are made,
 * listed and closed: so the child gets a list in order, and no duplicate that is
 * not in it, but of a socket that was cut. It has no thread of ours: it closes
 * the duplicates that it inherited and starts afresh. A child of a bare clone(2) runs no handlers
 * and is recognised by its pid.
 */
#define _GNU_SOURCE 1
#include "base/watchdog.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "base/socket.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* an earlier deadline, or a generation's end */
    /* All below: under the mutex. */
    struct watchdog_timer timers; /* the head of a ring */
    int64_t sleeps_until;
    uint64_t generation;
    unsigned users;
    bool running; /* `thread` is of this generation, not joined yet */
    pthread_t thread;
    pid_t pid; /* the process that this state belongs to */
} dog = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t dog_once = PTHREAD_ONCE_INIT;
static bool dog_installed; /* written in the once, constant after it */

static void
unlink_timer(struct watchdog_timer *timer)
{
    timer->previous->next = timer->next;
    timer->next->previous = timer->previous;
    timer->next = timer;
    timer->previous = timer;
}

static void
link_timer(struct watchdog_timer *timer)
{
    timer->next = &dog.timers;
    timer->previous = dog.timers.previous;
    timer->previous->next = timer;
    dog.timers.previous = timer;
}

static void
start_afresh(void)
{
    dog.timers.next = &dog.timers;
    dog.timers.previous = &dog.timers;
    dog.sleeps_until = CLOCK_NEVER;
    dog.generation++;
    dog.users = 0;
    dog.running = false;
    dog.pid = getpid();
    /* Never destroyed first: in a child it may remember a sleeper that does
     * not exist there, and destroying would wait for it. */
    cond_init(&dog.changed);
}

/* The timers lie in frames of threads that the child does not have; their
 * memory is a copy that nobody else uses. */
static void
abandon_parent(void)
{
    while (dog.timers.next != &dog.timers) {
        struct watchdog_timer *const timer = dog.timers.next;
        unlink_timer(timer);
        (void)close(timer->fd);
        timer->fd = -1;
    }
    start_afresh();
}

static void
before_fork(void)
{
    (void)pthread_mutex_lock(&dog.mutex);
}

static void
after_fork_in_parent(void)
{
    (void)pthread_mutex_unlock(&dog.mutex);
}

static void
after_fork_in_child(void)
{
    abandon_parent();
    (void)pthread_mutex_unlock(&dog.mutex);
}

static void
init_dog(void)
{
    start_afresh();
    dog_installed = thread_at_fork(before_fork, after_fork_in_parent,
                                   after_fork_in_child);
}

bool
watchdog_init(void)
{
    (void)pthread_once(&dog_once, init_dog);
    return dog_installed;
}

static void
lock_dog(void)
{
    (void)watchdog_init();
    (void)pthread_mutex_lock(&dog.mutex);
    if (dog.pid != getpid()) {
        abandon_parent();
    }
}

static void
unlock_dog(void)
{
    (void)pthread_mutex_unlock(&dog.mutex);
}

/* Cuts what is due; returns the earliest deadline of the rest. */
static int64_t
cut_due(int64_t now_ns)
{
    int64_t earliest = CLOCK_NEVER;
    struct watchdog_timer *timer = dog.timers.next;

    while (timer != &dog.timers) {
        struct watchdog_timer *const next = timer->next;
        if (timer->deadline_ns <= now_ns) {
            (void)shutdown(timer->fd, SHUT_RDWR);
            timer->fired = true;
            unlink_timer(timer);
        } else if (timer->deadline_ns < earliest) {
            earliest = timer->deadline_ns;
        }
        timer = next;
    }
    return earliest;
}

static void
sleep_until(int64_t deadline_ns)
{
    dog.sleeps_until = deadline_ns;
    cond_wait_until(&dog.changed, &dog.mutex, deadline_ns);
}

static void *
watch(void *arg)
{
    const uint64_t generation = (uint64_t)(uintptr_t)arg;

    (void)pthread_mutex_lock(&dog.mutex);
    while (dog.generation == generation) {
        const int64_t earliest = cut_due(clock_now_ns());
        sleep_until(earliest);
    }
    (void)pthread_mutex_unlock(&dog.mutex);
    return NULL;
}

/* Under the mutex. False, and errno: no thread. */
static bool
start_thread(void)
{
    if (dog.running) {
        return true;
    }
    const int failed = thread_start(&dog.thread, "dew-watchdog", watch,
                                    (void *)(uintptr_t)dog.generation);
    dog.running = failed == 0;
    if (failed != 0) {
        errno = failed;
    }
    return dog.running;
}

void
watchdog_use(void)
{
    lock_dog();
    dog.users++;
    unlock_dog();
}

void
watchdog_unuse(void)
{
    bool join = false;
    pthread_t thread;

    lock_dog();
    /* A child may still count out what its parent counted in. */
    if (dog.users > 0 && --dog.users == 0) {
        join = dog.running;
        thread = dog.thread;
        dog.running = false;
        dog.generation++;
        dog.sleeps_until = CLOCK_NEVER;
        (void)pthread_cond_broadcast(&dog.changed);
    }
    unlock_dog();
    if (join) {
        (void)pthread_join(thread, NULL);
    }
}

bool
watchdog_arm(struct watchdog_timer *timer, int socket_fd, int64_t deadline_ns)
{
    timer->next = timer;
    timer->previous = timer;
    timer->deadline_ns = deadline_ns;
    timer->fired = false;
    timer->fd = -1;
    if (deadline_ns == CLOCK_NEVER) {
        return true;
    }
    lock_dog();
    const int duplicate = socket_duplicate(socket_fd);
    if (MUTANT(72)) { unlock_dog(); race_point("watchdog.duplicated"); lock_dog(); }
    race_point("watchdog.duplicated");
    const bool watched = duplicate >= 0 && start_thread();
    if (watched) {
        timer->fd = duplicate;
        link_timer(timer);
        if (MUTANT(47)) { unlock_dog(); return true; }
        if (deadline_ns < dog.sleeps_until) {
            dog.sleeps_until = deadline_ns;
            (void)pthread_cond_broadcast(&dog.changed);
        }
    }
    if (!watched && duplicate >= 0) {
        (void)close(duplicate);
    }
    unlock_dog();
    return watched;
}

bool
watchdog_disarm(struct watchdog_timer *timer)
{
    if (timer->fd < 0) {
        return timer->fired;
    }
    lock_dog();
    unlink_timer(timer);
    const int duplicate = timer->fd;
    timer->fd = -1;
    race_point("watchdog.closing");
    if (duplicate >= 0) {
        (void)close(duplicate);
    }
    unlock_dog();
    return timer->fired;
}
