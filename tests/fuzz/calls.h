/* SPDX-License-Identifier: MIT */
/* A pool that actors call in an order that the input says. */
#ifndef DEWPOND_TEST_FUZZ_CALLS_H
#define DEWPOND_TEST_FUZZ_CALLS_H

#include <dewpond.h>
#include <stdatomic.h>

#include "fuzz/fuzz.h"

#define CALLS_NAME "fuzz"
#define CALLS_LOANS 4 /* of one actor */
#define CALLS_ACTORS 3
/* How late a call may be on a busy machine. */
#define CALLS_LATE_MS 5000

/* What all actors of a run share. */
struct calls {
    dew_pool *pool; /* NULL: closed, by the only actor there is */
    const dew_config *config;
    bool alone;                /* one actor: gauges are exact */
    bool threads;              /* the pool has its own */
    bool closing;              /* the only actor began to close it */
    atomic_uint most;          /* the largest maxsize there was */
    /* While it is odd the server's replies are made of the input; an answer
     * counts when nothing was of it since before its loan. */
    atomic_uint lies;
};

struct actor {
    struct calls *calls;
    struct fuzz_bytes script;
    struct {
        dew_conn conn;
        unsigned lies; /* as it was before the loan */
        bool dirty;    /* its borrower has spoilt its own answers */
    } loans[CALLS_LOANS];
    dew_conn stale; /* a copy of a loan that has ended */
    uint64_t asked;
};

/* Acts until the script ends, and returns what is held. */
void actor_run(struct actor *actor);

/* An error that a call gave. */
void calls_claim_told(const char *call, dew_code code, const dew_error *error);
int64_t calls_now_ms(void);

#endif
