/* SPDX-License-Identifier: MIT */
/* Who holds which server session, to catch one session in two hands. */
/*
 * A stamp is set when a loan begins and must still be there when it ends. All
 * accesses are relaxed on purpose: the order between two loans of one session
 * is the pool's promise. A witness with acquire and release of its own would
 * lend the pool that order, and hide from a race detector that it is missing.
 */
#ifndef DEWPOND_TOOLS_OWNERS_H
#define DEWPOND_TOOLS_OWNERS_H

#include <stdatomic.h>
#include <stdint.h>

/* Servers count sessions upwards, so sessions that live at the same time
 * share a place only when 65 536 others were opened between them. */
enum { OWNERS_PLACES = 1 << 16 };

/* One loan: the server's id of the session, the handle it is used through
 * (a restarted server counts from 1 again: the id alone is not enough), and
 * the number of the thread that holds it, below 65 535. */
struct owners_loan {
    unsigned long id;
    const void *handle;
    uint32_t thread;
};

/* A place is 0, or {id, some bits of the handle, thread + 1}. */
struct owners {
    _Atomic uint64_t places[OWNERS_PLACES];
};

enum owners_verdict {
    OWNERS_ALONE,
    OWNERS_SHARED,  /* somebody else holds this very session */
    OWNERS_CROWDED, /* the place belongs to another session: not watched */
};

/* The loan begins. Only after OWNERS_ALONE is it ended with owners_leave. */
enum owners_verdict owners_enter(struct owners *owners,
                                 const struct owners_loan *loan);

/* It ends, before the release: OWNERS_ALONE when the stamp is untouched. */
enum owners_verdict owners_leave(struct owners *owners,
                                 const struct owners_loan *loan);

#endif
