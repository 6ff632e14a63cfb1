/* SPDX-License-Identifier: MIT */
/* Sessions whose reset's answer is late: watched until it comes, or too long. */
/*
 * A borrower waits for the answer of the session that he took for a moment
 * only: others may rest, or come back. A late one goes here. It stays LEASED,
 * by us, so nobody else meets it; when its answer begins to arrive it is put
 * back, to who waits first, and who gets it reads the answer. After
 * ping_timeout_ms since its return it is given up.
 *
 * SHARING. Anyone gives; all else is the keeper's (or the tender's) alone.
 */
#ifndef DEWPOND_KEEPER_LATE_H
#define DEWPOND_KEEPER_LATE_H

#include "base/poll.h"
#include "core/slot.h"

struct dew_pool;

#define LATES_MAX 64 /* watched at once; the others wait for that */

struct late {
    struct slot *slot;
    int64_t deadline_ns; /* given up then */
};

struct lates {
    struct stack given; /* not yet watched */
    uint32_t count;
    struct late watched[LATES_MAX];
};

void late_init(struct lates *lates);

/* The holder gives it away. Inside a section. */
void late_give(struct dew_pool *pool, struct slot *slot);

/* Takes over what was given, as far as there is room. */
void late_collect(struct dew_pool *pool);

/* Fills one poll for each that is watched; how many. */
uint32_t late_polls(const struct lates *lates, struct pollfd *polls);
/* Puts back those whose answer is here, all in a pond that closes, and gives
 * up those whose time is over; `polls` as late_polls filled them. */
void late_judge(struct dew_pool *pool, const struct pollfd *polls);

/* When the next one's time is up; INT64_MAX: none is watched. */
int64_t late_due_ns(const struct lates *lates);

#endif
