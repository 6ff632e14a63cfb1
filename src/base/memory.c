/* SPDX-License-Identifier: MIT */
/* Allocation with a fault point; cache-line aligned where it is shared. */
#include "base/memory.h"

#include "base/fault.h"
#include "base/order.h"

#include <stdlib.h>
#include <string.h>

#ifdef DEWPOND_TESTING
static order_u32 blocks;

static void *
given(void *memory)
{
    if (memory != NULL) {
        /* ORDER memory.1 relaxed: a tally, read when all is quiet. */
        (void)order_add_relaxed_u32(&blocks, 1);
    }
    return memory;
}

static void
taken_back(const void *memory)
{
    if (memory != NULL) {
        /* ORDER memory.2 relaxed: as memory.1; it wraps to one less. */
        (void)order_add_relaxed_u32(&blocks, UINT32_MAX);
    }
}

uint32_t
memory_blocks(void)
{
    /* ORDER memory.3 relaxed: as memory.1. */
    return order_load_relaxed_u32(&blocks);
}
#else
static inline void *
given(void *memory)
{
    return memory;
}

static inline void
taken_back(const void *memory)
{
    (void)memory;
}
#endif

void *
memory_zeroed(size_t size)
{
    if (fault(FAULT_ALLOC)) {
        return NULL;
    }
    return given(calloc(1, size == 0 ? 1 : size));
}

void *
memory_zeroed_lines(size_t size)
{
    if (fault(FAULT_ALLOC) || size > SIZE_MAX - MEMORY_PAIR) {
        return NULL;
    }
    /* aligned_alloc wants whole pairs; and whole pairs keep the neighbours
     * in the heap off our last one. */
    const size_t pairs = size == 0 ? 1 : (size - 1) / MEMORY_PAIR + 1;
    void *const memory = aligned_alloc(MEMORY_PAIR, pairs * MEMORY_PAIR);
    if (memory != NULL) {
        memset(memory, 0, pairs * MEMORY_PAIR);
    }
    return given(memory);
}

void *
memory_room(size_t size)
{
    return given(malloc(size));
}

char *
memory_copy_string(const char *string)
{
    if (string == NULL) {
        return NULL;
    }
    const size_t size = strlen(string) + 1;
    char *const copy = memory_zeroed(size);
    if (copy != NULL) {
        memcpy(copy, string, size);
    }
    return copy;
}

void
memory_free(void *memory)
{
    taken_back(memory);
    free(memory);
}
