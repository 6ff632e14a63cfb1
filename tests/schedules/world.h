/* SPDX-License-Identifier: MIT */
/* A pond, its helpers and its witnesses: what the scenarios are made of. */
#ifndef TESTS_SCHEDULES_WORLD_H
#define TESTS_SCHEDULES_WORLD_H

#include "core/pond.h"
#include "sched.h"

#define WORLD_SLOTS 4
#define WORLD_NEVER INT64_MAX
#define WORLD_MS INT64_C(1000000)
#define WORLD_TRIES 16

/* A counter that can be slept on, as the keeper's bells are. */
struct world_bell {
    uint32_t rung;
};

/* One try to join the line: from when to when it was under way, and, if it was
 * not refused, the wait that followed. */
struct world_try {
    uint32_t from, to; /* moments; to 0: still */
    bool refused;      /* the line was full */
};

struct world {
    struct pond pond;
    struct pond_plan plan;
    struct world_bell ordered, retired, shutting;
    uint32_t owner[WORLD_SLOTS];         /* a thread + 1; 0: nobody's */
    bool put_late[WORLD_SLOTS];          /* after the shut or the suspension */
    bool stale[WORLD_SLOTS];             /* older than a refresh on arrival */
    struct waiter *node[SCHED_THREADS];  /* of a wait that is going on */
    uint32_t incarnation[SCHED_THREADS]; /* of that node, then */
    uint32_t joined[SCHED_THREADS]; /* when, as a number; 0: does not wait */
    uint32_t joins;
    struct world_try tries[WORLD_TRIES]; /* to join, in no order */
    uint32_t tried, moments;
    uint32_t section[SCHED_THREADS]; /* the number of the last one */
    bool reads[SCHED_THREADS];       /* and whether it is open */
    uint32_t depth[SCHED_THREADS];   /* sections nest */
    uint32_t cpu[SCHED_THREADS];
    uint32_t cpus;
    uint32_t cast;          /* threads that have a part */
    uint32_t live;          /* sessions that exist */
    uint32_t most;          /* and never more than these */
    uint32_t keeps;         /* so many in the end; 0: whatever the limit is */
    uint32_t rounds;        /* of the keeper over what rests */
    bool hurry;             /* the keeper shall look at what rests */
    bool trusts_grants;     /* nobody asks pond_may_lend */
    bool spins; /* who finds nothing spins before he joins */
    uint32_t opens_to_fail; /* the next so many connects */
    bool shut, suspended;   /* pond_raise has returned */
    bool still;             /* and who missed the suspension is done */
    bool drained;           /* the closer saw it: no call begins any more */
    bool ended;             /* freed: nobody may touch it */
};

extern struct world world;

/* --- setup ---------------------------------------------------------------- */

/* A plan with no limits in the way: no burst, no age, one opening at once. */
struct pond_plan world_plan(uint32_t size, uint32_t maxsize);
void world_begin(const struct pond_plan *plan);
/* A session at rest in the shard of this CPU. */
void world_rest_one(uint32_t cpu);
/* A session that the world holds: LEASED. */
struct slot *world_lease_one(void);
void world_opener_daemon(void);
void world_keeper_daemon(void);

/* --- what a borrower does --------------------------------------------------- */

struct world_wish {
    /* From the clock's start on; 0: does not wait, but orders a session. */
    int64_t deadline_ns;
    int64_t since_ns;          /* likewise: when the borrow began */
    bool only_new, comes_back; /* go to wait at once */
};
/* The whole borrow. Checks that it was allowed to succeed. */
enum pond_end world_borrow(const struct world_wish *wish, struct slot **slot);
void world_return(struct slot *slot);
/* Nobody was turned away while there was room in the line. */
void world_inspect_tries(void);
void world_retire(struct slot *slot);
/* Asked with what was got outside a section. False: it was put back. */
bool world_lends(struct slot *slot);
/* Opens what the caller may open; counts it. False: it failed. */
bool world_connect(struct slot *slot);
void world_own(struct slot *slot);
void world_disown(struct slot *slot);

void world_raise(uint64_t flag);
void world_lower(uint64_t flag);
/* As dew_pool_suspend: nobody is lent anything from its return on. */
void world_suspend(void);
/* As dew_pool_resize; the keeper daemon is rung. */
void world_resize(uint32_t size, uint32_t maxsize);
/* Close: shut, drain, hang up, wait for all, and free. */
void world_close(void);

uint32_t world_look(const struct world_bell *bell);
void world_wait(struct world_bell *bell, uint32_t seen);

/* --- the end ---------------------------------------------------------------- */

/* Nobody runs any more: every invariant of a pond at rest. */
void world_inspect(void);

#define WORLD_CHECK(true_thing, what)                                          \
    do {                                                                       \
        if (!(true_thing)) {                                                   \
            sched_fail(what);                                                  \
        }                                                                      \
    } while (0)

#endif
