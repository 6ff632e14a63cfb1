/* SPDX-License-Identifier: MIT */
/* The steps of the scenarios: borrows, returns, and what is awaited outside. */
#define _GNU_SOURCE 1
#include "scenarios.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void
insist(int is_right, const char *what)
{
    if (!is_right) {
        fprintf(stderr, "scenarios: %s\n", what);
        exit(1);
    }
}

static void
borrow(struct scene *scene, int which)
{
    insist(dew_acquire(scene->pool, DEW_WAIT_FOREVER, &scene->conns[which],
                       NULL) == DEW_OK,
           "no session");
}

static void
give_back(struct scene *scene, int which)
{
    insist(dew_release(&scene->conns[which]) == DEW_OK, "no loan");
}

void
borrow_first(struct scene *scene)
{
    borrow(scene, 0);
}

void
give_back_first(struct scene *scene)
{
    give_back(scene, 0);
}

/* ---- one session, nothing sent ---- */

void
idle_pair(struct scene *scene)
{
    borrow(scene, 0);
    give_back(scene, 0);
}

void
named_pair(struct scene *scene)
{
    insist(dew_acquire_named("counted", DEW_NO_WAIT, &scene->conns[0],
                             NULL) == DEW_OK,
           "no session by name");
    give_back(scene, 0);
}

/* Two out at once: one rests in the warm slot, one on the stack behind it. */
void
two_pairs(struct scene *scene)
{
    borrow(scene, 0);
    borrow(scene, 1);
    give_back(scene, 0);
    give_back(scene, 1);
}

/* ---- one that was used, as far as its handle tells ---- */

void
touched_pair(struct scene *scene)
{
    borrow(scene, 0);
    scene->conns[0].mysql->net.pkt_nr = 2;
    give_back(scene, 0);
}

/* ---- one that was used and is reset ---- */

static int
socket_of(MYSQL *mysql)
{
#if defined(MARIADB_BASE_VERSION) || defined(MARIADB_PACKAGE_VERSION_ID)
    return (int)mysql_get_socket(mysql);
#else
    return (int)mysql->net.fd;
#endif
}

static int
bytes_waiting(MYSQL *mysql)
{
    int bytes = 0;
    insist(ioctl(socket_of(mysql), FIONREAD, &bytes) == 0, "no socket");
    return bytes;
}

static void
pause_ms(long ms)
{
    const struct timespec length = {0, ms * 1000000};
    (void)nanosleep(&length, NULL);
}

void
use_session(struct scene *scene)
{
    borrow(scene, 0);
    insist(mysql_query(scene->conns[0].mysql, "DO 1") == 0, "no query");
}

/* Until all of the answer is here: it comes in one piece or in several, and
 * how often it is looked for must not count. */
static void
await_answer(MYSQL *mysql)
{
    int before = -1, now = 0;
    while (now == 0 || now != before) {
        before = now;
        pause_ms(2);
        now = bytes_waiting(mysql);
    }
}

static MYSQL *given_back;

void
use_and_give_back(struct scene *scene)
{
    use_session(scene);
    given_back = scene->conns[0].mysql;
    give_back(scene, 0);
    await_answer(given_back);
}

void
await_given_back(struct scene *scene)
{
    (void)scene;
    await_answer(given_back);
}

void
give_back_used(struct scene *scene)
{
    given_back = scene->conns[0].mysql;
    give_back(scene, 0);
}

/* ---- nothing at rest ---- */

void
refused(struct scene *scene)
{
    insist(dew_acquire(scene->pool, DEW_NO_WAIT, &scene->conns[1], NULL) ==
               DEW_ETIMEDOUT,
           "a session where there is none");
}

/* ---- somebody waits ---- */

static pthread_t waiter;
static _Atomic pid_t waiter_id;

static void *
wait_for_one(void *arg)
{
    struct scene *const scene = arg;
    const struct sched_param none = {.sched_priority = 0};
    /* On the same CPU, and it does not push the one aside who wakes it: what
     * the return does after the wake does not depend on the waiter then. */
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    waiter_id = gettid();
    borrow(scene, 1);
    give_back(scene, 1);
    return NULL;
}

static uint32_t
waiters_of(struct scene *scene)
{
    dew_stats stats = {.struct_size = sizeof stats};
    dew_stats_read(scene->pool, &stats);
    return stats.waiters;
}

/* Whether it is in a futex call; valgrind's own lock is a read of a pipe. */
static int
is_asleep(pid_t thread)
{
    char path[64];
    long call = -1;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/syscall",
                   (int)thread);
    FILE *const file = fopen(path, "r");
    if (file != NULL) {
        (void)!fscanf(file, "%ld", &call);
        (void)fclose(file);
    }
    return call == SYS_futex;
}

void
begin_wait(struct scene *scene)
{
    waiter_id = 0;
    borrow(scene, 0);
    insist(pthread_create(&waiter, NULL, wait_for_one, scene) == 0,
           "no thread");
    while (waiters_of(scene) == 0 || !is_asleep(waiter_id)) {
        pause_ms(1);
    }
}

void
end_wait(struct scene *scene)
{
    (void)scene;
    insist(pthread_join(waiter, NULL) == 0, "no end of a thread");
}
