/* SPDX-License-Identifier: MIT */
/* A pond under load lives briefly: a slot is touched after its push, or a
 * waiter's node is read before its word. */
#include "canaries.h"
#include "fixture/pond_load.h"

#define BORROWS 60
#define LIFE_NS (1000 * CLOCK_NS_PER_MS) /* on a machine that is busy */

static struct rig rig;

/* More borrowers than slots; sessions are opened, retired and handed over. */
static void
live(uint64_t seed, int64_t handoff_ns)
{
    const struct rig_plan plan = {
        .seed = seed,
        .threads = 4,
        .size = 2,
        .maxsize = 2,
        .window = 2,
        .handoff_ns = handoff_ns,
        .burst_ns = INT64_MAX,
        .yield_one_in = 4,
        .timeout_one_in = 8,
        .retire_one_in = 8,
        .open_fails_one_in = 8,
        .waiters_max = UINT32_MAX,
    };
    const int64_t end_ns = clock_now_ns() + LIFE_NS;
    order_u32 bed = {0};

    if (!rig_start(&rig, &plan)) {
        canary_fail("no pond");
    }
    while (order_load_relaxed_u64(&rig.sums.borrows) < BORROWS &&
           clock_now_ns() < end_ns) {
        park_futex.wait(NULL, &bed, 0, clock_deadline_after_ms(1));
    }
    const char *const wrong = rig_end(&rig, false);
    if (wrong != NULL) {
        canary_fail("seed %llu: %s", (unsigned long long)seed, wrong);
    }
}

void
live_slot_after_push(uint64_t seed)
{
    live(seed, CLOCK_NS_PER_MS);
}

/* In strict order every return is handed over: many nodes are given a slot. */
void
live_node_before_word(uint64_t seed)
{
    live(seed, 0);
}
