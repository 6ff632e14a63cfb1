/* SPDX-License-Identifier: MIT */
/* Tells who holds which loan, since when, and from where. */
#include "api/guest.h"
#include "base/callback.h"
#include "base/clock.h"
#include "base/thread.h"

static dew_loan
describe(const struct pond_loan *loan)
{
    const int64_t age_ms = clock_coarse_ms() - loan->since_ms;
    dew_loan told = {
        .file = loan->file,
        .line = loan->line,
        .thread_id = loan->thread,
        .server_thread_id = (unsigned long)loan->server_thread,
        .age_ms = age_ms > 0 ? age_ms : 0,
    };

    (void)thread_name(loan->thread, told.thread_name);
    return told;
}

static void
walk(const struct pond *pond, int (*each)(const dew_loan *loan, void *arg),
     void *arg)
{
    const uint32_t slots = pond_slot_count(pond);
    struct pond_loan loan;

    for (uint32_t i = 0; i < slots; i++) {
        if (!pond_loan_at(pond, i, &loan)) {
            continue;
        }
        const dew_loan told = describe(&loan);

        if (each(&told, arg) != 0) {
            return;
        }
    }
}

void
dew_foreach_loan(const dew_pool *pool,
                 int (*each)(const dew_loan *loan, void *arg), void *arg)
{
    /* No pool was made const: the guest is counted in it. */
    dew_pool *visited = (dew_pool *)(uintptr_t)pool;
    struct callback frame;

    /* A forked child has no loans that its parent made. */
    if (pool == NULL || each == NULL || !pool_is_mine(pool) ||
        guest_comes(visited, NULL) != DEW_OK) {
        return;
    }
    callback_enter(&frame, pool, CALLBACK_VISITED);
    walk(&pool->pond, each, arg);
    callback_leave(&frame);
    guest_goes(visited);
}
