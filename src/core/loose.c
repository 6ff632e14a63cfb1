/* SPDX-License-Identifier: MIT */
/* The table of loans without a pool. */
#include "core/loose.h"

#include <pthread.h>

#include "base/forked.h"
#include "base/thread.h"
#include "core/slot.h"

#define PER_CHUNK 64u
#define CHUNKS ((SLOT_MAX + 1) / PER_CHUNK)

struct entry {
    struct slot slot;   /* first */
    struct loose loose; /* the holder's */
    order_u32 generation; /* the process that lent it */
};

struct chunk {
    struct entry entries[PER_CHUNK];
};

static struct chunk first_chunk;
static order_ptr chunks[CHUNKS];
static struct stack free_slots;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t growing = PTHREAD_MUTEX_INITIALIZER;
static uint32_t chunk_count; /* guarded by growing */

static void
add_chunk(struct chunk *chunk)
{
    const uint32_t base = chunk_count * PER_CHUNK;

    for (uint32_t i = 0; i < PER_CHUNK; i++) {
        slot_init(&chunk->entries[i].slot, base + i);
    }
    /* ORDER loose.1 release <-> loose.2: whoever finds the chunk by a ticket
     * finds its slots made. */
    order_store_release_ptr(&chunks[chunk_count], chunk);
    chunk_count++;
    for (uint32_t i = PER_CHUNK; i-- > 0;) {
        slot_push(&free_slots, &chunk->entries[i].slot);
    }
}

static void
begin(void)
{
    stack_init(&free_slots);
    chunk_count = 0; /* a fork may have broken this off before */
    add_chunk(&first_chunk);
}

void
loose_fork_begins(void)
{
    (void)pthread_mutex_lock(&growing);
}

void
loose_fork_ends(void)
{
    (void)pthread_mutex_unlock(&growing);
}

/* False: no memory, or all numbers are in use. */
static bool
grow(void)
{
    bool grown = true;

    (void)pthread_mutex_lock(&growing);
    if (!stack_any(&free_slots)) {
        struct chunk *chunk =
            chunk_count == CHUNKS ? NULL : memory_zeroed_lines(sizeof(*chunk));
        if (chunk != NULL) {
            add_chunk(chunk);
        }
        grown = chunk != NULL;
    }
    (void)pthread_mutex_unlock(&growing);
    return grown;
}

static struct entry *
entry_of(struct slot *slot)
{
    return (struct entry *)(void *)slot;
}

uint64_t
loose_lend(const struct loose *loose)
{
    struct slot *slot;

    (void)pthread_once(&once, begin);
    while ((slot = slot_pop(&free_slots)) == NULL) {
        if (!grow()) {
            return 0;
        }
    }
    entry_of(slot)->loose = *loose;
    /* ORDER loose.3 release <-> forked.1: the ticket carries it onwards. */
    order_store_release_u32(&entry_of(slot)->generation, forked_generation());
    slot_order(slot);
    slot_opened(slot);
    return slot_lend(slot);
}

static struct entry *
entry_at(uint64_t ticket)
{
    const uint32_t index = slot_index_of(ticket);
    /* ORDER loose.2 acquire <-> loose.1: see there. */
    struct chunk *chunk = order_load_acquire_ptr(&chunks[index / PER_CHUNK]);

    return chunk == NULL ? NULL : &chunk->entries[index % PER_CHUNK];
}

bool
loose_find(uint64_t ticket, struct loose *loose)
{
    const struct entry *entry = entry_at(ticket);

    if (entry == NULL || !forked_is_mine(&entry->generation) ||
        !slot_is_lent(&entry->slot, ticket)) {
        return false;
    }
    *loose = entry->loose;
    return true;
}

void
loose_set_deadline(uint64_t ticket, struct deadline *deadline)
{
    entry_at(ticket)->loose.deadline = deadline;
}

bool
loose_claim(uint64_t ticket, struct loose *loose)
{
    struct entry *entry = entry_at(ticket);

    if (entry == NULL || !forked_is_mine(&entry->generation) ||
        !slot_claim(&entry->slot, ticket)) {
        return false;
    }
    *loose = entry->loose;
    entry->loose = (struct loose){0};
    slot_retire(&entry->slot);
    slot_vacate(&entry->slot);
    slot_push(&free_slots, &entry->slot);
    return true;
}
