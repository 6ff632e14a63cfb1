/* SPDX-License-Identifier: MIT */
/* What the files of the deadlines share: one of them, and their list. */
#ifndef DEWPOND_KEEPER_DEADLINE_INSIDE_H
#define DEWPOND_KEEPER_DEADLINE_INSIDE_H

#include "base/forked.h"
#include "base/watchdog.h"
#include "keeper/deadline.h"
#include "session/session.h"

enum deadline_state {
    ARMED,
    KILLING,
    CONFIRMED,
    LOOKING,
    STOPPED,
    FAILED,
    ORPHANED,
};

struct deadline {
    struct deadline *next, *previous; /* while ARMED or CONFIRMED */
    bool listed; /* asserted where it is freed */
    enum deadline_state state;
    int64_t passes_ns; /* when what runs is to be stopped */
    int64_t due_ns;    /* when the thread has work with it */
    bool unsure;       /* the server was asked once, and could not tell */
    unsigned long server_thread;
    int socket; /* our duplicate of the loan's socket */
    struct forked_socket shared; /* and a child must not have it */
    struct watchdog_timer cut;
    const struct settings *settings;
    struct credentials *credentials;
    struct credentials_snapshot *snapshot; /* held; NULL: none */
};

/* All of it is guarded by one lock. */
void deadline_lock(void);
void deadline_unlock(void);
/* The lock is held: until something has moved, or the time. */
void deadline_wait_moved(int64_t until_ns);

/* Gives it to the thread. 0 or an errno value: there is none. */
int deadline_start(struct deadline *deadline);
/* The lock is held: takes it out of the list again. */
void deadline_unlink(struct deadline *deadline);
void deadline_free(struct deadline *deadline);

/* Without the lock: sends the KILL. False: not confirmed, and *error why. */
bool deadline_kill(const struct deadline *deadline, dew_error *error);
/* Without the lock: whether the query that was killed has ended. */
enum session_progress deadline_progress(const struct deadline *deadline);
/* Without the lock: tells the log that a loan's socket is cut, since its KILL was
 * refused, or (NULL) has not helped. */
void deadline_tell_cut(const struct settings *settings,
                       const dew_error *refusal);

#endif
