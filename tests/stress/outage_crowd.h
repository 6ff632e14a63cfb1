/* SPDX-License-Identifier: MIT */
/* A crowd of borrowers that lives through an outage and judges what it gets. */
#ifndef DEWPOND_TEST_STRESS_OUTAGE_CROWD_H
#define DEWPOND_TEST_STRESS_OUTAGE_CROWD_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "fixture/outage.h"
#include "fixture/pool_kit.h"
#include "fixture/timing.h"

#define THREADS 200
#define ACQUIRE_MS 1000
#define THINK_MS 100

enum phase { SERVING, LOSING, LOST, COMING_BACK, OVER };

struct worker {
    pthread_t thread;
    unsigned number, asked;
    int64_t first_ns; /* its first answer while COMING_BACK */
    uint64_t sum;     /* acquires that succeeded */
    int account;
};

static dew_pool *pool;
static struct worker workers[THREADS];
static struct timing refused_wall, refused_own;
static order_u32 phase, back, lost, refusals, timeouts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char wrong[512]; /* under the lock: what went wrong first */

static inline void
fault_found(const char *what, const dew_error *error)
{
    (void)pthread_mutex_lock(&lock);
    if (wrong[0] == '\0') {
        (void)snprintf(wrong, sizeof wrong, "%s: %s, %s, %u: %.300s", what,
                       dew_code_name(error->code), dew_stage_name(error->stage),
                       error->mysql_errno, error->message);
    }
    (void)pthread_mutex_unlock(&lock);
}

static inline enum phase
phase_now(void)
{
    return (enum phase)order_load_seq_u32(&phase);
}

static inline void
enter(enum phase next)
{
    order_store_seq_u32(&phase, next);
}

/* --- a borrower ------------------------------------------------------------ */

/* Only its own answer; or the error of a session that is gone. */
static inline bool
ask(struct worker *worker, MYSQL *mysql)
{
    char sql[64], text[LOAN_TEXT], expected[32];
    const dew_error none = {.code = DEW_EQUERY};

    (void)snprintf(expected, sizeof expected, "%u",
                   worker->number * 1000000 + ++worker->asked);
    (void)snprintf(sql, sizeof sql, "SELECT %s + SLEEP(0.01)", expected);
    const char *const answer = loan_ask(mysql, sql, text);
    if (strcmp(answer, expected) == 0) {
        return true;
    }
    if (strcmp(answer, "error 2013") != 0 &&
        strcmp(answer, "error 2006") != 0) {
        fault_found(answer, &none);
    }
    (void)order_add_seq_u32(&lost, 1);
    return false;
}

static inline bool
is_absence(uint32_t number)
{
    return number == 2002 || number == 2003 || number == 2013;
}

static inline void
judge_refusal(const dew_error *error, int64_t began_ns, int64_t wall_ns,
              int64_t kept_off_ns)
{
    const int64_t late_ns = timing_control_ns(began_ns, began_ns + wall_ns);

    (void)order_add_seq_u32(&refusals, 1);
    if (error->code != DEW_ECONNECT || error->stage != DEW_STAGE_CONNECT ||
        !is_absence(error->mysql_errno)) {
        fault_found("refused", error);
    }
    timing_add(&refused_wall, wall_ns);
    timing_add(&refused_own,
               wall_ns - (late_ns > kept_off_ns ? late_ns : kept_off_ns));
}

static inline void
not_served(const dew_error *error)
{
    if (error->code == DEW_ETIMEDOUT) {
        (void)order_add_seq_u32(&timeouts, 1);
    } else if (error->code != DEW_ECONNECT ||
               !is_absence(error->mysql_errno)) {
        fault_found("acquire", error);
    }
}

static inline void
served(struct worker *worker, dew_conn *conn)
{
    const bool answered = ask(worker, conn->mysql);
    const enum phase now = phase_now();

    worker->sum++;
    if (answered && now == COMING_BACK && worker->first_ns == 0) {
        worker->first_ns = clock_now_ns();
        (void)order_add_seq_u32(&back, 1);
    }
    if (dew_release(conn) != DEW_OK) {
        const dew_error none = {.code = DEW_ESTALE};
        fault_found("release", &none);
    }
}

static inline void
borrow_once(struct worker *worker)
{
    dew_conn conn;
    dew_error error = {.code = DEW_OK};
    const enum phase before = phase_now();
    const int64_t kept_off_ns = timing_kept_off_ns(worker->account);
    const int64_t began_ns = clock_now_ns();
    const dew_code code = dew_acquire(pool, ACQUIRE_MS, &conn, &error);
    const int64_t took_ns = clock_now_ns() - began_ns;

    if (code == DEW_OK) {
        served(worker, &conn);
    } else {
        not_served(&error);
    }
    if (before == LOST && phase_now() == LOST) {
        judge_refusal(&error, began_ns, took_ns,
                      timing_kept_off_ns(worker->account) - kept_off_ns);
    }
}

static inline void *
work(void *arg)
{
    struct worker *const worker = arg;

    worker->account = timing_account();
    while (phase_now() != OVER) {
        const struct timespec think = {
            .tv_nsec =
                (long)random_below((uint64_t)THINK_MS * CLOCK_NS_PER_MS)};

        borrow_once(worker);
        (void)nanosleep(&think, NULL);
    }
    (void)close(worker->account);
    mysql_thread_end();
    return NULL;
}

/* What the crowd shall find, and how it comes. */
static inline void
crowd_begin(void)
{
    order_store_seq_u32(&back, 0);
    order_store_seq_u32(&lost, 0);
    order_store_seq_u32(&refusals, 0);
    order_store_seq_u32(&timeouts, 0);
    wrong[0] = '\0';
    timing_begin(&refused_wall);
    timing_begin(&refused_own);
    enter(SERVING);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i + 1};
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
}

/* All of them have gone; how many loans they had. */
static inline uint64_t
crowd_end(void)
{
    uint64_t sum = 0;

    enter(OVER);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        sum += workers[i].sum;
    }
    return sum;
}

#endif
