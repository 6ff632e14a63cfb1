/* SPDX-License-Identifier: MIT */
/* The settings that connects use: a snapshot that can be replaced. */
#ifndef DEWPOND_KEEPER_CREDENTIALS_H
#define DEWPOND_KEEPER_CREDENTIALS_H

#include <pthread.h>

#include "base/settings.h"

/* One version of the settings, held by whoever connects with it. */
struct credentials_snapshot {
    struct settings *settings; /* owner: the last holder */
    uint32_t holders;          /* guarded by credentials.lock */
};

/* Touched beside connects only, so a mutex will do. */
struct credentials {
    pthread_mutex_t lock;
    struct credentials_snapshot *current; /* NULL: the pool's own settings */
};

bool credentials_init(struct credentials *credentials);
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
