/* SPDX-License-Identifier: MIT */
/* The settings that connects use: a snapshot that can be replaced. */
#ifndef DEWPOND_KEEPER_CREDENTIALS_H
#define DEWPOND_KEEPER_CREDENTIALS_H

#include "base/settings.h"

/* One version of the settings, held by whoever connects with it. */
struct credentials_snapshot {
    struct settings *settings; /* owner: the last holder */
    uint32_t holders;          /* guarded by the lock */
};

/* Touched beside connects only, so one mutex for the process will do, which
 * is taken around forks: a child finds the snapshot whole. */
struct credentials {
    struct credentials_snapshot *current; /* NULL: the pool's own settings */
};

/* For the fork handlers (keeper/rebirth.c). */
void credentials_fork_begins(void);
void credentials_fork_ends(void);

/* A child's only holder is the pool: those who connect are not here. */
void credentials_inherit(struct credentials *credentials);
void credentials_destroy(struct credentials *credentials);

/* Replaces the snapshot; `settings` is taken over. False without memory (and
 * then `settings` stays the caller's). */
bool credentials_replace(struct credentials *credentials,
                         struct settings *settings);

/* The current snapshot, to be dropped after the connect; NULL: there is none,
 * use the pool's own settings. */
struct credentials_snapshot *credentials_hold(struct credentials *credentials);
void credentials_drop(struct credentials *credentials,
                      struct credentials_snapshot *snapshot);

#endif
