/* SPDX-License-Identifier: MIT */
/* Borrowing: a session that rests, else wait for one, within the deadline. */
/*
 * THE STORY. Inside one read-side section: take what rests; if it needs no
 * look, lend it. Otherwise, outside the section (a LEASED slot keeps the pool
 * alive): read its pending answer, poll or probe it; a dead one goes to the
 * keeper and the next is taken, at most DEAD_MAX of them, then only a new one
 * will do. With nothing at rest, become a waiter and take whatever comes
 * first: a return, a new session, an error, the deadline.
 */
#include "api/borrow.h"

#include "api/guard.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/reclaim.h"
#include "keeper/keeper.h"
#include "keeper/lease.h"
#include "keeper/openers.h"

#define DEAD_MAX 3
#define HELP_NS (20 * CLOCK_NS_PER_MS)
/* How long a reset's answer is waited for, beside others that rest or without;
 * who has no time at all gives it that much of his own. */
#define ANSWER_BESIDE_NS (2 * CLOCK_NS_PER_MS)
#define ANSWER_NS (20 * CLOCK_NS_PER_MS)
#define NS_PER_US 1000

static void
lend(const struct borrow *borrow, struct slot *slot, int64_t now_ms)
{
    lease_begin(borrow->pool, slot, borrow->file, borrow->line, now_ms,
                borrow->conn);
}

static bool
is_shut(const struct borrow *borrow)
{
    return pond_has(&borrow->pool->pond, POND_CLOSING);
}

/* --- without opener threads: the borrower opens --------------------------------- */

/* *slot is LEASED and not looked at yet, or NULL, and the code tells why. */
static dew_code
open_own(const struct borrow *borrow, struct slot **slot)
{
    dew_pool *pool = borrow->pool;
    dew_error why = {.code = DEW_OK};

    if (!opener_connect(pool, *slot, borrow->deadline_ns, &why)) {
        pond_open_failed(&pool->pond, *slot);
        *slot = NULL;
        return is_shut(borrow) ? borrow_refused(borrow, POND_SHUT)
                               : error_copy(borrow->error, &why);
    }
    pond_opened_own(&pool->pond, *slot);
    return DEW_OK;
}

static bool
is_time_up(const struct borrow *borrow)
{
    return borrow->deadline_ns <= pool_now_ns(borrow->pool);
}

/* Who has no time to connect does not begin: it would only fail. */
static struct slot *
order_for_myself(const struct borrow *borrow)
{
    dew_pool *pool = borrow->pool;

    if (pool->threaded || is_time_up(borrow) ||
        pond_has(&pool->pond, POND_CLOSING | POND_PAUSED)) {
        return NULL;
    }
    /* No keeper comes for those that were just given up. */
    farewell_now(&pool->pond);
    return pond_order_own(&pool->pond, pool->settings->size);
}

/* --- waiting: as a guest of the pond, outside sections ---------------------------- */

static void
record_wait(const struct borrow *borrow, int64_t now_ns)
{
    struct tallies *tallies = &borrow->pool->pond.tallies;
    const int64_t waited = now_ns - borrow->since_ns;

    tally_add(&tallies->waits);
    tally_record(&tallies->wait_us, (uint64_t)(waited / NS_PER_US));
}

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
                 .only_new = borrow->dead >= DEAD_MAX},
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

/* Nothing rests and there is no time (left) to wait: one is ordered all the
 * same, for whoever comes next. */
