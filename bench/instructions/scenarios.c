/* SPDX-License-Identifier: MIT */
/* Fixed scenarios for counting instructions: `scenarios NAME`, under callgrind. */
/*
 * Everything happens in one thread, without a keeper (DEW_NO_THREADS), so that
 * the same binary executes the same instructions each time. What is counted is
 * what `measured` calls; callgrind collects inside of it only. The server is
 * the stand-in; where an answer of it is needed it is awaited outside.
 */
#define _GNU_SOURCE 1
#include <dewpond.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 640 /* ten times what a sampled clock repeats after */
#define WARM_UP 128
#define PAIR 2

struct scene {
    dew_pool *pool;
    dew_conn conns[PAIR];
};

struct scenario {
    const char *name;
    dew_reset reset;
    uint32_t size, handoff_after_ms;
    int pairs; /* of borrow and return, in one step */
    void (*prepare)(struct scene *scene);
    void (*step)(struct scene *scene);
    void (*tidy)(struct scene *scene);
};

static void
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

static void
borrow_first(struct scene *scene)
{
    borrow(scene, 0);
}

static void
give_back_first(struct scene *scene)
{
    give_back(scene, 0);
}

/* ---- one session, nothing sent ---- */

static void
idle_pair(struct scene *scene)
{
    borrow(scene, 0);
    give_back(scene, 0);
}

static void
named_pair(struct scene *scene)
{
    insist(dew_acquire_named("counted", DEW_NO_WAIT, &scene->conns[0],
                             NULL) == DEW_OK,
           "no session by name");
    give_back(scene, 0);
}

/* Two out at once: one rests in the warm slot, one on the stack behind it. */
static void
two_pairs(struct scene *scene)
{
    borrow(scene, 0);
    borrow(scene, 1);
    give_back(scene, 0);
    give_back(scene, 1);
}

/* ---- one that was used, as far as its handle tells ---- */

static void
touched_pair(struct scene *scene)
{
    borrow(scene, 0);
    scene->conns[0].mysql->net.pkt_nr = 2;
    give_back(scene, 0);
}

/* ---- one that was used and is reset ---- */

static int
bytes_waiting(MYSQL *mysql)
{
    int bytes = 0;
    insist(ioctl((int)mysql_get_socket(mysql), FIONREAD, &bytes) == 0,
           "no socket");
    return bytes;
}

static void
pause_ms(long ms)
{
    const struct timespec length = {0, ms * 1000000};
    (void)nanosleep(&length, NULL);
}

static void
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

static void
use_and_give_back(struct scene *scene)
{
    use_session(scene);
    given_back = scene->conns[0].mysql;
    give_back(scene, 0);
    await_answer(given_back);
}

static void
await_given_back(struct scene *scene)
{
    (void)scene;
    await_answer(given_back);
}

static void
give_back_used(struct scene *scene)
{
    given_back = scene->conns[0].mysql;
    give_back(scene, 0);
}

/* ---- nothing at rest ---- */

static void
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

static void
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

static void
end_wait(struct scene *scene)
{
    (void)scene;
    insist(pthread_join(waiter, NULL) == 0, "no end of a thread");
}

/* ---- the table ---- */

static const struct scenario scenarios[] = {
    {"idle_pair", DEW_RESET_AUTO, 2, 0, 1, NULL, idle_pair, NULL},
    {"named_pair", DEW_RESET_AUTO, 2, 0, 1, NULL, named_pair, NULL},
    {"two_pairs", DEW_RESET_AUTO, 2, 0, 2, NULL, two_pairs, NULL},
    {"touched_pair", DEW_RESET_NEVER, 2, 0, 1, NULL, touched_pair, NULL},
    {"return_with_reset", DEW_RESET_AUTO, 1, 0, 1, use_session,
     give_back_used, await_given_back},
    {"borrow_after_reset", DEW_RESET_AUTO, 1, 0, 1, use_and_give_back,
     borrow_first, give_back_first},
    {"refused", DEW_RESET_AUTO, 1, 0, 1, borrow_first, refused,
     give_back_first},
    {"return_to_a_waiter", DEW_RESET_AUTO, 1, DEW_ZERO, 1, begin_wait,
     give_back_first, end_wait},
    {"return_that_wakes", DEW_RESET_AUTO, 1, DEW_OFF, 1, begin_wait,
     give_back_first, end_wait},
};

/* Its calls are what callgrind collects: it must stay a function. */
__attribute__((noinline, noclone)) void
measured(const struct scenario *scenario, struct scene *scene);

void
measured(const struct scenario *scenario, struct scene *scene)
{
    scenario->step(scene);
}

static void
play(const struct scenario *scenario, struct scene *scene, int rounds,
     int counts)
{
    for (int i = 0; i < rounds; i++) {
        if (scenario->prepare != NULL) {
            scenario->prepare(scene);
        }
        if (counts) {
            measured(scenario, scene);
        } else {
            scenario->step(scene);
        }
        if (scenario->tidy != NULL) {
            scenario->tidy(scene);
        }
    }
}

/* The first one it may use: where it runs decides which shard comes first. */
static void
stay_on_one_cpu(void)
{
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    insist(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "no CPUs");
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            CPU_SET(cpu, &one);
        }
    }
    (void)sched_setaffinity(0, sizeof one, &one);
}

static int
perform(const struct scenario *scenario, const char *socket)
{
    dew_config config = DEW_CONFIG_INIT;
    dew_error error;
    struct scene scene = {.pool = NULL};
    const int rounds = scenario->prepare == NULL ? ROUNDS : ROUNDS / 10;
    config.name = "counted";
    config.unix_socket = socket;
    config.user = "app";
    config.flags = DEW_NO_THREADS;
    config.size = config.maxsize = config.pre_create = scenario->size;
    config.reset = scenario->reset;
    config.handoff_after_ms = scenario->handoff_after_ms;
    /* Slow as it is under valgrind, it must not look at rested sessions. */
    config.bypass_ms = 60000;
    if (dew_pool_open(&scene.pool, &config, &error) != DEW_OK) {
        fprintf(stderr, "scenarios: %s\n", error.message);
        return 1;
    }
    play(scenario, &scene, scenario->prepare == NULL ? WARM_UP : 4, 0);
    play(scenario, &scene, rounds, 1);
    printf("%d\n", rounds * scenario->pairs);
    return dew_pool_close(scene.pool, 5000, NULL) != DEW_OK;
}

int
main(int argc, char **argv)
{
    stay_on_one_cpu();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (argc == 3 && strcmp(argv[1], scenarios[i].name) == 0) {
            return perform(&scenarios[i], argv[2]);
        }
        if (argc == 1) {
            puts(scenarios[i].name);
        }
    }
    return argc != 1;
}
