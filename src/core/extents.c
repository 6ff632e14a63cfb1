/* SPDX-License-Identifier: MIT */
/* Making extents, publishing them, and finding slots past the first one. */
#include "core/extents.h"

#include "base/fault.h"

struct extent {
    uint32_t start, count;
    _Alignas(MEMORY_PAIR) struct slot slots[];
};

static void
push_all(struct slot *slots, uint32_t count, struct stack *vacant)
{
    /* The last one first, so that low indices are used first. */
    for (uint32_t i = count; i-- > 0;) {
        slot_push(vacant, &slots[i]);
    }
}

static void
init_all(struct slot *slots, uint32_t start, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        slot_init(&slots[i], start + i);
    }
}

bool
extents_init(struct extents *extents, uint32_t count, struct stack *vacant)
{
    extents->first = memory_zeroed_lines(count * sizeof(struct slot));
    if (extents->first == NULL) {
        return false;
    }
    extents->first_count = count;
    order_init_u32(&extents->count, count);
    for (uint32_t i = 0; i < EXTENTS_MORE; i++) {
        order_init_ptr(&extents->more[i], NULL);
    }
    init_all(extents->first, 0, count);
    push_all(extents->first, count, vacant);
    return true;
}

static struct extent *
extent_at(const struct extents *extents, uint32_t number)
{
    /* ORDER extents.3 acquire <-> extents.4: a whole extent or none. */
    return order_load_acquire_ptr(&extents->more[number]);
}

void
extents_destroy(struct extents *extents)
{
    for (uint32_t i = 0; i < EXTENTS_MORE; i++) {
        memory_free(extent_at(extents, i));
    }
    memory_free(extents->first);
    extents->first = NULL;
}

struct slot *
extents_find(const struct extents *extents, uint32_t index)
{
    for (uint32_t i = 0; i < EXTENTS_MORE; i++) {
        struct extent *extent = extent_at(extents, i);

        if (extent == NULL) {
            return NULL;
        }
        if (index < extent->start + extent->count) {
            return &extent->slots[index - extent->start];
        }
    }
    return NULL;
}

/* At least as many as there are, so that the extents stay few. */
static uint32_t
growth(uint32_t count, uint32_t least)
{
    const uint32_t wanted = least - count > count ? least - count : count;

    return wanted < SLOT_MAX - count ? wanted : SLOT_MAX - count;
}

static void
publish(struct extents *extents, struct extent *extent)
{
    uint32_t number = 0;

    while (extent_at(extents, number) != NULL) {
        number++;
    }
    /* ORDER extents.4 release <-> extents.3: its slots are ready before. */
    order_store_release_ptr(&extents->more[number], extent);
    race_point("extents.published");
    /* ORDER extents.2 release <-> extents.1: who walks up to it finds all. */
    order_store_release_u32(&extents->count, extent->start + extent->count);
}

bool
extents_reach(struct extents *extents, uint32_t least, struct stack *vacant)
{
    const uint32_t count = extents_count(extents);

    if (least <= count) {
        return true;
    }
    const uint32_t more = growth(count, least);
    struct extent *extent = memory_zeroed_lines(
        sizeof(struct extent) + (size_t)more * sizeof(struct slot));
    if (extent == NULL) {
        return false;
    }
    extent->start = count;
    extent->count = more;
    init_all(extent->slots, count, more);
    publish(extents, extent);
    push_all(extent->slots, more, vacant);
    return true;
}
