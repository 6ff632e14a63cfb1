/* SPDX-License-Identifier: MIT */
/* Borrowing and returning with witnesses: who may have what, and when. */
#include "core/waiters_words.h"
#include "world.h"

/* What was so when a borrow began. */
struct beginning {
    uint32_t joins;
    bool shut, suspended;
    bool in_line; /* came as a newcomer, to the end of the line */
};

void
world_own(struct slot *slot)
{
    WORLD_CHECK(slot_state_of(slot_peek(slot)) == SLOT_LEASED,
                "somebody has a slot that is not LEASED");
    WORLD_CHECK(world.owner[slot->index] == 0, "I2: one session in two hands");
    world.owner[slot->index] = sched_self() + 1;
}

void
world_disown(struct slot *slot)
{
    WORLD_CHECK(world.owner[slot->index] == sched_self() + 1,
                "I2: a session was taken out of its holder's hands");
    world.owner[slot->index] = 0;
}

/* --- witnesses ---------------------------------------------------------------- */

static bool
still_waits(uint32_t thread)
{
    const uint32_t word = atomic_load(&world.node[thread]->word.raw);
    const enum waiter_state state = waiter_state_of(word);

    return word >> WAITER_STATE_BITS == world.incarnation[thread] &&
           (state == WAITER_AWAKE || state == WAITER_PARKED ||
            state == WAITER_WOKEN);
}

/* In strict order nobody is served before one who had joined when he came. */
static bool
overtook(const struct beginning *began)
{
    for (uint32_t i = 0; i < SCHED_THREADS; i++) {
        if (i != sched_self() && world.joined[i] != 0 &&
            world.joined[i] <= began->joins && still_waits(i)) {
            return true;
        }
    }
    return false;
}

static void
check_success(const struct beginning *began, const struct slot *slot)
{
    WORLD_CHECK(!began->shut, "I6: a borrow began after the close and won");
    WORLD_CHECK(!world.put_late[slot->index] || !world.shut,
                "I6: returned after the close and lent again");
    /* A pass that is older than the suspension may still hand over. */
    WORLD_CHECK(!world.put_late[slot->index] || !world.suspended ||
                    world.plan.handoff_ns == 0,
                "returned to a suspended pond and lent again");
    WORLD_CHECK(!began->suspended || !world.suspended,
                "a borrow began and won in a suspended pond");
    WORLD_CHECK(world.plan.handoff_ns != 0 || !began->in_line ||
                    !overtook(began),
                "strict order: one who had waited was overtaken");
}

/* Who may have been counted at this moment: a wait counts from some point of
 * its join to some point before its end; a refused try never. */
static uint32_t
waited_at(uint32_t moment)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < world.tried; i++) {
        const struct world_try *other = &world.tries[i];

        count += !other->refused && other->from <= moment &&
                 (other->to == 0 || other->to >= moment);
    }
    return count;
}

static bool
was_full_meanwhile(const struct world_try *try)
{
    for (uint32_t moment = try->from; moment <= try->to; moment++) {
        if (waited_at(moment) >= world.plan.sizes.waiters_max) {
            return true;
        }
    }
    return false;
}

void
world_inspect_tries(void)
{
    for (uint32_t i = 0; i < world.tried; i++) {
        WORLD_CHECK(!world.tries[i].refused ||
                        was_full_meanwhile(&world.tries[i]),
                    "turned away from a line that had room");
    }
}

/* --- the borrow ----------------------------------------------------------------- */

static void
note_wait(struct waiter *node)
{
    const uint32_t self = sched_self();

    world.node[self] = node;
    world.incarnation[self] = atomic_load(&node->word.raw) >> WAITER_STATE_BITS;
    world.joined[self] = ++world.joins;
}

static struct world_try *
try_begins(void)
{
    if (world.tried == WORLD_TRIES) {
        sched_fail("the world has room for more tries only");
        world.tried = 0;
    }
    WORLD_CHECK(waiters_count(&world.pond.waiters) <= world.plan.sizes.waiters_max,
                "more wait than may");
    struct world_try *try = &world.tries[world.tried++];

    try->from = ++world.moments;
    return try;
}

static void
try_ends(struct world_try *try, enum pond_end end)
{
    try->refused = end == POND_FULL;
    try->to = ++world.moments;
}

