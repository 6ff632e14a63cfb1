/* SPDX-License-Identifier: MIT */
/* A soak: a storm that lasts, on a server and a pool that change under it. */
/*
 * One thread directs: it restarts and freezes the server, reshapes the pool,
 * and three times lets everybody rest, to see whether the counters add up and
 * how much memory is in use. The rest is the storm of tests/fixture.
 */
#ifndef DEWPOND_TEST_SOAK_H
#define DEWPOND_TEST_SOAK_H

#include "fixture/storm_kit.h"

#define SOAK_FLOOR 4 /* sessions that the pool keeps: pre_create */
#define SOAK_TOP 48  /* it is never resized beyond these */
/* A borrower waits 30 s at most, and they all bring back what they have. */
#define SOAK_REST_MS 90000

struct soak_plan {
    uint64_t seed;
    uint32_t minutes, threads;
};
/* False: *plan is not to be used; what is wrong is on stderr. */
bool soak_options(struct soak_plan *plan, int argc, char **argv);

/* --- what the director does (soak_director.c, soak_reshape.c) ----------------- */

struct soak_director {
    struct storm *storm;
    uint64_t random;
    int64_t begun_ns;
    int64_t round_ms;
    uint32_t restarts, freezes, reshapes, resizes;
};

void soak_config(dew_config *config);
/* Gives user app its second password. */
void soak_prepare_user(struct test_server *server);
/* Directs until `ms` after the beginning. */
void soak_direct(struct soak_director *director, int64_t until_ms);
/* One change of the pool: first each kind of them in turn, then by chance. */
void soak_reshape(struct soak_director *director);
/* How often each kind happened; NULL, or a kind that never did. */
const char *soak_report_reshapes(void);
int64_t soak_elapsed_ms(const struct soak_director *director);

/* --- rest, and what must hold then (soak_rest.c, soak_laws.c) --------------------- */

/* Everybody rests, all counters add up, all sessions are new; memory is read
 * as `when` (0, 1, 2: start, middle, end); then the storm goes on. */
void soak_rest(struct soak_director *director, uint32_t when);
/* Waits until the counters of pool and borrowers agree; false: a failure. */
bool soak_laws_hold(struct storm *storm);
/* After the end: each thing that is counted has happened. */
void soak_everything_happened(struct storm *storm, const dew_stats *stats);

/* --- memory (soak_memory.c) ------------------------------------------------------- */

struct soak_memory {
    uint64_t resident, in_use; /* bytes; in_use 0: this allocator tells none */
};
struct soak_memory soak_memory_now(void);
/* A reading at rest, with what is free given back to the system. */
void soak_memory_read(uint32_t when);
/* NULL: flat from the middle to the end; or what grew. */
const char *soak_memory_verdict(void);

/* --- a line every five seconds (soak_progress.c) ------------------------------------- */

/* A thread's main; arg is the director. Ends with the storm. */
void *soak_progress(void *arg);
dew_stats soak_stats(const struct storm *storm);

#endif
