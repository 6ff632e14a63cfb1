/* SPDX-License-Identifier: MIT */
/* Puts the old core aside and builds the new one, one caller at a time. */
#include "keeper/rebirth.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "base/thread.h"
#include "base/watchdog.h"
#include "core/loose.h"
#include "keeper/build.h"
#include "keeper/deadline.h"
#include "keeper/keeper.h"

/* A core that an ancestor's threads were at work in: kept, so that everything
 * it owns stays reachable, and never looked at again. */
struct relic {
    dew_pool was; /* first: it has the strictest alignment */
    struct relic *older;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct relic *relics; /* guarded by the lock; for leak checkers only */

/* --- handlers -------------------------------------------------------------------- */

/* A lock that is held over a call which takes another one comes first. */
static void
before_fork(void)
{
    (void)pthread_mutex_lock(&lock);
    deadline_fork_begins();
    credentials_fork_begins();
    loose_fork_begins();
    forked_fork_begins();
}

static void
after_fork(void)
{
    forked_fork_ends();
    loose_fork_ends();
    credentials_fork_ends();
    deadline_fork_ends();
    (void)pthread_mutex_unlock(&lock);
}

static void
after_fork_in_child(void)
{
    forked_child_begins();
    after_fork();
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool installed; /* written in the once, constant after it */

/* Prepare handlers run last to first: those of the registry, of liburcu and of
 * the watchdog are older, their locks are taken after ours. */
static void
install(void)
{
    forked_init();
    installed = watchdog_init() && registry_init() &&
                thread_at_fork(before_fork, after_fork, after_fork_in_child);
}

bool
rebirth_init(void)
{
    (void)pthread_once(&once, install);
    return installed;
}

/* --- the new core ------------------------------------------------------------------ */

void
rebirth_stamp(dew_pool *pool)
{
    const uint32_t generation = forked_generation();

    /* ORDER rebirth.1 release <-> forked.1: the core is whole before. */
    order_store_release_u32(&pool->generation, generation);
}

#define OWN_PART offsetof(dew_pool, breaker)

/* All that is a core's. What outlives it is not even written: look-ups by name
 * read some of it meanwhile. */
static void
copy_core(dew_pool *to, const dew_pool *from)
{
    memcpy((void *)&to->pond, (const void *)&from->pond, sizeof(to->pond));
    memcpy((char *)to + OWN_PART, (const char *)from + OWN_PART,
           sizeof(*to) - OWN_PART);
}

static void
clear_core(dew_pool *pool)
{
    memset((void *)&pool->pond, 0, sizeof(pool->pond));
    memset((char *)pool + OWN_PART, 0, sizeof(*pool) - OWN_PART);
}

static dew_code
start(dew_pool *pool, dew_error *error)
{
    const int failed = pool->threaded ? keeper_start(pool) : 0;

    if (failed == 0) {
        return DEW_OK;
    }
    pool_unbuild(pool);
    return error_system(error, DEW_STAGE_CONFIG, failed,
                        "the keeper's thread cannot be started");
}

/* The pool's own promises hold in the child as well: closing stays closing. */
static void
raise_again(dew_pool *pool, uint64_t flags)
{
    if (MUTANT(37)) { return; }
    if (flags != 0) {
        pond_raise(&pool->pond, flags);
    }
}

/* Its threads use all of this at once, so they come last. */
static dew_code
build_and_start(dew_pool *pool, uint64_t flags, const struct pond_sizes *sizes,
                dew_error *error)
{
    credentials_inherit(&pool->credentials);
    watchdog_use();
    deadline_use();
    dew_code code = pool_build(pool, sizes, error);
    if (code == DEW_OK) {
        raise_again(pool, flags);
        code = start(pool, error);
    }
    if (code != DEW_OK) {
        deadline_unuse();
        watchdog_unuse();
    }
    return code;
}

/* The old core is a relic from now on. Its bells may be closed: nobody rings
 * them here, and the parent has descriptors of its own. */
static void
keep(struct relic *relic)
{
    poll_bell_destroy(&relic->was.work);
    poll_bell_destroy(&relic->was.openers.cancel);
    relic->older = relics;
    relics = relic;
}

/* Under the lock. After a failure the old core is back, for the next try. */
static dew_code
rebuild(dew_pool *pool, dew_error *error)
{
    const uint64_t flags =
        pond_flags(&pool->pond) & (POND_CLOSING | POND_SUSPENDED);
    /* Replaced as a whole and freed later: it was whole at the fork. */
    const struct pond_sizes sizes = pond_sizes(&pool->pond);
    struct relic *relic = memory_zeroed_lines(sizeof(*relic));

    if (relic == NULL) {
        return error_no_memory(error, DEW_STAGE_CONFIG,
                               "a pool in a forked child");
    }
    copy_core(&relic->was, pool);
    clear_core(pool);
    const dew_code code = build_and_start(pool, flags, &sizes, error);
    if (code != DEW_OK) {
        copy_core(pool, &relic->was);
        memory_free(relic);
        return code;
    }
    keep(relic);
    rebirth_stamp(pool);
    return DEW_OK;
}

dew_code
rebirth(dew_pool *pool, dew_error *error)
{
    dew_code code = DEW_OK;

    reclaim_expect_outside("rebirth");
    (void)forked_generation();
    (void)pthread_mutex_lock(&lock);
    if (!pool_is_mine(pool)) {
        code = rebuild(pool, error);
    }
    (void)pthread_mutex_unlock(&lock);
    return code;
}

/* The ancestor's pool of that name, or NULL. Under the lock, without which it
 * could be closed once it is ours. */
static dew_pool *
find_inherited(const char *name)
{
    dew_pool *pool = NULL;

    reclaim_read_begin();
    struct registry_entry *entry = registry_find(name);
    if (entry != NULL && !pool_is_mine(pool_of_entry(entry))) {
        pool = pool_of_entry(entry);
    }
    reclaim_read_end();
    return pool;
}

/* Whoever was opening it is not in this process. */
static bool
forget_unready(dew_pool *pool)
{
    const bool unready = pond_has(&pool->pond, POND_UNREADY);

    if (unready) {
        registry_remove(&pool->entry);
    }
    return unready;
}

dew_code
rebirth_named(const char *name, dew_error *error)
{
    dew_code code = DEW_OK;

    (void)forked_generation();
    (void)pthread_mutex_lock(&lock);
    dew_pool *pool = find_inherited(name);
    if (pool != NULL && !forget_unready(pool)) {
        code = rebuild(pool, error);
    }
    (void)pthread_mutex_unlock(&lock);
    return code;
}

bool
rebirth_forget(const char *name)
{
    (void)forked_generation();
    (void)pthread_mutex_lock(&lock);
    dew_pool *pool = find_inherited(name);
    const bool forgotten = pool != NULL && forget_unready(pool);
    (void)pthread_mutex_unlock(&lock);
    return forgotten;
}
