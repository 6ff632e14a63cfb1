/* SPDX-License-Identifier: MIT */
/* Scenarios: growing, failing to open, hanging up, and who waits for it. */
#include <stddef.h>

#include "scenarios.h"

static const struct part once = {
    {WORLD_NEVER, 0, false, false}, 1, false, false};
static const struct part breaks = {
    {WORLD_NEVER, 0, false, false}, 1, true, false};
static const struct part no_wait = {{0, 0, false, false}, 1, false, true};
static const struct part new_only = {
    {WORLD_NEVER, 0, true, true}, 1, false, false};

static void
grow_from_nothing(void)
{
    struct pond_plan plan = world_plan(2, 2);

    plan.window = 2;
    world_begin(&plan);
    part_cast(&once, 2);
    world_opener_daemon();
}

static void
grow_while_opening_fails(void)
{
    const struct pond_plan plan = world_plan(2, 2);

    world_begin(&plan);
    world.opens_to_fail = 2;
    part_cast(&once, 2);
    world_opener_daemon();
}

static void
two_openers(void)
{
    struct pond_plan plan = world_plan(2, 2);

    plan.window = 2;
    world_begin(&plan);
    world.opens_to_fail = 1;
    part_cast(&once, 2);
    world_opener_daemon();
    world_opener_daemon();
}

static void
retire_against_join(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    part_cast_holder(part_retirer, world_lease_one());
    part_cast(&once, 1);
    world_opener_daemon();
    world_keeper_daemon();
}

static void
each_breaks_his(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    world_rest_one(0);
    part_cast(&breaks, 2);
    world_opener_daemon();
    world_keeper_daemon();
}

/* The window is held for a moment by one whom the quota then refuses. */
static void
a_failed_order_hides_the_window(void)
{
    static const struct part burst = {
        {WORLD_NEVER, -WORLD_MS, false, false}, 1, false, false};
    struct pond_plan plan = world_plan(1, 2);

    plan.burst_ns = 0;
    world_begin(&plan);
    part_cast(&no_wait, 1);
    part_cast(&burst, 1);
    /* Somebody else keeps the only session below size for good. */
    world.owner[world_lease_one()->index] = SCHED_THREADS;
    world_opener_daemon();
}

static void
two_orders_for_the_last_place(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.window = 2;
    world_begin(&plan);
    part_cast(&no_wait, 2);
    part_cast(&once, 1);
    world_opener_daemon();
}

static void
looker(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        reclaim_read_begin();
        pond_look(&world.pond);
        reclaim_read_end();
    }
}

/* Somebody looks at the line in the moment in which a session arrives. */
static void
one_waits_and_one_is_opened(void)
{
    struct pond_plan plan = world_plan(2, 2);

    plan.window = 2;
    world_begin(&plan);
    world.keeps = 1;
    part_cast(&once, 1);
    sched_thread(looker, NULL, false);
    world_opener_daemon();
}

/* The keeper ordered it; it goes to rest while somebody comes to wait. */
static void
one_waits_and_one_comes_unasked(void)
{
    struct pond_plan plan = world_plan(2, 2);

    plan.window = 2;
    world_begin(&plan);
    world.keeps = 1;
    (void)pond_order(&world.pond, 1);
    part_cast(&once, 1);
    world_opener_daemon();
}

/* Above size only for who has waited for burst_after. */
static void
burst_after_a_while(void)
{
    struct pond_plan plan = world_plan(1, 2);

    plan.burst_ns = 3 * WORLD_MS;
    world_begin(&plan);
    world.owner[world_lease_one()->index] = SCHED_THREADS;
    part_cast(&once, 2);
    world_opener_daemon();
}

static void
a_new_one_or_none(void)
{
    const struct pond_plan plan = world_plan(2, 2);

    world_begin(&plan);
    world_rest_one(0);
    part_cast(&new_only, 1);
    part_cast(&once, 1);
    world_opener_daemon();
}

/* No place is free, but what comes back was opened after he had come. */
static void
new_enough(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    struct slot *const slot = world_lease_one();
    slot->opened_ns = SCHED_START_NS + 1;
    part_cast_holder(part_returner, slot);
    part_cast(&new_only, 1);
    part_cast(&once, 1);
}

static void
leave_to_open(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.self_service = true;
    world_begin(&plan);
    world.opens_to_fail = 1;
    part_cast(&once, 2);
}

static void
leave_to_open_against_timeout(void)
{
    static const struct part hasty = {
        {5 * WORLD_MS, 0, false, false}, 1, false, true};
    struct pond_plan plan = world_plan(1, 1);

    plan.self_service = true;
    world_begin(&plan);
    part_cast_holder(part_retirer, world_lease_one());
    part_cast(&hasty, 1);
    part_cast(&once, 1);
    world_keeper_daemon();
}

static void
window_opener(void *arg)
{
    (void)arg;
    reclaim_read_begin();
    pond_set_window(&world.pond, 1);
    reclaim_read_end();
}

/* No connect is allowed (a breaker is open) until it is. */
static void
the_window_opens(void)
{
    struct pond_plan plan = world_plan(1, 1);

    plan.window = 0;
    world_begin(&plan);
    part_cast(&once, 2);
    world_opener_daemon();
    sched_thread(window_opener, NULL, false);
}

static void
refresher(void *arg)
{
    (void)arg;
    reclaim_read_begin();
    pond_next_epoch(&world.pond);
    reclaim_read_end();
}

/* What is being connected when the epoch moves is nobody's. */
static void
refresh_against_growth(void)
{
    const struct pond_plan plan = world_plan(1, 1);

    world_begin(&plan);
    part_cast(&once, 2);
    sched_thread(refresher, NULL, false);
    world_opener_daemon();
    world_keeper_daemon();
}

/* The audit may run at any moment and finds nothing. */
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
audit_at_any_moment(void)
{
    const struct pond_plan plan = world_plan(2, 2);

    world_begin(&plan);
    world.opens_to_fail = 1;
    part_cast(&breaks, 1);
    sched_thread(auditor, NULL, false);
    world_opener_daemon();
    world_keeper_daemon();
}

const struct scenario scenarios_open[] = {
    {"grow_from_nothing", grow_from_nothing},
    {"grow_while_opening_fails", grow_while_opening_fails},
    {"two_openers", two_openers},
    {"retire_against_join", retire_against_join},
    {"each_breaks_his", each_breaks_his},
    {"a_failed_order_hides_the_window", a_failed_order_hides_the_window},
    {"two_orders_for_the_last_place", two_orders_for_the_last_place},
    {"one_waits_and_one_is_opened", one_waits_and_one_is_opened},
    {"one_waits_and_one_comes_unasked", one_waits_and_one_comes_unasked},
    {"burst_after_a_while", burst_after_a_while},
    {"a_new_one_or_none", a_new_one_or_none},
    {"new_enough", new_enough},
    {"leave_to_open", leave_to_open},
    {"leave_to_open_against_timeout", leave_to_open_against_timeout},
    {"the_window_opens", the_window_opens},
    {"refresh_against_growth", refresh_against_growth},
    {"audit_at_any_moment", audit_at_any_moment},
    {NULL, NULL},
};
