/* SPDX-License-Identifier: MIT */
/* A few entries under a mutex: what was seen, and what a reset forgets there. */
#include "session/lore.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"

/* Servers behind one name, or one server before and after a change. */
#define ENTRIES 4

struct entry {
    char *seen; /* NULL: unused; owned, as is repair_sql */
    char *repair_sql;
    uint8_t forgets;
    bool no_reset_command;
};

struct session_lore {
    pthread_mutex_t lock;
    /* Guarded by the lock. */
    struct entry entries[ENTRIES];
    uint32_t next; /* the one that is replaced next */
};

struct session_lore *
session_lore_new(void)
{
    struct session_lore *const lore = memory_zeroed(sizeof(*lore));

    if (lore != NULL) {
        lore->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    }
    return lore;
}

static void
clear(struct entry *entry)
{
    memory_free(entry->seen);
    memory_free(entry->repair_sql);
    *entry = (struct entry){.seen = NULL};
}

void
session_lore_free(struct session_lore *lore)
{
    if (lore == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        clear(&lore->entries[i]);
    }
    (void)pthread_mutex_destroy(&lore->lock);
    memory_free(lore);
}

/* Under the lock. */
static struct entry *
look_up(struct session_lore *lore, const char *seen)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct entry *const entry = &lore->entries[i];

        if (entry->seen != NULL && strcmp(entry->seen, seen) == 0) {
            return entry;
        }
    }
    return NULL;
}

static enum lore_found
give(const struct entry *entry, struct session *session)
{
    session->repair_sql = memory_copy_string(entry->repair_sql);
    if (session->repair_sql == NULL && entry->repair_sql != NULL) {
        return LORE_NO_MEMORY;
    }
    session->forgets = entry->forgets;
    session->no_reset_command = entry->no_reset_command;
    return LORE_FOUND;
}

enum lore_found
lore_find(struct session_lore *lore, const char *seen, struct session *session)
{
    enum lore_found found = LORE_NOTHING;

    (void)pthread_mutex_lock(&lore->lock);
    const struct entry *const entry = look_up(lore, seen);
    if (entry != NULL) {
        found = give(entry, session);
    }
    (void)pthread_mutex_unlock(&lore->lock);
    return found;
}

/* Under the lock. */
static void
put(struct session_lore *lore, const char *seen, const struct session *session)
{
    struct entry made = {
        .seen = memory_copy_string(seen),
        .repair_sql = memory_copy_string(session->repair_sql),
        .forgets = session->forgets,
        .no_reset_command = session->no_reset_command,
    };

    if (made.seen == NULL ||
        (made.repair_sql == NULL && session->repair_sql != NULL)) {
        clear(&made);
        return;
    }
    clear(&lore->entries[lore->next]);
    lore->entries[lore->next] = made;
    lore->next = (lore->next + 1) % ENTRIES;
}

void
lore_keep(struct session_lore *lore, const char *seen,
          const struct session *session)
{
    (void)pthread_mutex_lock(&lore->lock);
    if (look_up(lore, seen) == NULL) {
        put(lore, seen, session);
    }
    (void)pthread_mutex_unlock(&lore->lock);
}
