/* SPDX-License-Identifier: MIT */
/* How often a server that refuses us is tried: one prober, backoff, slow start. */
/*
 * CLOSED: as many openings at once as connects_max allows. A failed connect
 * opens the breaker: no opening until the backoff is over (10 ms, doubled to
 * 5 s, with full jitter), then one. A success lets one more in flight, and
 * another with each further success, so that recovery is no storm.
 *
 * A server that came back is of use to those who ask for it: while borrowers
 * wait or are refused, the backoff ends within 1 s (class RETRY only), with
 * full jitter over that second. Nobody asks: up to 5 s.
 *
 * Errors come in three classes: STOP (wrong password, no such database: more
 * tries will not help; one in 4 to 5 s, and borrowers are told at once),
 * CROWDED (the server has no room: back off four times as far), and RETRY (all
 * others).
 *
 * A failure is news for 5 s. When a try has come due by then, and nobody wanted
 * one, it is forgotten: whoever comes after a long quiet waits for a new try,
 * as at the beginning, and is not told what was true an hour ago.
 *
 * Guarded by a mutex: every touch of it stands beside a connect.
 */
#ifndef DEWPOND_KEEPER_BREAKER_H
#define DEWPOND_KEEPER_BREAKER_H

#include <dewpond.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct breaker {
    pthread_mutex_t lock;
    pthread_mutex_t telling; /* who tells the pond of it; before lock */
    uint32_t window_max;  /* connects_max */
    int64_t fail_fast_ns; /* INT64_MAX: never fail fast */
    /* Guarded by lock. */
    uint32_t window;          /* openings at once now */
    uint32_t tries;           /* connects under way */
    uint64_t forgotten;       /* how often breaker_forget was called */
    uint64_t failures;        /* since it was last closed */
    int64_t failing_since_ns; /* INT64_MAX: not failing */
    int64_t next_try_ns;      /* INT64_MAX: no try is due */
    int64_t asked_try_ns;     /* the latest, if somebody asks; as above */
    bool stopped;             /* the last error was of class STOP */
    bool broken;              /* as it was last told */
    dew_error error;          /* the last one */
    int64_t error_ns;
};

/* What the pool must do: the window, and whether whoever could only be served
 * by a new session fails at once. */
struct breaker_verdict {
    uint32_t window;
    bool broken;
};

void breaker_init(struct breaker *breaker, uint32_t window_max,
                  int64_t fail_fast_ns);
void breaker_destroy(struct breaker *breaker);

/* The events. After each of them the verdict is to be told to the pond; not so
 * after a success that changed nothing (false), which most are. `begun` is what
 * breaker_try_begins said, or BREAKER_NO_TRY: a try that is older than what was
 * forgotten since tells nothing of the server as it is known now. */
#define BREAKER_NO_TRY UINT64_MAX
void breaker_failed(struct breaker *breaker, uint64_t begun,
                    const dew_error *error, int64_t now_ns);
bool breaker_succeeded(struct breaker *breaker);
/* What was known of the server does not count any more (other credentials):
 * the next try may begin at once. */
void breaker_forget(struct breaker *breaker);
/* Around a connect, with its success or failure in between. */
uint64_t breaker_try_begins(struct breaker *breaker);
void breaker_try_ends(struct breaker *breaker);
/* Called by the keeper when breaker_due_ns has come. */
void breaker_due(struct breaker *breaker, int64_t now_ns);
/* Somebody waits, or was refused: true if the next try is due earlier for that,
 * and whoever waits for breaker_due_ns must look at it again. */
bool breaker_asked(struct breaker *breaker);
/* When breaker_due is to be called next; INT64_MAX: not at all. A moment whose
 * verdict was told is over. */
int64_t breaker_due_ns(struct breaker *breaker);

/* The verdict of now. Between begin and end nobody else tells one, so that an
 * older verdict is never told after a newer one. */
struct breaker_verdict breaker_tell_begin(struct breaker *breaker,
                                          int64_t now_ns);
void breaker_tell_end(struct breaker *breaker);

/* The last error and its age in ms, while failing. False: all is well. */
bool breaker_error(struct breaker *breaker, int64_t now_ns, dew_error *error,
                   int64_t *age_ms);

#endif
