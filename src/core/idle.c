/* SPDX-License-Identifier: MIT */
/* Putting and taking idle slots where the own warm slot does not do. */
#include "core/idle.h"

#include "base/fault.h"

bool
idle_init(struct idle *idle, uint32_t shards)
{
    uint32_t power = 1;

    while (power < shards) {
        power *= 2;
    }
    idle->count = shards;
    idle->mask = power - 1;
    idle->half = power / 2;
    idle->cpu_where = cpu_where();
    idle->shards = memory_zeroed_lines(shards * sizeof(*idle->shards));
    if (idle->shards == NULL) {
        return false;
    }
    stack_init(&idle->cold[0]);
    stack_init(&idle->cold[1]);
    for (uint32_t i = 0; i < shards; i++) {
        order_init_ptr(&idle->shards[i].warm, NULL);
        stack_init(&idle->shards[i].rest);
    }
    return true;
}

void
idle_destroy(struct idle *idle)
{
    memory_free(idle->shards);
    idle->shards = NULL;
}

static void
push_and_fence(struct stack *stack, struct slot *slot)
{
    slot_push(stack, slot);
    /* ORDER idle.6 fence <-> pond.1 pond.2 idle.7: the "put" of put-and-look,
     * where CK's CAS is no StoreLoad barrier (aarch64; on x86-64 it is). */
    order_fence_after_cas();
}

void
idle_put_beside(struct idle *idle, struct slot *slot)
{
    push_and_fence(&idle_own(idle)->rest, slot);
}

/* A thief takes the coldest first: the owner keeps its warm slot. */
static struct slot *
shard_steal(struct idle_shard *shard)
{
    struct slot *slot = slot_pop(&shard->rest);

    return slot != NULL ? slot : idle_warm_take(shard);
}

struct slot *
idle_take_beside(struct idle *idle)
{
    const uint32_t own = idle_own_shard(idle);
    struct slot *slot = slot_pop(&idle->shards[own].rest);

    for (uint32_t i = 1; slot == NULL && i < idle->count; i++) {
        const uint32_t other = own + i;

        slot = shard_steal(
            &idle->shards[other < idle->count ? other : other - idle->count]);
    }
    for (uint32_t i = 0; slot == NULL && i < 2; i++) {
        slot = slot_pop(&idle->cold[i]);
    }
    return slot;
}

struct slot *
idle_sweep_take(struct idle *idle, uint32_t round)
{
    struct slot *slot = NULL;

    for (uint32_t i = 0; slot == NULL && i < idle->count; i++) {
        slot = shard_steal(&idle->shards[i]);
    }
    return slot != NULL ? slot : slot_pop(&idle->cold[(round + 1) & 1]);
}

void
idle_sweep_put(struct idle *idle, struct slot *slot, uint32_t round)
{
    race_point("idle.put");
    push_and_fence(&idle->cold[round & 1], slot);
}

bool
idle_any(const struct idle *idle)
{
    /* ORDER idle.7 fence <-> idle.6: the "look" of join-and-look, behind the
     * join's CAS. A stack is looked at by a load without an order (stack.4): in
     * C11 it may pass seq_cst operations, but no fence. */
    order_fence_after_cas();
    for (uint32_t i = 0; i < idle->count; i++) {
        /* ORDER idle.5 seq_cst <-> idle.2: join-then-look against
         * put-then-look; with less, both look away (I3). */
        if (order_load_seq_ptr(&idle->shards[i].warm) != NULL ||
            stack_any(&idle->shards[i].rest)) {
            return true;
        }
    }
    return stack_any(&idle->cold[0]) || stack_any(&idle->cold[1]);
}
