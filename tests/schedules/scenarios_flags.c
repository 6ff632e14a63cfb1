/* SPDX-License-Identifier: MIT */
/* Scenarios: closing, suspending and breaking a pond that is in use. */
#include <stddef.h>

#include "scenarios.h"

static const struct part once = {
    {WORLD_NEVER, 0, false, false}, 1, false, false};
static const struct part may_miss = {
    {WORLD_NEVER, 0, false, false}, 1, false, true};
static const struct part no_wait = {{0, 0, false, false}, 1, false, true};

static void
closer(void *arg)
{
    (void)arg;
    world_close();
}

static void
close_against_a_loan(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&may_miss, 1);
    sched_thread(closer, NULL, false);
    world_keeper_daemon();
}

static void
close_in_strict_order(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.handoff_ns = 0;
    world_begin(&plan);
    world.trusts_grants = true;
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&may_miss, 2);
    sched_thread(closer, NULL, false);
    world_keeper_daemon();
}

static void
close_against_growth(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    part_cast(&may_miss, 1);
    part_cast(&no_wait, 1);
    sched_thread(closer, NULL, false);
    world_opener_daemon();
    world_keeper_daemon();
}

static void
close_against_leave_to_open(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.self_service = true;
    world_begin(&plan);
    part_cast(&may_miss, 2);
    sched_thread(closer, NULL, false);
    world_keeper_daemon();
}

static void
suspender(void *arg)
{
    (void)arg;
    world_raise(POND_SUSPENDED);
    sched_point();
    world_lower(POND_SUSPENDED);
}

static void
suspend_and_resume(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&once, 2);
    sched_thread(suspender, NULL, false);
}

static void
suspend_in_strict_order(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.handoff_ns = 0;
    world_begin(&plan);
    part_cast_holder(part_returner, world_lease_one());
    part_cast(&once, 1);
    sched_thread(suspender, NULL, false);
}

static void
firm_suspender(void *arg)
{
    (void)arg;
    world_suspend();
    sched_point();
    world_lower(POND_SUSPENDED);
}

/* One who takes, one who is handed what comes back. */
static void
suspend_for_sure(void)
{
    static const struct part aged = {
        {WORLD_NEVER, -2 * WORLD_MS, false, false}, 1, false, false};
    struct pond_plan plan = world_plan(1, 1);

    plan.handoff_ns = WORLD_MS;
    world_begin(&plan);
    world_rest_one(0);
    part_cast(&once, 1);
    part_cast(&aged, 1);
    sched_thread(firm_suspender, NULL, false);
}

static void
suspend_against_leave_to_open(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.self_service = true;
    world_begin(&plan);
    part_cast(&once, 2);
    sched_thread(firm_suspender, NULL, false);
}

static void
suspend_then_close(void *arg)
{
    (void)arg;
    world_raise(POND_SUSPENDED);
    world_close();
}

static void
close_a_suspended_pond(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    world_rest_one(0);
    part_cast(&may_miss, 2);
    sched_thread(suspend_then_close, NULL, false);
    world_keeper_daemon();
}

static void
breaker(void *arg)
{
    (void)arg;
    reclaim_read_begin();
    pond_set_window(&world.pond, 0);
    pond_raise(&world.pond, POND_BROKEN);
    reclaim_read_end();
}

/* When the last session goes while connects fail, nobody may wait on. */
static void
the_last_one_goes_in_a_broken_pond(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    part_cast_holder(part_retirer, world_lease_one());
    part_cast(&may_miss, 2);
    sched_thread(breaker, NULL, false);
    world_keeper_daemon();
}

const struct scenario scenarios_flags[] = {
    {"close_against_a_loan", close_against_a_loan},
    {"close_in_strict_order", close_in_strict_order},
    {"close_against_growth", close_against_growth},
    {"close_against_leave_to_open", close_against_leave_to_open},
    {"suspend_and_resume", suspend_and_resume},
    {"suspend_in_strict_order", suspend_in_strict_order},
    {"suspend_for_sure", suspend_for_sure},
    {"suspend_against_leave_to_open", suspend_against_leave_to_open},
    {"close_a_suspended_pond", close_a_suspended_pond},
    {"the_last_one_goes_in_a_broken_pond", the_last_one_goes_in_a_broken_pond},
    {NULL, NULL},
};
