/* SPDX-License-Identifier: MIT */
/* Counted snapshots of the settings. */
#include "keeper/credentials.h"

#include "base/memory.h"

bool
credentials_init(struct credentials *credentials)
{
    credentials->current = NULL;
    return pthread_mutex_init(&credentials->lock, NULL) == 0;
}

static void
let_go(struct credentials_snapshot *snapshot)
{
    if (snapshot != NULL && --snapshot->holders == 0) {
        settings_free(snapshot->settings);
        memory_free(snapshot);
    }
}

void
credentials_destroy(struct credentials *credentials)
{
    let_go(credentials->current);
    credentials->current = NULL;
    (void)pthread_mutex_destroy(&credentials->lock);
}

bool
credentials_replace(struct credentials *credentials, struct settings *settings)
{
    struct credentials_snapshot *snapshot = memory_zeroed(sizeof(*snapshot));

    if (snapshot == NULL) {
        return false;
    }
    *snapshot = (struct credentials_snapshot){settings, 1};
    (void)pthread_mutex_lock(&credentials->lock);
    let_go(credentials->current);
    credentials->current = snapshot;
    (void)pthread_mutex_unlock(&credentials->lock);
    return true;
}

struct credentials_snapshot *
credentials_hold(struct credentials *credentials)
{
    (void)pthread_mutex_lock(&credentials->lock);
    struct credentials_snapshot *snapshot = credentials->current;
    if (snapshot != NULL) {
        snapshot->holders++;
    }
    (void)pthread_mutex_unlock(&credentials->lock);
    return snapshot;
}

void
credentials_drop(struct credentials *credentials,
                 struct credentials_snapshot *snapshot)
{
    (void)pthread_mutex_lock(&credentials->lock);
    let_go(snapshot);
    (void)pthread_mutex_unlock(&credentials->lock);
}
