/* SPDX-License-Identifier: MIT */
/* Goal: nobody sleeps beside what could serve or end the wait (I3). */
/* Method: for each event that a waiter may wait for, the event happens at
 * every race point of a join and its sleep, and a join at every race point of
 * the event; with one more joiner inside, and in every order of handing off. */
#include "fixture/pond_kit.h"

struct event {
    const char *name;
    void (*prepare)(void); /* until there is nothing for a borrower */
    void (*happen)(void);
    enum pond_end end; /* what a borrower then gets */
    uint32_t maxsize, window;
    bool self_service;
};

static struct {
    const struct event *event;
    bool happened;
    struct slot *slot; /* the event's */
    struct pond_wait waits[2];
    bool joined[2];
} scene;

/* --- the events ------------------------------------------------------ */

static void
one_is_lent(void)
{
    scene.slot = kit_lease();
}

static void
it_is_put_back(void)
{
    pond_put(&kit.pond, scene.slot);
}

static void
it_is_discarded(void)
{
    pond_retire(&kit.pond, scene.slot);
    struct slot *const retiree = pond_next_retiree(&kit.pond);

    assert_ptr_equal(retiree, scene.slot);
    pond_vacate(&kit.pond, retiree);
}

static void
it_is_detached(void)
{
    pond_forsake(&kit.pond, scene.slot);
}

static void
one_is_being_opened(void)
{
    assert_true(pond_order(&kit.pond, UINT32_MAX));
    scene.slot = pond_next_order(&kit.pond);
    assert_non_null(scene.slot);
    slot_begin_uses(scene.slot);
}

static void
it_is_open(void)
{
    pond_opened(&kit.pond, scene.slot);
}

static void
its_connect_fails(void)
{
    pond_open_failed(&kit.pond, scene.slot);
}

static void
nothing_is_there(void)
{
}

static void
the_window_opens(void)
{
    pond_set_window(&kit.pond, 2);
}

static void
the_limit_is_zero(void)
{
    quota_set_limit(&kit.pond.quota, 0);
}

static void
the_limit_grows(void)
{
    quota_set_limit(&kit.pond.quota, 1);
    pond_look(&kit.pond);
}

static void
one_rests_in_a_suspended_pond(void)
{
    kit_rest(1);
    pond_raise(&kit.pond, POND_SUSPENDED);
}

static void
it_is_resumed(void)
{
    pond_lower(&kit.pond, POND_SUSPENDED);
}

static void
it_closes(void)
{
    pond_raise(&kit.pond, POND_CLOSING);
}

static void
connects_fail_for_good(void)
{
    pond_raise(&kit.pond, POND_BROKEN);
}

static void
the_last_one_is_lent_and_no_other_comes(void)
{
    pond_set_window(&kit.pond, 1);
    scene.slot = kit_lease();
    pond_set_window(&kit.pond, 0);
    pond_raise(&kit.pond, POND_BROKEN);
}

static void
connects_work_again(void)
{
    pond_lower(&kit.pond, POND_BROKEN);
    pond_set_window(&kit.pond, 2);
}

static const struct event events[] = {
    {"put", one_is_lent, it_is_put_back, POND_SLOT, 1, 9, false},
    {"discard", one_is_lent, it_is_discarded, POND_SLOT, 1, 9, false},
    {"detach", one_is_lent, it_is_detached, POND_SLOT, 1, 9, false},
    {"opened", one_is_being_opened, it_is_open, POND_SLOT, 1, 9, false},
    {"open failed", one_is_being_opened, its_connect_fails, POND_SLOT, 1, 9,
     false},
    {"window", nothing_is_there, the_window_opens, POND_SLOT, 1, 0, false},
    {"limit", the_limit_is_zero, the_limit_grows, POND_SLOT, 1, 9, false},
    {"resume", one_rests_in_a_suspended_pond, it_is_resumed, POND_SLOT, 1, 9,
     false},
    {"close", one_is_lent, it_closes, POND_SHUT, 1, 9, false},
    {"close while opening", one_is_being_opened, it_closes, POND_SHUT, 1, 9,
     false},
    {"broken", nothing_is_there, connects_fail_for_good, POND_BROKE, 1, 0,
     false},
    {"last one retired", the_last_one_is_lent_and_no_other_comes,
     it_is_discarded, POND_BROKE, 1, 0, false},
    {"last one detached", the_last_one_is_lent_and_no_other_comes,
     it_is_detached, POND_BROKE, 1, 0, false},
    {"mended", the_last_one_is_lent_and_no_other_comes, connects_work_again,
     POND_SLOT, 2, 0, false},
    {"leave after a failure", one_is_being_opened, its_connect_fails,
     POND_LEAVE, 1, 9, true},
    {"leave after a detach", one_is_lent, it_is_detached, POND_LEAVE, 1, 9,
     true},
};
#define EVENTS (sizeof events / sizeof events[0])

static void
happen_once(void)
{
    if (!scene.happened) {
        scene.happened = true;
        scene.event->happen();
    }
}

/* --- the joiners ----------------------------------------------------- */

static void
join_as(uint32_t who)
{
    reclaim_read_begin();
    const enum pond_end end = kit_join(&scene.waits[who], CLOCK_NEVER);
    reclaim_read_end();
    scene.joined[who] = end == POND_SLOT;
    if (!scene.joined[who]) {
        assert_true(end == POND_SHUT || end == POND_BROKE);
        assert_int_equal(scene.event->end, end);
    }
}

