/* SPDX-License-Identifier: MIT */
/* Allocation with a fault point; cache-line aligned where it is shared. */
#ifndef DEWPOND_BASE_MEMORY_H
#define DEWPOND_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define MEMORY_LINE 64 /* bytes: what is shared starts on a line of its own */
/* Two: what a processor fetches together, and the most that our types ask. */
#define MEMORY_PAIR (2 * MEMORY_LINE)

void *memory_zeroed(size_t size);             /* NULL without memory */
void *memory_zeroed_lines(size_t size);       /* the same, on a pair of lines */
/* For a while, to keep a place free: untouched, and NULL is no failure. */
void *memory_room(size_t size);
char *memory_copy_string(const char *string); /* NULL in, NULL out */
void memory_free(void *memory);

#ifdef DEWPOND_TESTING
/* Blocks that were given and not freed yet, in the whole process. */
uint32_t memory_blocks(void);
#endif

#endif
