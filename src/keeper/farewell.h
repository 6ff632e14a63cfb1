/* SPDX-License-Identifier: MIT */
/* Hanging up: the place is free when the server has let go, or at a limit. */
/*
 * After COM_QUIT the server still counts the connection until its thread has
 * ended. A place that was given back at once would let the next connect find
 * the server full. So a slot stays RETIRING until the server has closed its
 * end, but at most FAREWELL_LIMIT_MS: a frozen server holds nobody up.
 */
#ifndef DEWPOND_KEEPER_FAREWELL_H
#define DEWPOND_KEEPER_FAREWELL_H

#include <stdint.h>

#include "base/poll.h"
#include "core/pond.h"

#define FAREWELL_LIMIT_MS 100
#define FAREWELLS_MAX 64 /* at once; beyond that nobody is waited for */

struct farewell {
    struct slot *slot;
    int fd; /* our duplicate of the socket */
    int64_t deadline_ns;
};

/* One thread's: the keeper's, or whoever tends a pool without threads. */
struct farewells {
    uint32_t count;
    struct farewell waiting[FAREWELLS_MAX];
};

/* Hangs up all retirees; frees the places of those that need no waiting. */
void farewell_begin(struct farewells *farewells, struct pond *pond);

/* Hangs up all retirees and frees their places at once: for pools without
 * threads, where nobody would come back for them. Any thread, outside sections,
 * while something keeps the pool. */
void farewell_now(struct pond *pond);

/* Fills one poll for each server that is awaited; how many. */
uint32_t farewell_polls(const struct farewells *farewells,
                        struct pollfd *polls);
/* Frees the places of those that are done; `polls` as farewell_polls filled
 * them. */
void farewell_judge(struct farewells *farewells, struct pond *pond,
                    const struct pollfd *polls);

/* When the next one's time is up; INT64_MAX: none waits. */
int64_t farewell_due_ns(const struct farewells *farewells);

#endif