/* Ends its wait as the event demands, and gives everything back. */
static void
await_as(uint32_t who)
{
    struct slot *slot;

    if (!scene.joined[who]) {
        return;
    }
    scene.joined[who] = false;
    const enum pond_end end = pond_await(&kit.pond, &scene.waits[who]);
    if (end != scene.event->end) {
        fail_msg("ended with %d instead of %d: %s", (int)end,
                 (int)scene.event->end, kit.story);
    }
    kit_audit();
    slot = scene.waits[who].slot;
    if (end == POND_LEAVE) {
        assert_int_equal(slot_state_of(slot_peek(slot)), SLOT_OPENING);
        pond_open_failed(&kit.pond, slot);
    } else if (end == POND_SLOT) {
        assert_int_equal(slot_state_of(slot_peek(slot)), SLOT_LEASED);
        slot->loans_before--; /* one loan more */
        pond_put(&kit.pond, slot);
    }
}

/* While one sleeps, the world goes on: the event, the openers, and the other
 * one as far as it can come without the sleeper. */
static void
the_world_goes_on(void)
{
    happen_once();
    kit_open_orders();
    if (scene.joined[1] && kit_state(&scene.waits[1]) != WAITER_AWAKE) {
        await_as(1);
    }
}

static void
join_first(void)
{
    join_as(0);
}

static void
join_second(void)
{
    join_as(1);
}

static void
set_scene(const struct event *event, int64_t handoff_ns)
{
    struct pond_plan plan = kit_plan(event->maxsize, event->maxsize);

    plan.window = event->window;
    plan.handoff_ns = handoff_ns;
    plan.self_service = event->self_service;
    kit_begin(&plan);
    kit.every_nap = the_world_goes_on;
    memset(&scene, 0, sizeof scene);
    scene.event = event;
    event->prepare();
}

/* What the event left in other hands comes home too. */
static void
end_scene(void)
{
    (void)kit_uncut();
    happen_once();
    await_as(1);
    kit_open_orders();
    if (scene.slot != NULL && !kit_gauges().opening &&
        slot_state_of(slot_peek(scene.slot)) == SLOT_LEASED) {
        pond_put(&kit.pond, scene.slot);
    }
    if (slot_state_of(slot_peek(extents_at(&kit.pond.slots, 0))) == SLOT_OPENING) {
        pond_open_failed(&kit.pond, extents_at(&kit.pond.slots, 0));
    }
    kit_expect_quiet();
    kit_end();
}

/* --- the interleavings ----------------------------------------------- */

static const int64_t handoffs[] = {0, KIT_MS, INT64_MAX};

/* False when the n-th race point was never reached. */
typedef bool interleaving(uint32_t nth);

static uint32_t inner_nth; /* where the second joiner joins; 0: nowhere */

static bool
event_inside_the_wait(uint32_t nth)
{
    kit_cut(0, NULL, nth, happen_once);
    join_first();
    await_as(0);
    return kit.cuts_made > 0;
}

static bool
join_inside_the_event(uint32_t nth)
{
    kit_cut(0, NULL, nth, join_first);
    happen_once();
    const bool reached = kit.cuts_made > 0;
    if (!reached) {
        (void)kit_uncut();
        join_first();
    }
    await_as(0);
    return reached;
}

static void
try_everywhere(interleaving *interleave)
{
    for (size_t i = 0; i < EVENTS * 3; i++) {
        uint32_t nth = 0;
        bool reached;

        do {
            set_scene(&events[i / 3], handoffs[i % 3]);
            (void)snprintf(kit.story, sizeof kit.story,
                           "%s, hand-off %d, race point %u, inner one %u",
                           events[i / 3].name, (int)(i % 3), nth + 1,
                           inner_nth);
            reached = interleave(++nth);
            end_scene();
        } while (reached);
        assert_true(nth > 1); /* there was something to interleave */
    }
}

static void
an_event_anywhere_inside_a_wait_ends_it(void **state)
{
    (void)state;
    try_everywhere(event_inside_the_wait);
}

static void
a_join_anywhere_inside_an_event_is_ended_by_it(void **state)
{
    (void)state;
    try_everywhere(join_inside_the_event);
}

/* The same with a second joiner anywhere inside the inner one. */

static bool
event_inside_the_wait_and_a_join_inside_the_event(uint32_t nth)
{
    kit_cut(1, NULL, inner_nth, join_second);
    return event_inside_the_wait(nth);
}

static bool
join_inside_the_event_and_another_inside_that(uint32_t nth)
{
    kit_cut(1, NULL, inner_nth, join_second);
    return join_inside_the_event(nth);
}

static void
a_second_joiner_anywhere_inside_the_event_is_served_too(void **state)
{
    (void)state;
    for (inner_nth = 1; inner_nth <= 16; inner_nth++) {
        try_everywhere(event_inside_the_wait_and_a_join_inside_the_event);
    }
    inner_nth = 0;
}

static void
a_second_joiner_anywhere_inside_the_first_is_served_too(void **state)
{
    (void)state;
    for (inner_nth = 1; inner_nth <= 12; inner_nth++) {
        try_everywhere(join_inside_the_event_and_another_inside_that);
    }
    inner_nth = 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_anywhere_inside_a_wait_ends_it),
        cmocka_unit_test(a_join_anywhere_inside_an_event_is_ended_by_it),
        cmocka_unit_test(
            a_second_joiner_anywhere_inside_the_event_is_served_too),
        cmocka_unit_test(
            a_second_joiner_anywhere_inside_the_first_is_served_too),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
