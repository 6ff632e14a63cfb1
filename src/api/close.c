/* SPDX-License-Identifier: MIT */
/* Closing a pool: nobody new, wait for loans, hang up, leave nothing. */
#include "api/guard.h"
#include "api/guest.h"
#include "api/pool_life.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "base/socket.h"
#include "keeper/keeper.h"
#include "keeper/lease.h"
#include "keeper/rebirth.h"
#include "session/session.h"

/* What the pool itself still does after the grace: hanging up, and connects
 * that were told to give up. Only name resolution can take longer. */
#define OWN_LIMIT_MS 5000
/* Without threads, how long one look for closing servers takes. */
#define TEND_MS 10

static void
shut(dew_pool *pool)
{
    if (pool->listed) {
        registry_remove(&pool->entry);
        pool->listed = false;
    }
    pond_raise(&pool->pond, POND_CLOSING);
    poll_bell_ring(&pool->openers.cancel);
    /* Whose answer is late is not waited for. */
    poll_bell_ring(&pool->work);
}

/* Everything that rests goes to the keeper, every order back. */
static void
drain(dew_pool *pool)
{
    struct slot *slot;

    reclaim_read_begin();
    while ((slot = pond_drain(&pool->pond)) != NULL) {
        slot->parting = SESSION_FAREWELL;
        lease_drop(pool, slot);
    }
    while ((slot = pond_next_order(&pool->pond)) != NULL) {
        if (MUTANT(21)) { continue; }
        pond_open_failed(&pool->pond, slot);
    }
    reclaim_read_end();
}

/* Not who looks at a session before it is lent, nor the keeper: they are done
 * in no time that a grace would have to cover. */
static uint32_t
count_loans(const dew_pool *pool)
{
    const uint32_t slots = pond_slot_count(&pool->pond);
    struct pond_loan loan;
    uint32_t count = 0;

    for (uint32_t i = 0; i < slots; i++) {
        count += pond_loan_at(&pool->pond, i, &loan);
    }
    return count;
}

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Drained, and still so after a grace period: a call that found the pool
 * before it shut may come as a guest until its section ends. */
static bool
is_drained_for_good(dew_pool *pool)
{
    if (!pond_is_drained(&pool->pond)) {
        return false;
    }
    if (MUTANT(26)) { return true; }
    reclaim_wait_readers();
    return pond_is_drained(&pool->pond);
}

/* Who tends by hand comes back soon: nobody else rings for servers. */
static int64_t
soon(int64_t limit_ns)
{
    const int64_t soon_ns = clock_deadline_after_ms(TEND_MS);

    return soon_ns < limit_ns ? soon_ns : limit_ns;
}

/* Waits until nothing is left, or for loans until `loans_ns`, for all else
 * until `own_ns`. True: drained. */
static bool
wait_drained(dew_pool *pool, int64_t loans_ns, int64_t own_ns)
{
    for (;;) {
        const uint32_t seen = bell_look(&pool->progress);

        drain(pool);
        if (!pool->threaded) {
            (void)keeper_tend_here(pool, TEND_MS);
        }
        if (is_drained_for_good(pool)) {
            return true;
        }
        const int64_t limit_ns = count_loans(pool) != 0 ? loans_ns : own_ns;
        if (pool_now_ns(pool) >= limit_ns) {
            return false;
        }
        bell_wait(&pool->progress, seen,
                  pool->threaded ? limit_ns : soon(limit_ns));
    }
}

static void
finish(dew_pool *pool)
{
    keeper_stop(pool);
    /* Threads of ours rang and looked inside sections too. */
    reclaim_wait_readers();
    pool_free(pool);
}

void
pool_end(dew_pool *pool)
{
    shut(pool);
    /* A connect ends by its own timeout at the latest. */
    while (!wait_drained(pool, 0, clock_deadline_after_ms(OWN_LIMIT_MS))) {
    }
    finish(pool);
}

/* One close at a time. The other one may be about to free the pool: inside a
 * section it cannot. */
static dew_code
closer_begins(dew_pool *pool, dew_error *error)
{
    dew_code code = DEW_OK;

    reclaim_read_begin();
    if (!bell_try(&pool->closer)) {
        code = error_set(error, DEW_EBUSY, DEW_STAGE_WAIT,
                         "%s: another close is at work", pool->entry.name);
    }
    reclaim_read_end();
    return code;
}

/* The last touch of the pool is the door: the next closer may free it. */
static dew_code
give_up(dew_pool *pool, dew_error *error)
{
    struct pond_gauges gauges;

    pond_gauge(&pool->pond, &gauges);
    const dew_code code = error_set(
        error, DEW_EBUSY, DEW_STAGE_WAIT,
        "%s: sessions are still out: %u lent, %u being opened or hung up; "
        "release what is lent, and close again",
        pool->entry.name, count_loans(pool), gauges.opening + gauges.retiring);
    bell_untry(&pool->closer);
    race_point("close.busy");
    return code;
}

dew_code
dew_pool_close(dew_pool *pool, int64_t grace_ms, dew_error *error)
{
    if (pool == NULL) {
        return guard_null(pool, "pool", error);
    }
    dew_code refused = guard_callback(pool, error);
    if (refused == DEW_OK) {
        refused = guard_visit(pool, error);
    }
    if (refused == DEW_OK) {
        refused = pool_enter(pool, error);
    }
    if (refused == DEW_OK) {
        refused = closer_begins(pool, error);
    }
    if (refused != DEW_OK) {
        return refused;
    }
    const int64_t loans_ns = clock_deadline_after_ms(grace_ms);

    shut(pool);
    if (!wait_drained(pool, loans_ns,
                      later(loans_ns, clock_deadline_after_ms(OWN_LIMIT_MS)))) {
        return give_up(pool, error);
    }
    finish(pool);
    return DEW_OK;
}

void
dew_pool_abort(dew_pool *pool)
{
    /* As a guest: the loans that it cuts come back, and the close may be done
     * before it. A child has no loans from before its fork. */
    if (pool == NULL || guest_comes(pool, NULL) != DEW_OK) {
        return;
    }
    if (pond_has(&pool->pond, POND_CLOSING)) {
        pond_each_loan_socket(&pool->pond, socket_cut_if_same);
    }
    guest_goes(pool);
}
