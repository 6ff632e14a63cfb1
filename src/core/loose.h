/* SPDX-License-Identifier: MIT */
/* Loans of connections without a pool: a process-wide table of slots. */
/*
 * A copy of a dew_conn without a pool must not be able to close twice, so its
 * ticket is claimed in a slot like any other. The table grows by chunks and is
 * never freed (the first chunk is static); a slot is reused with a new loan
 * number. STATES and THE ONE RACE: those of a slot (slot.h). INVARIANTS: a
 * slot is on the free stack or lent. RECLAMATION: none. TOGETHER: everything.
 * PROGRESS: lock-free but for growing, which is under a mutex. FORK: what a
 * parent lent is stale in its child, and its slot is never used there.
 */
#ifndef DEWPOND_CORE_LOOSE_H
#define DEWPOND_CORE_LOOSE_H

#include <stdbool.h>
#include <stdint.h>

struct session;
struct deadline;
struct settings;

struct loose {
    struct session *session;   /* owner: the loan */
    struct settings *settings; /* owner: the loan */
    struct deadline *deadline; /* owner: the loan; NULL: none */
};

/* For the fork handlers (keeper/rebirth.c): a child finds the table whole. */
void loose_fork_begins(void);
void loose_fork_ends(void);

/* A new loan of these two: its ticket, or 0 when there is no memory or 65536
 * connections without a pool are out (and both stay the caller's). */
uint64_t loose_lend(const struct loose *loose);

/* What the loan of this ticket holds, for its borrower. False: stale. */
bool loose_find(uint64_t ticket, struct loose *loose);

/* The borrower changes its loan's deadline; the ticket is not stale. */
void loose_set_deadline(uint64_t ticket, struct deadline *deadline);

/* Ends the loan: true for exactly one caller, who owns *loose from then on. */
bool loose_claim(uint64_t ticket, struct loose *loose);

#endif
