/* SPDX-License-Identifier: MIT */
/* Takes, watches and puts back the sessions whose answer is late. */
#include "base/clock.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "keeper/lease.h"
#include "session/session.h"

void
late_init(struct lates *lates)
{
    stack_init(&lates->given);
    lates->count = 0;
}

void
late_give(dew_pool *pool, struct slot *slot)
{
    slot_push(&pool->lates.given, slot);
    poll_bell_ring(&pool->work);
}

static int64_t
deadline_of(const dew_pool *pool, const struct slot *slot)
{
    const int64_t rested_ms = clock_coarse_ms() - slot_used_ms(slot);
    const int64_t left_ms = pool->settings->ping_timeout_ms - rested_ms;

    return clock_deadline_after_ms(left_ms > 0 ? left_ms : 0);
}

void
late_collect(dew_pool *pool)
{
    struct lates *lates = &pool->lates;

    while (lates->count < LATES_MAX) {
        struct slot *slot = slot_pop(&lates->given);

        if (slot == NULL) {
            return;
        }
        lates->watched[lates->count++] =
            (struct late){slot, deadline_of(pool, slot)};
    }
}

uint32_t
late_polls(const struct lates *lates, struct pollfd *polls)
{
    for (uint32_t i = 0; i < lates->count; i++) {
        polls[i] = (struct pollfd){
            session_socket(lates->watched[i].slot->session), POLLIN, 0};
    }
    return lates->count;
}

/* A socket that is gone says nothing any more: who settles it sees that. */
static bool
is_here(const struct pollfd *polled)
{
    return polled->fd < 0 || polled->revents != 0;
}

/* Inside a section. True: it is not ours any more. */
static bool
let_go(dew_pool *pool, const struct late *late, bool answered, int64_t now_ns)
{
    if (answered || pond_has(&pool->pond, POND_CLOSING)) {
        pond_put(&pool->pond, late->slot);
        return true;
    }
    if (MUTANT(33)) { return false; }
    if (now_ns >= late->deadline_ns) {
        lease_lose(pool, late->slot);
        return true;
    }
    return false;
}

void
late_judge(dew_pool *pool, const struct pollfd *polls)
{
    struct lates *lates = &pool->lates;
    const uint32_t count = lates->count;
    const int64_t now_ns = clock_now_ns();
    uint32_t kept = 0;

    reclaim_read_begin();
    for (uint32_t i = 0; i < count; i++) {
        const struct late late = lates->watched[i];

        if (!let_go(pool, &late, is_here(&polls[i]), now_ns)) {
            lates->watched[kept++] = late;
        }
    }
    reclaim_read_end();
    lates->count = kept;
}

int64_t
late_due_ns(const struct lates *lates)
{
    int64_t due_ns = INT64_MAX;

    for (uint32_t i = 0; i < lates->count; i++) {
        if (lates->watched[i].deadline_ns < due_ns) {
            due_ns = lates->watched[i].deadline_ns;
        }
    }
    return due_ns;
}
