/* SPDX-License-Identifier: MIT */
/* Scenarios: borrowing, returning, waiting, timing out, and in what order. */
#include <stddef.h>

#include "scenarios.h"

static const struct part once = {
    {WORLD_NEVER, 0, false, false}, 1, false, false};
static const struct part twice = {
    {WORLD_NEVER, 0, false, false}, 2, false, false};
static const struct part aged = {
    {WORLD_NEVER, -2 * WORLD_MS, false, false}, 1, false, false};
static const struct part hasty = {
    {5 * WORLD_MS, 0, false, false}, 1, false, true};

static const struct part hasty_twice = {
    {WORLD_MS / 2, 0, false, false}, 2, false, true};

static void
three_on_one(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    world_rest_one(0);
    part_cast(&once, 3);
}

static void
three_on_two_twice(void)
{
    const struct pond_plan plan = world_plan(2, 2);

    world_begin(&plan);
    world_rest_one(0);
    world_rest_one(0);
    part_cast(&twice, 3);
}

static void
hand_over_by_age(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.handoff_ns = WORLD_MS;
    world_begin(&plan);
    world_rest_one(0);
    part_cast(&aged, 1);
    part_cast(&once, 2);
}

/* Wakes have long been for nothing: who loses one naps on it. */
static void
naps_with(int64_t handoff_ns, uint32_t sessions, const struct part *part)
{
    struct pond_plan plan = world_plan(sessions, sessions);

    plan.handoff_ns = handoff_ns;
    world_begin(&plan);
    for (uint32_t i = 0; i < NAP_DOUBLINGS; i++) {
        (void)waiters_count_futile(&world.pond.waiters);
    }
    for (uint32_t i = 0; i < sessions; i++) {
        world_rest_one(0);
    }
    part_cast(part, 3);
}

static void
naps(void)
{
    naps_with(INT64_MAX, 1, &twice);
}

static void
naps_beside_a_spare_one(void)
{
    naps_with(INT64_MAX, 2, &twice);
}

static void
naps_and_hand_over(void)
{
    naps_with(WORLD_MS / 4, 1, &twice);
}

static void
naps_and_timeouts(void)
{
    naps_with(INT64_MAX, 1, &hasty_twice);
}

static void
spins(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    world.cpus = 2;
    world.pond.pace.alone = false;
    world.spins = true;
    world_rest_one(0);
    part_cast(&twice, 3);
}

static void
timeout_against_wake(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&hasty, 1);
    part_cast(&once, 1);
}

static void
timeout_against_give(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.handoff_ns = 0;
    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&hasty, 1);
    part_cast(&once, 1);
}

static void
all_time_out(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.handoff_ns = WORLD_MS;
    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&hasty, 3);
}

static void
strict_order(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.handoff_ns = 0;
    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&once, 3);
}

static const struct part shed = {
    {WORLD_NEVER, 0, false, false}, 1, false, true};

static void
full_queue(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.sizes.waiters_max = 1;
    world_begin(&plan);
    world_rest_one(0);
    part_cast(&shed, 3);
}

/* One leaves, while one is being refused: the place is the third's. */
static void
the_place_in_line_that_came_free(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.sizes.waiters_max = 1;
    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&hasty, 1);
    part_cast(&shed, 2);
}

/* Each session rests in the shard of somebody else. */
static void
stealing(void)
{
    const struct pond_plan plan = world_plan(2, 2);

    world_begin(&plan);
    world.cpus = 2;
    pond_destroy(&world.pond);
    (void)pond_init(&world.pond, &plan);
    world_rest_one(1);
    world_rest_one(1);
    part_cast(&once, 3);
}

/* Has two in hand and puts the first one back on top of the third. */
static void
hoarder(void *arg)
{
    struct slot *slots[3];

    (void)arg;
    for (int i = 0; i < 3; i++) {
        if (world_borrow(&once.wish, &slots[i]) != POND_SLOT) {
            sched_fail("a wait ended for no reason");
        }
    }
    for (int i = 0; i < 3; i++) {
        world_return(slots[i]);
    }
}

