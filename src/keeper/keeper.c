/* SPDX-License-Identifier: MIT */
/* The keeper's pass and its thread. */
#include "keeper/keeper.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mutant.h"
#include "base/thread.h"
#include "keeper/openers.h"
#include "keeper/sweep.h"

#define THREAD_RETRY_NS (100 * CLOCK_NS_PER_MS)

/* --- bells ----------------------------------------------------------------- */

static void
on_ordered(void *arg)
{
    dew_pool *pool = arg;

    bell_ring_one(&pool->openers.bell);
    /* Perhaps one more opener is needed: that is the keeper's to start. */
    poll_bell_ring(&pool->work);
}

static void
on_retired(void *arg)
{
    dew_pool *pool = arg;

    poll_bell_ring(&pool->work);
}

static void
on_shutting(void *arg)
{
    dew_pool *pool = arg;

    bell_ring_all(&pool->progress);
}

struct pond_bells
keeper_bells(dew_pool *pool)
{
    return (struct pond_bells){on_ordered, on_retired, on_shutting, pool};
}

/* --- the breaker's word ------------------------------------------------------- */

void
keeper_apply(dew_pool *pool)
{
    const struct breaker_verdict verdict =
        breaker_tell_begin(&pool->breaker, pool_now_ns(pool));

    if (verdict.broken) {
        pond_raise(&pool->pond, POND_BROKEN);
    } else if (pond_has(&pool->pond, POND_BROKEN) && verdict.window != 0) {
        pond_lower(&pool->pond, POND_BROKEN);
    }
    pond_set_window(&pool->pond, verdict.window);
    breaker_tell_end(&pool->breaker);
    /* The keeper's timers changed. */
    poll_bell_ring(&pool->work);
}

void
keeper_ask(dew_pool *pool)
{
    if (breaker_asked(&pool->breaker)) {
        poll_bell_ring(&pool->work);
    }
}

void
keeper_try_again(dew_pool *pool)
{
    breaker_forget(&pool->breaker);
    keeper_apply(pool);
}

/* --- one pass ------------------------------------------------------------------- */

void
keeper_set_floor(dew_pool *pool, uint32_t sessions)
{
    /* ORDER keeper.1 seq_cst <-> keeper.2: set before the keeper is rung. */
    order_store_seq_u32(&pool->floor, sessions);
    poll_bell_ring(&pool->work);
}

void
keeper_hurry(dew_pool *pool)
{
    /* ORDER keeper.5 seq_cst <-> keeper.6: set before the keeper is rung. */
    order_store_seq_u32(&pool->hurry, 1);
    poll_bell_ring(&pool->work);
}

static bool
is_sweep_due(dew_pool *pool, int64_t now_ns)
{
    /* ORDER keeper.6 seq_cst <-> keeper.5: what was unwanted before the ring
     * is seen by the sweep that follows. */
    const bool hurry = order_swap_seq_u32(&pool->hurry, 0) != 0;

    return hurry || pool->next_sweep_ns <= now_ns;
}

static uint32_t
floor_of(const dew_pool *pool)
{
    /* ORDER keeper.2 seq_cst <-> keeper.1: as of the last ring. */
    return order_load_seq_u32(&pool->floor);
}

struct slot *
keeper_order_own(dew_pool *pool)
{
    return pond_order_own(&pool->pond, floor_of(pool));
}

