/* SPDX-License-Identifier: MIT */
/* What the parts of `dewpond storm` share: options, workers, exit codes. */
#ifndef DEWPOND_TOOLS_STORM_H
#define DEWPOND_TOOLS_STORM_H

#include "latency.h"
#include "mishaps.h"
#include "owners.h"

#include <dewpond.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum storm_exit {
    STORM_FINE = 0,
    STORM_WRONG = 1,   /* a wrong answer, a shared session, dirt left over */
    STORM_USAGE = 2,   /* the command line was refused */
    STORM_TROUBLE = 3, /* no server, or errors on the way */
};

enum { STORM_UNSET = -1 }; /* a number or a choice that was not given */

struct storm_options {
    char *uri, *host, *user, *password, *database, *socket, *query;
    int64_t port, threads, seconds, queries, size, maxsize, timeout_ms;
    int64_t hold_us, dirty, discard, reset; /* reset: a dew_reset */
    bool quiet, help, version;
};

struct storm_worker {
    struct storm *storm;
    pthread_t thread;
    uint32_t number;
    uint64_t random;
    char *text;     /* the query of this iteration */
    uint64_t nonce; /* known to this thread and iteration only */
    struct latency wait, query;
    struct mishaps mishaps;
    /* Written by the worker, read by the watcher for the live line: relaxed,
     * a number that is late by an instant misleads nobody. */
    _Atomic uint64_t queries, errors, wrong, shared, dirt, unwatched;
};

struct storm {
    const struct storm_options *options;
    dew_pool *pool;
    struct owners *owners;
    struct storm_worker **workers;
    uint32_t worker_count;
    uint64_t salt;   /* parts the nonces of this run from those of another */
    bool has_nonce;  /* the query asks for one: answers are checked */
    bool compare_id; /* ids are compared where we ask CONNECTION_ID() */
    int bell[2];     /* a byte: the last worker left, or SIGINT came */
    atomic_uint running;
    atomic_uint complaints; /* wrong answers told in full so far */
    atomic_bool stop;
    uint64_t began_ns, ended_ns;
    char server[64];
};

/* storm_options.c: fills *options; false after a message on stderr. */
bool storm_options_read(struct storm_options *options, int argc, char **argv);
void storm_options_free(struct storm_options *options);
void storm_options_help(void);

/* storm_pool.c: opens the pool the options describe and borrows once, to
 * learn who answers. STORM_FINE, or a message on stderr and the exit code. */
enum storm_exit storm_pool_open(struct storm *storm);

/* storm_ask.c: the room a worker's query needs, with the final NUL. */
size_t storm_ask_room(const char *query);
/* The query a storm asks when --query is not given. */
extern const char storm_ask_default[];
extern const char storm_ask_placeholder[];
/* Asks worker->nonce on the borrowed handle, checks the answer, counts it. */
void storm_ask(struct storm_worker *worker, MYSQL *mysql);
/* Looks for what an earlier borrower left, and leaves something. */
void storm_ask_witness(struct storm_worker *worker, MYSQL *mysql);
void storm_ask_soil(struct storm_worker *worker, MYSQL *mysql);

/* storm_worker.c: the life of one thread; the argument is a storm_worker. */
void *storm_worker_main(void *argument);

/* storm_report.c */
struct storm_pace {
    uint64_t last_ns, last_queries;
};
void storm_report_head(const struct storm *storm);
void storm_report_live(const struct storm *storm, struct storm_pace *pace,
                       bool rewrite);
/* Prints the table (not with --quiet) and the verdict. */
enum storm_exit storm_report_end(const struct storm *storm);

/* dewpond.c: one line on stdout. */
void dewpond_print_version(void);

/* storm.c: `dewpond storm`; argv without the program and the word storm. */
enum storm_exit storm_main(int argc, char **argv);

static inline void
storm_count(_Atomic uint64_t *counter)
{
    /* relaxed, and no read-modify-write: each counter has one writer */
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
        memory_order_relaxed);
}

#endif