/* Inside a section, which it ends. */
static enum pond_end
wait_for_one(const struct world_wish *wish, struct slot **slot)
{
    struct pond_wait wait = {
        .wish = {SCHED_START_NS + wish->since_ns, wish->comes_back,
                 wish->only_new},
        .deadline_ns = wish->deadline_ns == WORLD_NEVER
                           ? WORLD_NEVER
                           : SCHED_START_NS + wish->deadline_ns,
    };
    struct world_try *try = try_begins();
    enum pond_end end = pond_join(&world.pond, &wait);

    if (end == POND_SLOT && !wish->comes_back && !wish->only_new) {
        note_wait(wait.node);
    }
    reclaim_read_end();
    if (end == POND_SLOT) {
        end = pond_await(&world.pond, &wait);
        *slot = wait.slot;
    }
    try_ends(try, end);
    return end;
}

/* Who looked at what he got outside a section asks before it is lent. */
bool
world_lends(struct slot *slot)
{
    reclaim_read_begin();
    const bool lends = world.trusts_grants || pond_may_lend(&world.pond);

    WORLD_CHECK(!lends || !world.still, "lent after the suspend had returned");
    if (!lends) {
        world.put_late[slot->index] = world.shut || world.suspended;
        pond_put(&world.pond, slot);
    }
    reclaim_read_end();
    return lends;
}

/* Put back, he waits on at his old place. */
static enum pond_end
wait_until_lent(const struct world_wish *wish, enum pond_end end,
                struct slot **slot)
{
    struct world_wish again = *wish;

    again.comes_back = true;
    while (end == POND_SLOT && !world_lends(*slot)) {
        reclaim_read_begin();
        end = wait_for_one(&again, slot);
    }
    return end;
}

/* Every other thread goes the quick way, as the api does (acquire.c). */
static bool
is_quick(void)
{
    return sched_self() % 2 == 1;
}

static struct slot *
take_quickly(void)
{
    struct slot *slot = pond_take_warm(&world.pond);

    if (slot == NULL) {
        return pond_take(&world.pond);
    }
    if (!pond_is_calm(&world.pond) || !slot_is_ready(slot)) {
        return pond_take_up(&world.pond, slot);
    }
    slot_take(slot);
    return slot;
}

/* As release.c. */
static void
put_quickly(struct slot *slot)
{
    if (!quota_is_kept(&world.pond.quota)) {
        pond_put(&world.pond, slot);
        return;
    }
    const enum pond_put put = pond_put_warm(
        &world.pond, idle_own_quickly(&world.pond.idle), slot);
    if (put != POND_PUT_DONE) {
        pond_put_on(&world.pond, slot, put);
    }
}

static enum pond_end
take_or_wait(const struct world_wish *wish, struct slot **slot)
{
    reclaim_read_begin();
    if (!wish->comes_back && !wish->only_new) {
        *slot = is_quick() ? take_quickly() : pond_take(&world.pond);
        if (*slot == NULL && world.spins) {
            *slot = pond_spin(&world.pond);
        }
        if (*slot != NULL) {
            WORLD_CHECK(!world.still, "taken after the suspend had returned");
            reclaim_read_end();
            return POND_SLOT;
        }
    }
    if (wish->deadline_ns == 0) {
        (void)pond_order(&world.pond, world.plan.sizes.size);
        reclaim_read_end();
        return POND_TIMED_OUT;
    }
    return wait_until_lent(wish, wait_for_one(wish, slot), slot);
}

static void
check_new(const struct slot *slot)
{
    WORLD_CHECK(!world.stale[slot->index] || slot_uses(slot) != 0,
                "what arrived after a refresh was lent all the same");
}

enum pond_end
world_borrow(const struct world_wish *wish, struct slot **slot)
{
    const struct beginning began = {world.joins, world.shut, world.suspended,
                                    !wish->comes_back && !wish->only_new};

    if (world.drained) {
        return POND_SHUT;
    }
    const enum pond_end end = take_or_wait(wish, slot);
    if (end == POND_SLOT) {
        check_success(&began, *slot);
        check_new(*slot);
        world_own(*slot);
    }
    world.joined[sched_self()] = 0;
    return end;
}

void
world_return(struct slot *slot)
{
    world_disown(slot);
    slot->loans_before--; /* one loan more */
    reclaim_read_begin();
    world.put_late[slot->index] = world.shut || world.suspended;
    if (is_quick()) {
        put_quickly(slot);
    } else {
        pond_put(&world.pond, slot);
    }
    reclaim_read_end();
}

void
world_retire(struct slot *slot)
{
    world_disown(slot);
    reclaim_read_begin();
    world.put_late[slot->index] = false;
    pond_retire(&world.pond, slot);
    reclaim_read_end();
}
