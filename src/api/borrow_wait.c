/* SPDX-License-Identifier: MIT */
/* A borrow that found nothing at rest: opens, waits in line, or gives up. */
#include "api/borrow.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "keeper/keeper.h"
#include "keeper/openers.h"

#define HELP_NS (20 * CLOCK_NS_PER_MS)

static bool
is_shut(const struct borrow *borrow)
{
    return pond_has(&borrow->pool->pond, POND_CLOSING);
}

/* --- without opener threads: the borrower opens --------------------------------- */

/* *slot is LEASED and not looked at yet, or NULL, and the code tells why;
 * DEW_OK: the pool shrank meanwhile, it is one too many. */
static dew_code
open_own(const struct borrow *borrow, struct slot **slot)
{
    dew_pool *pool = borrow->pool;
    dew_error why = {.code = DEW_OK};

    if (pond_cancel_excess(&pool->pond, *slot)) {
        *slot = NULL;
        return DEW_OK;
    }
    if (!opener_connect(pool, *slot, borrow->deadline_ns, &why)) {
        if (MUTANT(19)) { *slot = NULL; return error_copy(borrow->error, &why); }
        pond_open_failed(&pool->pond, *slot);
        *slot = NULL;
        return is_shut(borrow) ? borrow_refused(borrow, POND_SHUT)
                               : error_copy(borrow->error, &why);
    }
    reclaim_read_begin();
    if (!pond_opened_own(&pool->pond, *slot)) {
        *slot = NULL;
    }
    reclaim_read_end();
    return DEW_OK;
}

/* Who has no time to connect does not begin: it would only fail. */
static struct slot *
order_for_myself(const struct borrow *borrow)
{
    dew_pool *pool = borrow->pool;

    if (pool->threaded || borrow_is_time_up(borrow) ||
        pond_has(&pool->pond, POND_CLOSING | POND_PAUSED)) {
        return NULL;
    }
    /* No keeper comes for those that were just given up. */
    farewell_now(&pool->pond);
    return pond_order_own(&pool->pond, pond_sizes(&pool->pond).size);
}

/* --- waiting: as a guest of the pond, outside sections ---------------------------- */

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Nobody tells when a failing server may be tried, or whose goodbye is over,
 * unless somebody tends: who waits looks himself, this often. */
static int64_t
help_again_ns(const struct borrow *borrow)
{
    return pool_now_ns(borrow->pool) + HELP_NS;
}

static enum pond_end
wait_for_one(struct borrow *borrow, struct slot **slot)
{
    struct pond *pond = &borrow->pool->pond;
    struct pond_wait wait = {
        .wish = {.since_ns = borrow->since_ns,
                 .comes_back = borrow->waited,
                 .only_new = borrow->dead >= BORROW_DEAD_MAX},
        .deadline_ns = borrow->deadline_ns,
    };
    enum pond_end end;

    if (!borrow->pool->threaded) {
        wait.deadline_ns = earlier(wait.deadline_ns, help_again_ns(borrow));
    }
    end = pond_join(pond, &wait);
    if (end != POND_SLOT) {
        return end;
    }
    borrow->waited = true;
    end = pond_await(pond, &wait);
    *slot = wait.slot;
    return end;
}

/* Nothing rests, and this borrower does not wait for it (any longer): one is
 * ordered all the same, for whoever comes next. */
static void
order_for_the_next(const struct borrow *borrow)
{
    struct pond *pond = &borrow->pool->pond;

    /* Without opener threads nobody would ever take it from the orders, and
     * its place would be lost. In a paused pond enough may rest. */
    if (borrow->pool->threaded && !pond_has(pond, POND_PAUSED)) {
        (void)pond_order(pond, pond_sizes(pond).size);
    }
}

static dew_code
order_and_go(const struct borrow *borrow)
{
    if (is_shut(borrow)) {
        return borrow_refused(borrow, POND_SHUT);
    }
    order_for_the_next(borrow);
    return borrow_refused(borrow, POND_TIMED_OUT);
}

/* Waits for what comes first. False: nothing of that ends the borrow, it has
 * one more try. Otherwise *slot or *code, as in try_next. */
static bool
wait_or_give_up(struct borrow *borrow, struct slot **slot, dew_code *code)
{
    *code = borrow_may_wait(borrow);
    if (*code != DEW_OK) {
        return true;
    }
    const enum pond_end end = wait_for_one(borrow, slot);
    if (end == POND_SLOT) {
        return true;
    }
    if (end == POND_TIMED_OUT && !borrow_is_time_up(borrow)) {
        return false;
    }
    if (end == POND_LEAVE) {
        *code = open_own(borrow, slot);
        return *slot != NULL || *code != DEW_OK;
    }
    if (end == POND_FULL) {
        order_for_the_next(borrow);
    }
    *slot = NULL;
    *code = borrow_refused(borrow, end);
    return *code != DEW_OK;
}

static struct slot *
take(const struct borrow *borrow)
{
    reclaim_read_begin();
    struct slot *slot = pond_take(&borrow->pool->pond);
    reclaim_read_end();
    return slot;
}

static struct slot *
spin(const struct borrow *borrow)
{
    reclaim_read_begin();
    struct slot *slot = pond_spin(&borrow->pool->pond);
    reclaim_read_end();
    return slot;
}

bool
borrow_try_next(struct borrow *borrow, struct slot **slot, dew_code *code)
{
    if (!borrow->pool->threaded) {
        keeper_help(borrow->pool);
        *code = DEW_OK;
        *slot = take(borrow);
        if (*slot != NULL) {
            return true;
        }
    }
    *slot = order_for_myself(borrow);
    if (*slot == NULL && borrow_is_time_up(borrow)) {
        *code = order_and_go(borrow);
        return true;
    }
    if (*slot == NULL) {
        *code = DEW_OK;
        *slot = borrow->dead < BORROW_DEAD_MAX ? spin(borrow) : NULL;
        return *slot != NULL || wait_or_give_up(borrow, slot, code);
    }
    *code = open_own(borrow, slot);
    return *slot != NULL || *code != DEW_OK;
}
