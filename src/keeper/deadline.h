/* SPDX-License-Identifier: MIT */
/* A deadline that stops the query: KILL QUERY when it passes, else the socket. */
/*
 * One thread for the process sends the KILLs, over a side session each. It may
 * be held up by a server that does not answer; so the watchdog stands behind
 * it, which cuts the socket of the loan itself when the KILL was not confirmed
 * within kill_timeout_ms. The KILL goes on for ping_timeout_ms: it is of use
 * to the server also when nobody waits for the query any more.
 *
 * A server may confirm and go on all the same (a proxy that says OK, a query
 * that looks for no KILL). So ping_timeout_ms after that the thread looks again,
 * unless the loan has ended or its deadline was moved: it asks the server whether
 * the session rests or runs what began later. What is not told so is cut. A server
 * that tells whole seconds may be unsure: then it is asked once more.
 *
 * STATES of a deadline, under one mutex:
 *
 *     ARMED --due--> KILLING --confirmed--> CONFIRMED --due--> LOOKING
 *       | |             |  |                    |               | | |
 *       | |             |  +--failed--> FAILED  +--stopped--+   | | +-> STOPPED
 *       | |             |       (the socket is cut)         |   | +---> FAILED
 *       | |             +--ended too early: ORPHANED        |   |
 *       | |                     (the thread frees it)       |   +--stopped:
 *       | +--stopped, but the watchdog was first--> FAILED  |       ORPHANED
 *       +----stopped--> STOPPED <---------------------------+
 *
 * A KILL that is on its way may hit whatever runs when it arrives. So a loan
 * that ends while one is out waits for its confirmation, shortly; without it
 * the session is not used again.
 */
#ifndef DEWPOND_KEEPER_DEADLINE_H
#define DEWPOND_KEEPER_DEADLINE_H

#include "keeper/credentials.h"

struct deadline;
struct session;

/* For the fork handlers (keeper/rebirth.c). A child has none of its parent's
 * deadlines. */
void deadline_fork_begins(void);
void deadline_fork_ends(void);

/* Whoever may have deadlines (a pool, a connection without one) counts itself
 * in and out; the thread ends with the last. */
void deadline_use(void);
void deadline_unuse(void);

/* What a deadline needs to know. */
struct deadline_plan {
    struct session *session;
    const struct settings *settings;
    struct credentials *credentials; /* NULL: the settings' own */
    int64_t after_ms;
};

/* Arms it: *deadline is the loan's until deadline_end. DEW_OK, DEW_ENOMEM, or
 * DEW_ESYSTEM (no descriptor, no thread). Does not block on the server. */
dew_code deadline_arm(struct deadline **deadline,
                      const struct deadline_plan *plan, dew_error *error);

/* Waits until the thread uses these settings no more, and is in no callback of
 * theirs: before anything is freed that a callback may look at. */
void deadline_forget(const struct settings *settings);

/* Stops it; *deadline may be NULL. True: no KILL is on its way and the socket
 * is whole, the session may be used on, and *deadline is gone. False: it stays,
 * so that the end of the loan sees it, too. Waits at most wait_ms. */
bool deadline_stop(struct deadline **deadline, int64_t wait_ms);

/* The end of the loan: the same, but it is gone in any case. */
bool deadline_end(struct deadline *deadline, int64_t wait_ms);

#endif
