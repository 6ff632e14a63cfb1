/* SPDX-License-Identifier: MIT */
/* The pond's beginning, its flags, and how it is drained at the end. */
#include "base/cpu.h"
#include "base/fault.h"
#include "core/pond_inside.h"

static uint32_t
shard_count(const struct pond_plan *plan)
{
    const uint32_t cpus = cpu_count();

    return cpus < plan->sizes.size ? cpus : plan->sizes.size;
}

static bool
make_parts(struct pond *pond)
{
    struct pond_sizes *sizes = memory_zeroed(sizeof(*sizes));

    order_init_ptr(&pond->sizes, sizes);
    if (sizes == NULL || !idle_init(&pond->idle, shard_count(&pond->plan)) ||
        !extents_init(&pond->slots, pond->plan.sizes.maxsize, &pond->vacant)) {
        idle_destroy(&pond->idle);
        memory_free(sizes);
        return false;
    }
    *sizes = pond->plan.sizes;
    return true;
}

bool
pond_init(struct pond *pond, const struct pond_plan *plan)
{
    struct stack *stacks[] = {&pond->offers, &pond->vacant, &pond->orders,
                              &pond->retirees};

    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
        stack_init(stacks[i]);
    }
    pond->plan = *plan;
    waiters_init(&pond->waiters, plan->parker);
    quota_init(&pond->quota, plan->sizes.maxsize);
    pace_init(&pond->pace, cpu_count() < 2);
    order_init_u32(&pond->overhang, 0);
    order_init_u32(&pond->openings, 0);
    order_init_u32(&pond->window, plan->window);
    order_init_u32(&pond->guests, 0);
    /* The epoch is that of slots that are new. */
    order_init_u64(&pond->stamp, 1);
    return make_parts(pond);
}

bool
pond_is_made(const struct pond *pond)
{
    return pond->slots.first != NULL;
}

void
pond_destroy(struct pond *pond)
{
    waiters_destroy(&pond->waiters);
    idle_destroy(&pond->idle);
    /* ORDER sizes.6 relaxed <-> sizes.2: nobody resizes any more. */
    memory_free(order_load_relaxed_ptr(&pond->sizes));
    extents_destroy(&pond->slots);
}

void
pond_raise(struct pond *pond, uint64_t flag)
{
    /* ORDER pond.6 seq_cst <-> pond.3 pond.5 pond.7 pond.18 pond.23 pond.24 pond.30 pond.31: later takes
     * see it, and so does the pass below, which tells those who wait. */
    (void)order_or_seq_u64(&pond->waiters.front, flag);
    race_point("pond.raised");
    pond_serve(pond);
}

void
pond_lower(struct pond *pond, uint64_t flag)
{
    /* ORDER pond.19 seq_cst <-> pond.3: lowered before we look. */
    (void)order_and_seq_u64(&pond->waiters.front, ~flag);
    pond_serve(pond);
}

uint64_t
pond_flags(const struct pond *pond)
{
    /* ORDER pond.18 seq_cst <-> pond.6: a decision that must not be older
     * than what the caller has just seen. */
    return order_load_seq_u64(&pond->waiters.front);
}

bool
pond_has(const struct pond *pond, uint64_t flag)
{
    return (pond_flags(pond) & flag) != 0;
}

void
pond_set_window(struct pond *pond, uint32_t window)
{
    /* ORDER pond.13 seq_cst <-> pond.12: set before we look. */
    order_store_seq_u32(&pond->window, window);
    pond_look(pond);
}

struct slot *
pond_drain(struct pond *pond)
{
    struct slot *slot = slot_pop(&pond->offers);

    if (slot != NULL) {
        slot_accept(slot);
        return slot;
    }
    slot = idle_take(&pond->idle);
    if (slot != NULL) {
        slot_take(slot);
    }
    return slot;
}

void
pond_guest_comes(struct pond *pond)
{
    /* ORDER pond.26 seq_cst <-> pond.28: counted inside the section that
     * found the pond, which the closer's grace period waits for. */
    (void)order_add_seq_u32(&pond->guests, 1);
}

void
pond_guest_goes(struct pond *pond)
{
    /* ORDER pond.27 seq_cst <-> pond.28: gone before the bell below. */
    (void)order_sub_seq_u32(&pond->guests, 1);
    if (pond_has(pond, POND_CLOSING)) {
        pond->plan.bells.shutting(pond->plan.bells.arg);
    }
}

bool
pond_is_drained(const struct pond *pond)
{
    /* ORDER pond.20 seq_cst <-> waiters.4 waiters.5 quota.3 quota.11 pond.23 pond.24: what was given
     * back before the closer's bell rang is seen here. Nodes first: a pass that
     * is older than CLOSING may still order for a node, but not without one,
     * and who comes after CLOSING backs off (pond.23, pond.24). */
    return
        /* ORDER pond.28 seq_cst <-> pond.26 pond.27: before the nodes: a guest
         * that goes on to wait has its node before it stops being one. */
        order_load_seq_u32(&pond->guests) == 0 &&
        order_load_seq_u32(&pond->waiters.nodes_out) == 0 &&
        quota_look(&pond->quota).taken == 0;
}
