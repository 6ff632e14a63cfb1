/* SPDX-License-Identifier: MIT */
/* Goal: who leaves gets nothing, loses nothing, and takes no wake-up along. */
/* Method: at every race point of a wait that times out, something is given;
 * at every race point of the giving, a whole wait times out. */
#include "fixture/pond_kit.h"

static struct {
    void (*give)(void);
    struct slot *slots[2]; /* lent until given */
    struct pond_wait wait, other;
    enum pond_end end;
    bool given, waited;
} scene;

/* --- what is given --------------------------------------------------- */

static void
one_is_put(void)
{
    pond_put(&kit.pond, scene.slots[0]);
}

static void
both_are_put(void)
{
    pond_put(&kit.pond, scene.slots[0]);
    pond_put(&kit.pond, scene.slots[1]);
}

static void
one_is_put_and_taken_by_a_newcomer(void)
{
    struct slot *slot;

    pond_put(&kit.pond, scene.slots[0]);
    slot = kit_take();
    if (slot != NULL) {
        pond_put(&kit.pond, slot);
    }
}

static void
one_place_becomes_free(void)
{
    pond_forsake(&kit.pond, scene.slots[0]);
    kit_open_orders();
}

static void
it_is_suspended_and_resumed_and_one_is_put(void)
{
    pond_raise(&kit.pond, POND_SUSPENDED);
    pond_put(&kit.pond, scene.slots[0]);
    pond_lower(&kit.pond, POND_SUSPENDED);
}

static void (*const gifts[])(void) = {
    one_is_put,
    both_are_put,
    one_is_put_and_taken_by_a_newcomer,
    one_place_becomes_free,
    it_is_suspended_and_resumed_and_one_is_put,
};
#define GIFTS (sizeof gifts / sizeof gifts[0])

static void
give_once(void)
{
    if (!scene.given) {
        scene.given = true;
        scene.give();
    }
}

/* --- the wait -------------------------------------------------------- */

static void
wait_for_a_moment(void)
{
    scene.waited = true;
    assert_int_equal(kit_join(&scene.wait, 2 * KIT_MS), POND_SLOT);
    scene.end = pond_await(&kit.pond, &scene.wait);
}

static void
set_scene(size_t variant)
{
    static const int64_t handoffs[] = {0, KIT_MS, 2 * KIT_MS, INT64_MAX};
    struct pond_plan plan = kit_plan(2, 2);

    plan.handoff_ns = handoffs[variant % 4];
    plan.burst_ns = KIT_MS; /* one step in a hurry before the deadline */
    kit_begin(&plan);
    memset(&scene, 0, sizeof scene);
    scene.give = gifts[variant / 4 % GIFTS];
    scene.slots[0] = kit_lease();
    scene.slots[1] = kit_lease();
}
#define VARIANTS (4 * GIFTS)

/* Every session is in one place, and the next waiter is woken and served. */
static void
expect_all_is_there(void)
{
    uint32_t lent = scene.give == both_are_put ? 0 : 1;

    (void)kit_uncut();
    if (scene.end == POND_SLOT) {
        assert_int_equal(slot_state_of(slot_peek(scene.wait.slot)),
                         SLOT_LEASED);
        scene.wait.slot->loans_before--; /* one loan more */
        lent++;
    } else {
        assert_int_equal(scene.end, POND_TIMED_OUT);
    }
    kit_open_orders();
    while (pond_order(&kit.pond, UINT32_MAX)) {
        kit_open_orders(); /* a free place that nobody wanted */
    }
    assert_int_equal(kit_gauges().leased, lent);
    assert_int_equal(kit_gauges().open, 2);
    kit_expect_quiet();
    if (scene.end == POND_SLOT) {
        pond_put(&kit.pond, scene.wait.slot);
    }
    if (lent > 0 && scene.give != both_are_put) {
        pond_put(&kit.pond, scene.slots[1]);
    }
    kit_expect_quiet();
}

/* Whether the wait has cost the pond its ability to wake. */
static void
put_first(void)
{
    pond_put(&kit.pond, scene.slots[0]);
}

static void
expect_the_next_waiter_is_served(void)
{
    scene.slots[0] = kit_take();
    scene.slots[1] = kit_take();
    assert_non_null(scene.slots[1]);
    assert_null(kit_take());
    assert_int_equal(kit_join(&scene.other, CLOCK_NEVER), POND_SLOT);
    memset(kit.naps, 0, sizeof kit.naps);
    kit.slept = 0;
    kit.naps[0] = put_first;
    assert_int_equal(pond_await(&kit.pond, &scene.other), POND_SLOT);
    scene.other.slot->loans_before--; /* one loan more */
    pond_put(&kit.pond, scene.other.slot);
    pond_put(&kit.pond, scene.slots[1]);
    kit_end();
}