static void
the_same_head_again(void)
{
    const struct pond_plan plan = world_plan(4, 4);

    world_begin(&plan);
    for (int i = 0; i < 4; i++) {
        world_rest_one(0);
    }
    part_cast(&once, 1);
    sched_thread(hoarder, NULL, false);
}

static void
back_to_the_old_place(void)
{
    static const struct part back = {
        {WORLD_NEVER, -WORLD_MS, false, true}, 1, false, false};
    struct pond_plan plan = world_plan(1, 1);

    plan.handoff_ns = 0;
    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&once, 1);
    part_cast(&back, 1);
}

/* --- one ticket in two hands -------------------------------------------------- */

static uint64_t ticket;
static uint32_t claims;

static void
claimer(void *arg)
{
    struct slot *slot = pond_claim(&world.pond, ticket);

    (void)arg;
    if (slot == NULL) {
        return;
    }
    claims++;
    WORLD_CHECK(claims == 1, "one ticket was claimed twice");
    world_own(slot);
    world_return(slot);
    /* The next loan of the same slot must not be claimed by the old ticket. */
    if (world_borrow(&once.wish, &slot) == POND_SLOT) {
        (void)pond_lend(&world.pond, slot, __FILE__, __LINE__, 1, 0);
        world_disown(slot);
        world.owner[slot->index] = SCHED_THREADS;
    }
}

static void
one_ticket_two_hands(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    ticket =
        pond_lend(&world.pond, world_lease_one(), __FILE__, __LINE__, 1, 0);
    claims = 0;
    sched_thread(claimer, NULL, false);
    sched_thread(claimer, NULL, false);
    sched_thread(claimer, NULL, false);
}

/* --- a loan is told whole ------------------------------------------------------ */

#define LENT_TIMES 3

static struct slot *told;

/* Every note of the n-th loan is n. */
static void
lender(void *arg)
{
    (void)arg;
    for (uint32_t n = 1; n <= LENT_TIMES; n++) {
        slot_note_server_thread(told, n);
        ticket = pond_lend(&world.pond, told, (const char *)(uintptr_t)n,
                           (int)n, n, n);
        sched_point();
        WORLD_CHECK(pond_claim(&world.pond, ticket) == told,
                    "a loan was claimed by nobody, and is not there");
    }
}

static void
lister(void *arg)
{
    struct pond_loan loan;

    (void)arg;
    for (uint32_t i = 0; i < LENT_TIMES; i++) {
        if (pond_loan_at(&world.pond, told->index, &loan)) {
            const uint32_t n = loan.thread;

            WORLD_CHECK((uintptr_t)loan.file == n && loan.line == (int)n &&
                            loan.since_ms == n && loan.server_thread == n,
                        "a loan is told with another one's notes");
        }
    }
}

static void
a_loan_is_told_whole(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    told = world_lease_one();
    world.owner[told->index] = SCHED_THREADS;
    sched_thread(lender, NULL, false);
    sched_thread(lister, NULL, false);
}

const struct scenario scenarios_borrow[] = {
    {"three_on_one", three_on_one},
    {"three_on_two_twice", three_on_two_twice},
    {"hand_over_by_age", hand_over_by_age},
    {"spins", spins},
    {"naps", naps},
    {"naps_beside_a_spare_one", naps_beside_a_spare_one},
    {"naps_and_hand_over", naps_and_hand_over},
    {"naps_and_timeouts", naps_and_timeouts},
    {"timeout_against_wake", timeout_against_wake},
    {"timeout_against_give", timeout_against_give},
    {"all_time_out", all_time_out},
    {"strict_order", strict_order},
    {"full_queue", full_queue},
    {"the_place_in_line_that_came_free", the_place_in_line_that_came_free},
    {"stealing", stealing},
    {"the_same_head_again", the_same_head_again},
    {"back_to_the_old_place", back_to_the_old_place},
    {"one_ticket_two_hands", one_ticket_two_hands},
    {"a_loan_is_told_whole", a_loan_is_told_whole},
    {NULL, NULL},
};
