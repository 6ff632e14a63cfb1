/* SPDX-License-Identifier: MIT */
/* Loans that stay out for too long: each is told to the log once. */
/*
 * WHAT. A loan's age is that of its notes (pond_loan_at), and a loan is known
 * by its number, which no other loan of the process has. Nobody is reported too
 * early, and at most one look too late.
 *
 * SHARING. None: the memory is the keeper's own (or the tender's).
 */
#ifndef DEWPOND_KEEPER_LEAKS_H
#define DEWPOND_KEEPER_LEAKS_H

#include <stdint.h>

struct dew_pool;

/* All zero: nothing reported yet. */
struct leaks {
    uint64_t *reported; /* owner: the pool; for each slot the number of its
                         * last loan that was reported; 0: none */
    uint32_t count;
};

/* One look at all loans. Reports those that are out for leak_after_ms. */
void leaks_look(struct dew_pool *pool);

void leaks_free(struct leaks *leaks);

#endif
