/* SPDX-License-Identifier: MIT */
/* The state a pond must be in when nobody runs any more. */
#include "core/pond_inside.h"
#include "world.h"

static uint32_t places[WORLD_SLOTS];

static void
found(const struct slot *slot, enum slot_state state)
{
    WORLD_CHECK(slot_state_of(slot_peek(slot)) == state,
                "I2: a slot's state and its place do not match");
    places[slot->index]++;
}

static void
walk(const struct stack *stack, enum slot_state state)
{
    const stack_entry *entry = stack->list.head;

    for (uint32_t i = 0; entry != NULL; entry = entry->next) {
        if (++i > WORLD_SLOTS) {
            sched_fail("I2: a stack goes round in a circle");
            return;
        }
        found((const struct slot *)((const char *)entry -
                                    offsetof(struct slot, link)),
              state);
    }
}

static void
walk_idle(void)
{
    const struct idle *idle = &world.pond.idle;

    for (uint32_t i = 0; i < idle->count; i++) {
        const struct slot *warm = order_load_seq_ptr(&idle->shards[i].warm);

        if (warm != NULL) {
            found(warm, SLOT_IDLE);
        }
        walk(&idle->shards[i].rest, SLOT_IDLE);
    }
    walk(&idle->cold[0], SLOT_IDLE);
    walk(&idle->cold[1], SLOT_IDLE);
}

static void
inspect_places(void)
{
    const struct pond *pond = &world.pond;

    for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
        places[i] = world.owner[i] != 0;
    }
    walk_idle();
    walk(&pond->vacant, SLOT_VACANT);
    walk(&pond->orders, SLOT_OPENING);
    walk(&pond->retirees, SLOT_RETIRING);
    WORLD_CHECK(pond->offers.list.head == NULL, "an offer lies about");
    for (uint32_t i = 0; i < pond_slot_count(pond); i++) {
        WORLD_CHECK(places[i] == 1, "I2: a slot is lost or in two places");
    }
}

static void
inspect_waiters(void)
{
    const struct waiters *waiters = &world.pond.waiters;

    WORLD_CHECK(waiters_count(waiters) == 0, "a waiter is counted for ever");
    WORLD_CHECK(!waiters_token_out(waiters), "I6b: the wake token is lost");
    WORLD_CHECK(order_load_seq_u32(&waiters->nodes_out) == 0,
                "a node is out for ever");
    WORLD_CHECK(order_load_seq_u32(&waiters->lock) == 0,
                "the list's lock is held by nobody");
    WORLD_CHECK(order_load_seq_ptr(&waiters->inbox) == NULL,
                "mail that nobody reads");
    WORLD_CHECK(waiters->head == NULL && waiters->tail == NULL &&
                    waiters->listed == 0 && waiters->hurried == 0,
                "a node is listed for ever");
    WORLD_CHECK(waiters->owing == 0, "a wake is owed for ever");
    WORLD_CHECK(order_load_seq_u32(&world.pond.pace.handing) == 0,
                "a session is on its way to nobody");
    WORLD_CHECK(order_load_seq_u32(&world.pond.pace.spinning) == 0,
                "somebody spins for ever");
}

static void
inspect_counts(void)
{
    struct pond_gauges gauges;
    char text[128];

    pond_gauge(&world.pond, &gauges);
    WORLD_CHECK(quota_look(&world.pond.quota).taken ==
                    gauges.open + gauges.opening,
                "I4: the quota does not match the slots");
    WORLD_CHECK(gauges.open + gauges.opening <=
                    quota_look(&world.pond.quota).limit,
                "I1: more than the limit stay");
    WORLD_CHECK(world.keeps == 0 || gauges.open == world.keeps,
                "not as many stayed as may");
    WORLD_CHECK(gauges.open == world.live, "sessions and slots differ");
    WORLD_CHECK(order_load_seq_u32(&world.pond.openings) == gauges.opening,
                "I8: a place of the window is lost");
    WORLD_CHECK(pond_audit(&world.pond, text, sizeof(text)) == NULL,
                "the audit finds fault with a pond at rest");
}

void
world_inspect(void)
{
    if (world.ended) {
        return;
    }
    inspect_places();
    inspect_waiters();
    inspect_counts();
    world_inspect_tries();
    pond_destroy(&world.pond);
}
