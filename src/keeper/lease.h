/* SPDX-License-Identifier: MIT */
/* A session on its way to a borrower and back: is it fit, and what becomes of it. */
#ifndef DEWPOND_KEEPER_LEASE_H
#define DEWPOND_KEEPER_LEASE_H

#include "keeper/pool.h"

/* True: it can be lent as it is, without touching the server: at rest, not
 * outdated, not suspect, and returned a short while ago. Inside a section. */
bool lease_is_ready(const dew_pool *pool, const struct slot *slot);

/* Reads a pending answer, polls or probes, as it needs. True: fit to be lent.
 * False: not, *error (if any) tells why, and slot->parting is set; the caller
 * must lease_drop it. Blocks at most until the deadline and the ping bound.
 * Outside sections. */
bool lease_make_ready(dew_pool *pool, struct slot *slot, int64_t deadline_ns,
                      dew_error *error);

/* A session that turned out unfit goes to the keeper. Inside a section. */
void lease_drop(dew_pool *pool, struct slot *slot);

/* The borrower brings it back: cleaned and put, or retired. Outside sections.
 * Does not wait for the server but to drain what is on its way. */
void lease_return(dew_pool *pool, struct slot *slot);

/* The borrower wants it hung up. Outside sections. */
void lease_discard(dew_pool *pool, struct slot *slot);

/* Lends the LEASED slot: fills *conn. */
void lease_begin(dew_pool *pool, struct slot *slot, const char *file, int line,
                 dew_conn *conn);

/* A loan ended: its sampled time, if it was sampled. */
void lease_end(dew_pool *pool, struct slot *slot);

#endif
