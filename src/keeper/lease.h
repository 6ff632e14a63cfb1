/* SPDX-License-Identifier: MIT */
/* A session on its way to a borrower and back: is it fit, and what becomes of it. */
#ifndef DEWPOND_KEEPER_LEASE_H
#define DEWPOND_KEEPER_LEASE_H

#include "keeper/pool.h"

enum lease_verdict {
    LEASE_FIT,  /* it can be lent */
    LEASE_DEAD, /* it cannot: lease_drop it (slot->parting is set) */
    LEASE_LATE, /* its reset's answer is not here yet: late_give it */
};

/* Reads a pending answer, polls or probes, as it needs. Waits for that answer
 * until answer_ns, and for all that it asks the server until the deadline (or
 * a few ms, when it is past), both within the ping bound. Outside sections. */
enum lease_verdict lease_make_ready(dew_pool *pool, struct slot *slot,
                                    int64_t deadline_ns, int64_t answer_ns);

/* For a session that only a borrower may settle: true when its server has hung
 * up, and then it counts as dead: lease_drop it. Outside sections. */
bool lease_is_gone(dew_pool *pool, struct slot *slot);

/* A session that turned out unfit goes to the keeper. Inside a section. */
void lease_drop(dew_pool *pool, struct slot *slot);

/* The same for one whose server does not answer: counted as dead. */
void lease_lose(dew_pool *pool, struct slot *slot);

/* The borrower brings it back: cleaned and put, or retired. Outside sections.
 * Does not wait for the server but to drain what is on its way. */
void lease_return(dew_pool *pool, struct slot *slot);

/* The borrower wants it hung up. Outside sections. */
void lease_discard(dew_pool *pool, struct slot *slot);

/* The borrower keeps the handle; the place is free. Outside sections. */
MYSQL *lease_give_away(dew_pool *pool, struct slot *slot);

#include "keeper/lease_quick.h"

#endif