static void
fill(dew_pool *pool)
{
    if (pond_has(&pool->pond, POND_CLOSING)) {
        return;
    }
    if (!pool->threaded) {
        openers_open_here(pool);
        return;
    }
    while (pond_order(&pool->pond, floor_of(pool))) {
    }
    openers_grow(pool);
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
next_due_ns(dew_pool *pool, int64_t now_ns)
{
    int64_t due = earlier(farewell_due_ns(&pool->farewells),
                          breaker_due_ns(&pool->breaker));

    due = earlier(due, late_due_ns(&pool->lates));
    due = earlier(due, pool->next_sweep_ns);
    if (waiters_count(&pool->pond.waiters) != 0) {
        due = earlier(due, now_ns + pool->stuck.pause_ns);
    }
    if (pool->threaded && stack_any(&pool->pond.orders)) {
        due = earlier(due, now_ns + THREAD_RETRY_NS);
    }
    if (stack_any(&pool->pond.retirees)) {
        due = now_ns; /* what was opened in vain: nobody rings a tender */
    }
    return due;
}

static void
tell_what_is_due(dew_pool *pool, int64_t now_ns)
{
    if (waiters_count(&pool->pond.waiters) != 0) {
        (void)breaker_asked(&pool->breaker);
    }
    if (breaker_due_ns(&pool->breaker) <= now_ns) {
        breaker_due(&pool->breaker, now_ns);
        keeper_apply(pool);
    }
}

int64_t
keeper_tend(dew_pool *pool)
{
    const int64_t now_ns = pool_now_ns(pool);

    farewell_begin(&pool->farewells, &pool->pond);
    late_collect(pool);
    tell_what_is_due(pool, now_ns);
    if (is_sweep_due(pool, now_ns)) {
        pool->next_sweep_ns = now_ns + sweep(pool) * CLOCK_NS_PER_MS;
        leaks_look(pool);
        tick_judge(pool);
        /* What was retired just now is hung up in this pass. */
        farewell_begin(&pool->farewells, &pool->pond);
    }
    fill(pool);
    if (pond_rescue(&pool->pond, &pool->stuck)) {
        log_line(pool->settings, LOG_ERROR,
                 "%s: a waiter had to be rescued; please report this",
                 pool->entry.name);
    }
    return next_due_ns(pool, now_ns);
}

/* Waits until the deadline for servers that close or answer and for extra_fd
 * (-1: none) to be readable; lets go of who is done. False: nothing came. */
static bool
wait_for_servers(dew_pool *pool, int extra_fd, int64_t deadline_ns)
{
    struct pollfd polls[FAREWELLS_MAX + LATES_MAX + 1];
    const uint32_t farewells = farewell_polls(&pool->farewells, polls);
    const uint32_t lates = late_polls(&pool->lates, polls + farewells);

    polls[farewells + lates] = (struct pollfd){extra_fd, POLLIN, 0};
    const bool ready = poll_until(polls, farewells + lates + 1, deadline_ns) != 0;
    farewell_judge(&pool->farewells, &pool->pond, polls);
    late_judge(pool, polls + farewells);
    return ready;
}

int64_t
keeper_tend_here(dew_pool *pool, int64_t wait_ms)
{
    if (!bell_try(&pool->tender)) {
        return pool_now_ns(pool);
    }
    const int64_t due_ns = keeper_tend(pool);

    const bool waits = pool->farewells.count != 0 || pool->lates.count != 0;

    (void)wait_for_servers(pool, -1, waits ? clock_deadline_after_ms(wait_ms) : 0);
    bell_untry(&pool->tender);
    return due_ns;
}

void
keeper_help(dew_pool *pool)
{
    if (!bell_try(&pool->tender)) {
        return;
    }
    late_collect(pool);
    (void)wait_for_servers(pool, -1, 0);
    tell_what_is_due(pool, pool_now_ns(pool));
    bell_untry(&pool->tender);
}

/* --- the thread ------------------------------------------------------------------- */

bool
keeper_is_stopping(const dew_pool *pool)
{
    /* ORDER keeper.3 seq_cst <-> keeper.4: set before the bells ring. */
    return order_load_seq_u32(&pool->stopping) != 0;
}

/* Until there is something to do; the pool's clock is moved meanwhile. */
static void
rest(dew_pool *pool, int64_t due_ns)
{
    int64_t until_ns;

    do {
        tick_move(pool);
        until_ns = earlier(due_ns, tick_due_ns(&pool->tick, pool_now_ns(pool)));
    } while (!wait_for_servers(pool, pool->work.fd, until_ns) &&
             until_ns < due_ns);
    tick_pause(&pool->tick);
}

/* Whether he is to end he asks behind the clear: asked before, he may take the
 * ring away that tells him, and sleep to his next regular look. */
static void *
keeper_main(void *arg)
{
    dew_pool *pool = arg;

    for (;;) {
        if (MUTANT(70) && !keeper_is_stopping(pool)) { race_point("keeper.round"); poll_bell_clear(&pool->work); rest(pool, keeper_tend(pool)); continue; }
        race_point("keeper.round");
        poll_bell_clear(&pool->work);
        if (keeper_is_stopping(pool)) {
            return NULL;
        }
        rest(pool, keeper_tend(pool));
    }
}

int
keeper_start(dew_pool *pool)
{
    const int failed =
        thread_start(&pool->keeper, "dew-keeper", keeper_main, pool);

    pool->keeper_runs = failed == 0;
    return failed;
}

void
keeper_stop(dew_pool *pool)
{
    /* ORDER keeper.4 seq_cst <-> keeper.3: seen by who is rung next. */
    order_store_seq_u32(&pool->stopping, 1);
    poll_bell_ring(&pool->openers.cancel);
    poll_bell_ring(&pool->work);
    race_point("keeper.stopping");
    if (pool->keeper_runs) {
        (void)pthread_join(pool->keeper, NULL);
        pool->keeper_runs = false;
    }
    /* After the keeper, who alone starts openers. */
    openers_join(pool);
}