static dew_code
order_and_go(const struct borrow *borrow)
{
    struct pond *pond = &borrow->pool->pond;

    if (is_shut(borrow)) {
        return borrow_refused(borrow, POND_SHUT);
    }
    /* Without opener threads nobody would ever take it from the orders, and
     * its place would be lost. In a paused pond enough may rest. */
    if (borrow->pool->threaded && !pond_has(pond, POND_PAUSED)) {
        (void)pond_order(pond, borrow->pool->settings->size);
    }
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
    if (end == POND_TIMED_OUT && !is_time_up(borrow)) {
        return false;
    }
    if (end == POND_LEAVE) {
        *code = open_own(borrow, slot);
        return true;
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

/* One try. False: one more. True: *slot is a session to look at, or NULL and
 * *code is the answer. */
static bool
try_next(struct borrow *borrow, struct slot **slot, dew_code *code)
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
    if (*slot == NULL && is_time_up(borrow)) {
        *code = order_and_go(borrow);
        return true;
    }
    if (*slot == NULL) {
        return wait_or_give_up(borrow, slot, code);
    }
    *code = open_own(borrow, slot);
    return true;
}

/* --- the loop ------------------------------------------------------------------------ */

/* The guest's part: in here the pool stays, whatever close does. */
static void
become_guest(struct borrow *borrow)
{
    if (!borrow->is_guest) {
        borrow->is_guest = true;
        pond_guest_comes(&borrow->pool->pond);
    }
}

static void
say_goodbye(struct borrow *borrow)
{
    const int64_t now_ns = pool_now_ns(borrow->pool);

    if (borrow->waited) {
        record_wait(borrow, now_ns);
    }
    borrow_remark_slow(borrow, now_ns);
    if (borrow->is_guest) {
        reclaim_read_begin();
        pond_guest_goes(&borrow->pool->pond);
        reclaim_read_end();
    }
}

static bool
others_rest(const struct borrow *borrow)
{
    return idle_any(&borrow->pool->pond.idle);
}

static int64_t
answer_by_ns(const struct borrow *borrow)
{
    const int64_t step_ns = others_rest(borrow) ? ANSWER_BESIDE_NS : ANSWER_NS;
    const int64_t least_ns = borrow->since_ns + ANSWER_NS;
    const int64_t last_ns =
        borrow->deadline_ns > least_ns ? borrow->deadline_ns : least_ns;

    return earlier(last_ns, pool_now_ns(borrow->pool) + step_ns);
}

/* The keeper watches it; without one it stays in hand while nothing else
 * rests, since nobody would see its answer come. */
static struct slot *
put_late_aside(const struct borrow *borrow, struct slot *slot)
{
    dew_pool *pool = borrow->pool;

    if (!pool->threaded && !others_rest(borrow) && !is_time_up(borrow)) {
        return slot;
    }
    late_give(pool, slot);
    return pond_take(&pool->pond);
}

/* Lets go of a session that cannot be lent now. The next one to look at, or
 * NULL: none, go and wait. Inside a section. */
static struct slot *
put_aside(struct borrow *borrow, struct slot *slot, enum lease_verdict verdict)
{
    struct pond *pond = &borrow->pool->pond;

    if (verdict == LEASE_LATE) {
        return put_late_aside(borrow, slot);
    }
    if (verdict == LEASE_FIT) {
        pond_put(pond, slot);
        return NULL;
    }
    borrow->dead++;
    lease_drop(borrow->pool, slot);
    return borrow->dead < DEAD_MAX ? pond_take(pond) : NULL;
}

/* Inside a section at entry, outside at return; `slot` is LEASED or NULL. */
static dew_code
borrow_slowly(struct borrow *borrow, struct slot *slot)
{
    dew_code code = DEW_OK;

    for (;;) {
        if (slot == NULL) {
            become_guest(borrow);
        }
        reclaim_read_end();
        if (slot == NULL) {
            while (!try_next(borrow, &slot, &code)) {
            }
        }
        if (slot == NULL) {
            break;
        }
        const enum lease_verdict verdict =
            lease_make_ready(borrow->pool, slot, borrow->deadline_ns,
                             answer_by_ns(borrow));
        race_point("borrow.lend");
        reclaim_read_begin();
        if (verdict == LEASE_FIT && pond_may_lend(&borrow->pool->pond)) {
            lend(borrow, slot, clock_coarse_ms());
            reclaim_read_end();
            break;
        }
        slot = put_aside(borrow, slot, verdict);
    }
    say_goodbye(borrow);
    return code;
}

dew_code
borrow_from(dew_pool *pool, int64_t timeout_ms, struct borrow *borrow)
{
    const dew_code refused = guard_callback(pool, borrow->error);

    if (refused != DEW_OK) {
        reclaim_read_end();
        return refused;
    }
    struct slot *slot = pond_take(&pool->pond);

    borrow->pool = pool;
    if (slot != NULL) {
        /* One look at the clock, for its rest and for the loan. */
        const int64_t now_ms = clock_coarse_ms();

        if (lease_is_ready(pool, slot, now_ms)) {
            lend(borrow, slot, now_ms);
            reclaim_read_end();
            return DEW_OK;
        }
    }
    borrow->since_ns = pool_now_ns(pool);
    borrow->deadline_ns = clock_deadline_from(borrow->since_ns, timeout_ms);
    return borrow_slowly(borrow, slot);
}
