/* SPDX-License-Identifier: MIT */
/* The pool as the keeper and the api see it: the core and those who serve it. */
/*
 * WHO OWNS WHAT. The pool owns its pond, its settings, its threads and its
 * bells; a slot owns its session. A pool is freed by the close that returns
 * DEW_OK, and by nobody else.
 *
 * THREADS. Openers (at most connects_max, started one by one when there is
 * work) connect. The keeper hangs up, retires, fills up and lets a failing
 * server be tried again. Neither is started with DEW_NO_THREADS: then
 * borrowers open for themselves and keeper_tend is called by dew_pool_tend.
 */
#ifndef DEWPOND_KEEPER_POOL_H
#define DEWPOND_KEEPER_POOL_H

#include "base/bell.h"
#include "base/forked.h"
#include "base/seldom.h"
#include "base/settings.h"
#include "core/pond.h"
#include "core/registry.h"
#include "keeper/breaker.h"
#include "keeper/credentials.h"
#include "keeper/farewell.h"
#include "keeper/late.h"
#include "keeper/leaks.h"
#include "keeper/role.h"
#include "keeper/server.h"
#include "keeper/tick.h"

#define OPENERS_MAX 64

struct openers {
    struct bell bell;        /* an order was placed */
    struct poll_bell cancel; /* rung by close: connects in flight give up */
    /* The keeper's (or open's and close's, when no keeper runs). */
    uint32_t started;
    pthread_t threads[OPENERS_MAX];
    struct seldom thread_line; /* errors of threads that do not start */
};

struct dew_pool {
    struct pond pond; /* first: it has the strictest alignment */
    struct registry_entry entry;
    order_u32 generation;      /* the process whose core this is: rebirth.h */
    struct tick tick;          /* the time, for borrowers */
    uint64_t bypass_ms; /* of lease_begin_quickly; 0: never; never changes */
    struct settings *settings; /* owner: the pool; never changes */
    bool threaded;             /* not DEW_NO_THREADS; never changes */
    bool listed;               /* in the registry; open's and close's */
    order_u32 floor;           /* sessions the keeper holds at least */
    struct credentials credentials;

    /* From here on, and the pond: a forked child makes its own. */
    struct breaker breaker;
    struct farewells farewells; /* the keeper's */
    struct lates lates;         /* what nobody borrows meanwhile */
    struct openers openers;
    struct server_news server;
    struct role role;
    struct session_lore *lore; /* of the servers that it met */

    pthread_t keeper;        /* valid while keeper_runs */
    bool keeper_runs;        /* open's and close's */
    struct poll_bell work;   /* the keeper shall look */
    struct bell progress;    /* for open and close: something moved */
    order_u32 stopping;      /* threads shall end */
    order_u32 closer;        /* 1: a close is at work */
    pthread_mutex_t reshaping; /* one resize at a time */
    order_u32 tender;        /* 1: somebody tends a pool without threads */
    order_u32 hurry;         /* 1: the next sweep is due at once */
    struct pond_stuck stuck; /* the keeper's */
    int64_t next_sweep_ns;   /* the keeper's */
    uint32_t sweeps;         /* the keeper's rounds so far */
    struct leaks leaks;      /* the keeper's */
    struct seldom slow_line; /* warnings of borrows that took long */
    struct seldom nest_line; /* and of those that could stop each other */
};

static inline dew_pool *
pool_of_entry(struct registry_entry *entry)
{
    return (dew_pool *)(void *)((char *)entry - offsetof(dew_pool, entry));
}

static inline int64_t
pool_now_ns(const dew_pool *pool)
{
    return park_now_ns(pool->pond.plan.parker);
}

#endif
