/* SPDX-License-Identifier: MIT */
/* Scenarios: a pond that grows and shrinks while it is in use. */
#include <stddef.h>

#include "scenarios.h"

static const struct part once = {
    {WORLD_NEVER, 0, false, false}, 1, false, false};
static const struct part may_miss = {
    {WORLD_NEVER, 0, false, false}, 1, false, true};

static void
grower(void *arg)
{
    (void)arg;
    world_resize(2, 2);
}

static void
shrinker(void *arg)
{
    (void)arg;
    world_resize(1, 1);
}

/* Somebody else keeps the only session for good. */
static void
grow_against_wait(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    world.owner[world_lease_one()->index] = SCHED_THREADS;
    part_cast(&once, 1);
    sched_thread(grower, NULL, false);
    world_opener_daemon();
}

static void
grow_where_a_waiter_opens(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.self_service = true;
    world_begin(&plan);
    world.owner[world_lease_one()->index] = SCHED_THREADS;
    part_cast(&once, 1);
    sched_thread(grower, NULL, false);
}

/* Two come back, one of them has to go, and only one. */
static void
shrink_against_returns(void)
{
    const struct pond_plan plan = world_plan(2, 2);

    world_begin(&plan);
    world.keeps = 1;
    part_cast_holder(part_returner, world_lease_one());
    part_cast_holder(part_returner, world_lease_one());
    sched_thread(shrinker, NULL, false);
    world_keeper_daemon();
}

/* The same, with one who waits for whichever stays. */
static void
shrink_under_a_waiter(void)
{
    struct pond_plan plan = world_plan(2, 2);

    plan.handoff_ns = 0;
    world_begin(&plan);
    world.keeps = 1;
    part_cast_holder(part_returner, world_lease_one());
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&once, 1);
    sched_thread(shrinker, NULL, false);
    world_keeper_daemon();
}

static void
shrink_against_openings(void)
{
    struct pond_plan plan = world_plan(2, 2);

    plan.window = 2;
    world_begin(&plan);
    world.keeps = 1;
    part_cast(&once, 2);
    sched_thread(shrinker, NULL, false);
    world_opener_daemon();
    world_keeper_daemon();
}

static void
shrink_where_waiters_open(void)
{
    struct pond_plan plan = world_plan(2, 2);

    plan.self_service = true;
    plan.window = 2;
    world_begin(&plan);
    world.keeps = 1;
    part_cast(&once, 2);
    sched_thread(shrinker, NULL, false);
    world_keeper_daemon();
}

static void
there_and_back(void *arg)
{
    (void)arg;
    world_resize(2, 2);
    world_resize(1, 1);
}

/* Also of slots that were not there at the beginning. */
static void
grow_and_shrink_again(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    world_rest_one(0);
    part_cast(&once, 2);
    sched_thread(there_and_back, NULL, false);
    world_opener_daemon();
    world_keeper_daemon();
}

static void
same_again(void *arg)
{
    const struct pond_sizes sizes = {1, 3, UINT32_MAX};

    (void)arg;
    WORLD_CHECK(pond_resize(&world.pond, &sizes), "no memory in the world");
}

/* Nobody has waited for long enough: whoever read anything but a size of one
 * would open a second session. */
static void
sizes_are_read_whole(void)
{
    static const struct part hasty = {
        {5 * WORLD_MS, 0, false, false}, 1, false, true};
    const struct pond_plan plan = world_plan(1, 3);

    world_begin(&plan);
    world.most = 1;
    world.owner[world_lease_one()->index] = SCHED_THREADS;
    part_cast(&hasty, 1);
    sched_thread(same_again, NULL, false);
    world_opener_daemon();
}

static void
auditor(void *arg)
{
    char text[128];
    const char *verdict = pond_audit(&world.pond, text, sizeof(text));

    (void)arg;
    WORLD_CHECK(verdict == NULL || verdict[0] == '\0',
                "the audit found fault with a sound pond");
}

static void
audit_a_shrinking_pond(void)
{
    const struct pond_plan plan = world_plan(2, 2);

    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast_holder(part_returner, world_lease_one());
    sched_thread(shrinker, NULL, false);
    sched_thread(auditor, NULL, false);
    world_keeper_daemon();
}

static void
close_all(void *arg)
{
    (void)arg;
    world_close();
}

/* A guest since before the close. */
static void
guest_shrinker(void *arg)
{
    (void)arg;
    world_resize(1, 1);
    reclaim_read_begin();
    pond_guest_goes(&world.pond);
    reclaim_read_end();
}

static void
close_against_a_shrink(void)
{
    const struct pond_plan plan = world_plan(2, 2);

    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&may_miss, 1);
    pond_guest_comes(&world.pond);
    sched_thread(guest_shrinker, NULL, false);
    sched_thread(close_all, NULL, false);
    world_opener_daemon();
    world_keeper_daemon();
}

const struct scenario scenarios_resize[] = {
    {"grow_against_wait", grow_against_wait},
    {"grow_where_a_waiter_opens", grow_where_a_waiter_opens},
    {"shrink_against_returns", shrink_against_returns},
    {"shrink_under_a_waiter", shrink_under_a_waiter},
    {"shrink_against_openings", shrink_against_openings},
    {"shrink_where_waiters_open", shrink_where_waiters_open},
    {"grow_and_shrink_again", grow_and_shrink_again},
    {"sizes_are_read_whole", sizes_are_read_whole},
    {"audit_a_shrinking_pond", audit_a_shrinking_pond},
    {"close_against_a_shrink", close_against_a_shrink},
    {NULL, NULL},
};
