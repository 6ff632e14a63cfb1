/* SPDX-License-Identifier: MIT */
/* Counted snapshots of the settings. */
#include "keeper/credentials.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/thread.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
credentials_fork_begins(void)
{
    (void)pthread_mutex_lock(&lock);
}

void
credentials_fork_ends(void)
{
    (void)pthread_mutex_unlock(&lock);
}

void
credentials_inherit(struct credentials *credentials)
{
    if (credentials->current != NULL) {
        credentials->current->holders = 1;
    }
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
}

bool
credentials_replace(struct credentials *credentials, struct settings *settings)
{
    struct credentials_snapshot *snapshot = memory_zeroed(sizeof(*snapshot));

    if (snapshot == NULL) {
        return false;
    }
    *snapshot = (struct credentials_snapshot){settings, 1};
    (void)pthread_mutex_lock(&lock);
    let_go(credentials->current);
    credentials->current = snapshot;
    (void)pthread_mutex_unlock(&lock);
    return true;
}

struct credentials_snapshot *
credentials_hold(struct credentials *credentials)
{
    (void)pthread_mutex_lock(&lock);
    struct credentials_snapshot *snapshot = credentials->current;
    if (snapshot != NULL) {
        snapshot->holders++;
    }
    (void)pthread_mutex_unlock(&lock);
    return snapshot;
}

void
credentials_drop(struct credentials *credentials,
                 struct credentials_snapshot *snapshot)
{
    (void)credentials;
    (void)pthread_mutex_lock(&lock);
    let_go(snapshot);
    (void)pthread_mutex_unlock(&lock);
}
