/* SPDX-License-Identifier: MIT */
/* Borrowing: a session that rests, else wait for one, within the deadline. */
/*
 * THE STORY. Inside one read-side section: take what rests; if it needs no
 * look, lend it. Otherwise, outside the section (a LEASED slot keeps the pool
 * alive): read its pending answer, poll or probe it; a dead one goes to the
 * keeper and the next is taken, at most BORROW_DEAD_MAX of them, then only a
 * new one will do; one whose answer is late is the keeper's to watch, and the
 * next is taken. With nothing at rest, become a waiter (borrow_wait.c) and take
 * whatever comes first: a return, a new session, an error, the deadline.
 */
#include "api/borrow.h"

#include "api/guard.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/reclaim.h"
#include "keeper/lease.h"

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

static void
record_wait(const struct borrow *borrow, int64_t now_ns)
{
    struct tallies *tallies = &borrow->pool->pond.tallies;
    const int64_t waited = now_ns - borrow->since_ns;

    tally_add(&tallies->waits);
    tally_record(&tallies->wait_us, (uint64_t)(waited / NS_PER_US));
}

/* The guest's part: in here the pool stays, whatever close does. */
static void
become_guest(struct borrow *borrow)
{
    if (!borrow->is_guest) {
        race_point("borrow.guest");
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
    const int64_t answer_ns = pool_now_ns(borrow->pool) + step_ns;

    return answer_ns < last_ns ? answer_ns : last_ns;
}

/* The keeper watches it; without one it stays in hand while nothing else
 * rests, since nobody would see its answer come. */
static struct slot *
put_late_aside(const struct borrow *borrow, struct slot *slot)
{
    dew_pool *pool = borrow->pool;

    if (!pool->threaded && !others_rest(borrow) && !borrow_is_time_up(borrow)) {
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
    return borrow->dead < BORROW_DEAD_MAX ? pond_take(pond) : NULL;
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
            while (!borrow_try_next(borrow, &slot, &code)) {
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
borrow_taken(dew_pool *pool, struct slot *slot, int64_t timeout_ms,
             struct borrow *borrow)
{
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

dew_code
borrow_from(dew_pool *pool, int64_t timeout_ms, struct borrow *borrow)
{
    const dew_code refused = guard_callback(pool, borrow->error);

    if (refused != DEW_OK) {
        reclaim_read_end();
        return refused;
    }
    return borrow_taken(pool, pond_take(&pool->pond), timeout_ms, borrow);
}