static void
tell(const char *which, size_t variant, uint32_t nth)
{
    (void)snprintf(kit.story, sizeof kit.story, "%s %u, race point %u", which,
                   (unsigned)variant, nth);
}

static void
a_gift_anywhere_inside_a_wait_is_taken_or_stays(void **state)
{
    uint32_t given = 0, expired = 0;

    (void)state;
    for (size_t variant = 0; variant < VARIANTS; variant++) {
        bool reached = true;

        for (uint32_t nth = 1; reached; nth++) {
            set_scene(variant);
            tell("gift", variant, nth);
            kit_cut(0, NULL, nth, give_once);
            wait_for_a_moment();
            reached = kit.cuts_made > 0;
            (void)kit_uncut();
            *(scene.end == POND_SLOT ? &given : &expired) += 1;
            give_once();
            expect_all_is_there();
            expect_the_next_waiter_is_served();
        }
    }
    assert_true(given > 0 && expired > VARIANTS);
}

static void
a_wait_that_expires_anywhere_inside_the_giving_takes_nothing_along(void **state)
{
    (void)state;
    for (size_t variant = 0; variant < VARIANTS; variant++) {
        bool reached = true;

        for (uint32_t nth = 1; reached; nth++) {
            set_scene(variant);
            tell("expiry", variant, nth);
            kit_cut(0, NULL, nth, wait_for_a_moment);
            give_once();
            reached = scene.waited;
            (void)kit_uncut();
            if (!scene.waited) {
                wait_for_a_moment();
            }
            expect_all_is_there();
            expect_the_next_waiter_is_served();
        }
    }
}

static void
sleep_until_the_deadline(void)
{
    scene.waited = true;
    scene.end = pond_await(&kit.pond, &scene.wait);
}

/* The giver has seen that somebody waits; then nobody does any more. */
static void
a_waiter_that_expires_while_it_is_given_to_strands_nothing(void **state)
{
    (void)state;
    for (size_t variant = 0; variant < VARIANTS; variant++) {
        bool reached = true;

        for (uint32_t nth = 1; reached; nth++) {
            set_scene(variant);
            tell("late", variant, nth);
            assert_int_equal(kit_join(&scene.wait, 2 * KIT_MS), POND_SLOT);
            kit_cut(0, NULL, nth, sleep_until_the_deadline);
            give_once();
            reached = scene.waited;
            (void)kit_uncut();
            if (!scene.waited) {
                sleep_until_the_deadline();
            }
            expect_all_is_there();
            expect_the_next_waiter_is_served();
        }
    }
}

/* A second waiter is in line, and the first one expires in the middle. */
static void
an_expiry_anywhere_inside_the_giving_leaves_the_gift_to_the_next(void **state)
{
    (void)state;
    for (size_t variant = 0; variant < 4; variant++) { /* one_is_put */
        bool reached = true;

        for (uint32_t nth = 1; reached; nth++) {
            set_scene(variant);
            tell("next", variant, nth);
            kit_cut(0, NULL, nth, wait_for_a_moment);
            assert_int_equal(kit_join(&scene.other, CLOCK_NEVER), POND_SLOT);
            give_once();
            reached = scene.waited;
            (void)kit_uncut();
            if (scene.waited && scene.end == POND_SLOT) {
                scene.wait.slot->loans_before--; /* one loan more */
                pond_put(&kit.pond, scene.wait.slot);
            }
            assert_int_equal(pond_await(&kit.pond, &scene.other), POND_SLOT);
            scene.other.slot->loans_before--; /* one loan more */
            pond_put(&kit.pond, scene.other.slot);
            pond_put(&kit.pond, scene.slots[1]);
            kit_expect_quiet();
            kit_end();
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gift_anywhere_inside_a_wait_is_taken_or_stays),
        cmocka_unit_test(
            a_wait_that_expires_anywhere_inside_the_giving_takes_nothing_along),
        cmocka_unit_test(
            a_waiter_that_expires_while_it_is_given_to_strands_nothing),
        cmocka_unit_test(
            an_expiry_anywhere_inside_the_giving_leaves_the_gift_to_the_next),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
