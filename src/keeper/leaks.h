/* SPDX-License-Identifier: MIT */
/* Loans that stay out for too long: each is told to the log once. */
/*
 * WHAT. A borrow writes no time down: that would cost every borrower for the
 * sake of a few. So an age counts from the keeper's first sight of a loan, and
 * a loan is known by its number, which no other loan of the process has.
 * Nobody is reported too early, and at most two looks too late.
 *
 * SHARING. None: the memory is the keeper's own (or the tender's).
 */
#ifndef DEWPOND_KEEPER_LEAKS_H
#define DEWPOND_KEEPER_LEAKS_H

#include <stdbool.h>
#include <stdint.h>

struct dew_pool;

/* What the last look saw in one slot. */
struct leak_sight {
    uint64_t number;  /* 0: no loan */
    int64_t since_ns; /* the first look that saw it */
    bool reported;
};

/* All zero: nothing seen yet. */
struct leaks {
    struct leak_sight *sights; /* owner: the pool; one for each slot */
    uint32_t count;
};

/* One look at all loans. Reports those that are out for leak_after_ms. */
void leaks_look(struct dew_pool *pool);

void leaks_free(struct leaks *leaks);

#endif
