/* SPDX-License-Identifier: MIT */
/* Keeps the names of all pools: lock-free look-ups, writers one by one. */
/*
 * WHAT. One hash table for the process, made by the first registry_add and
 * kept for good (a few KB: to take it down again would need to know that no
 * thread will ever look up a name). Opening and closing a pool is rare and
 * slow anyway, so writers take turns on a mutex; a look-up takes nothing.
 *
 * STATES of an entry. Each arrow is one function:
 *
 *     OUT --registry_add--> FINDABLE --registry_remove--> FADING --+
 *      ^                                                           |
 *      +------------------ reclaim_wait_readers -------------------+
 *
 * FADING: no look-up that begins now finds it, an older one may still hold it.
 *
 * INVARIANTS. No two FINDABLE entries have the same name. Hash and name of an
 * entry do not change while it is FINDABLE or FADING. The seed of the hash is
 * written once, before the table can be seen.
 *
 * LINEARIZATION. registry_add: liburcu's commit of the link. registry_remove:
 * its commit of the REMOVED mark. registry_find: its read of the link or mark;
 * for NULL before the first pool, the load of the table pointer.
 *
 * THE ONE RACE. A look-up against a close:
 *
 *     wrong:  finder: begin, find -> E
 *             closer:                   remove(E), free(E)
 *             finder: uses E: freed
 *     right:  finder: begin, find -> E
 *             closer:                   remove(E), wait_readers ...
 *             finder: takes a reference to the pool (or sees it closing), end
 *             closer:                   ... returns; counts references; frees
 *
 * RECLAMATION. By grace period, and by the caller: the entry is part of a
 * pool, and only the pool's owner knows what else there is to wait for.
 *
 * TOGETHER. Anything with anything, but for one entry: add, remove and the
 * wait are its owner's, in this order.
 *
 * PROGRESS. find and each: lock-free (a chain is walked once; unlinking what
 * is marked is retried only when another thread changed the chain). add and
 * remove: block on the mutex, which is never held over a park, a grace period,
 * I/O or a callback.
 *
 * FORK. The mutex is taken around fork, so the child's copy is free and the
 * table between two writes. (A child of a raw clone has no such luck: there,
 * names are found, but the mutex may be held by a thread that is gone.)
 */
#include "core/registry.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/random.h"
#include "base/thread.h"

#define REGISTRY_BUCKETS 256u /* 4 KB; more pools make longer chains */

_Static_assert(offsetof(struct registry_entry, node) == 0,
               "an entry is found by its node");

/* Serialises writers. Readers never touch it. */
static pthread_mutex_t writers = PTHREAD_MUTEX_INITIALIZER;

/* Writer: the first registry_add. Readers: everyone. Constant afterwards. */
static order_ptr shared_table;
/* Written before shared_table is published, so it needs no atomic. */
static uint64_t seed;

static void
before_fork(void)
{
    (void)pthread_mutex_lock(&writers);
}

static void
after_fork(void)
{
    (void)pthread_mutex_unlock(&writers);
}

static pthread_once_t install_once = PTHREAD_ONCE_INIT;
static bool installed; /* written in the once, constant after it */

/* Our handlers come after liburcu's: prepare handlers run last to first, so
 * the mutex is taken before its locks, as writers do. And they come before the
 * mutex is taken for the first time, or a child could inherit it locked. */
static void
install(void)
{
    installed = reclaim_init() &&
                thread_at_fork(before_fork, after_fork, after_fork);
}

bool
registry_init(void)
{
    (void)pthread_once(&install_once, install);
    return installed;
}

/* FNV-1a from a seed that differs per process (nobody can choose names that
 * collide), then mixed: FNV alone leaves its low bits, which pick the bucket,
 * depending on the low bits of the input only. */
static uint64_t
hash_of(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;

    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    }
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 33);
}

static struct registry_entry *
entry_of(struct reclaim_node *node)
{
    return (struct registry_entry *)node;
}

static bool
has_name(const struct reclaim_node *node, const void *name)
{
    const struct registry_entry *const entry =
        (const struct registry_entry *)node;

    return strcmp(entry->name, name) == 0;
}

static struct reclaim_table *
table_or_null(void)
{
    /* ORDER registry.2 acquire <-> registry.1: the table is whole and the
     * seed is final when the pointer is seen. */
    return reclaim_read(&shared_table);
}

/* Under `writers`. NULL without memory. */
static struct reclaim_table *
table_or_new(uint64_t fresh_seed)
{
    struct reclaim_table *table = table_or_null();

    if (table != NULL) {
        return table;
    }
    table = reclaim_table_new(REGISTRY_BUCKETS);
    if (table == NULL) {
        return NULL;
    }
    seed = fresh_seed;
    race_point("registry.publish");
    /* ORDER registry.1 release <-> registry.2: seed and table come first; a
     * reader that saw an older seed would look into the wrong chain. */
    reclaim_publish(&shared_table, table);
    return table;
}

/* The entry is not findable yet: its name is ours to write. */
static bool
try_name(struct reclaim_table *table, struct registry_entry *entry)
{
    entry->hash = hash_of(entry->name);
    race_point("registry.add");
    return reclaim_table_add(table, entry->hash, has_name, entry->name,
                             &entry->node);
}

/* "name", cut so that "-number" fits behind it. */
static void
write_numbered(char *to, const char *name, uint32_t number)
{
    char suffix[16];
    const int length = snprintf(suffix, sizeof suffix, "-%u", number);

    (void)snprintf(to, REGISTRY_NAME_MAX + 1u, "%.*s%s",
                   (int)REGISTRY_NAME_MAX - length, name, suffix);
}

/* Under `writers`: nobody takes a number between our look and our add. */
static dew_code
add_locked(struct reclaim_table *table, struct registry_entry *entry,
           const char *name, bool explicit_name)
{
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    if (try_name(table, entry)) {
        return DEW_OK;
    }
    if (explicit_name) {
        return DEW_EEXIST;
    }
    for (uint32_t number = 2; number < UINT32_MAX; number++) {
        write_numbered(entry->name, name, number);
        if (try_name(table, entry)) {
            return DEW_OK;
        }
    }
    return DEW_EEXIST;
}

dew_code
registry_add(struct registry_entry *entry, const char *name, bool explicit_name)
{
    /* Drawn before the mutex: random may register a fork handler, and older
     * glibcs hold a lock of their own over fork's wait for our mutex. */
    const uint64_t fresh_seed = random_u64();
    struct reclaim_table *table;
    dew_code code;

    reclaim_expect_outside("registry_add");
    if (explicit_name && (*name == '\0' || strlen(name) > REGISTRY_NAME_MAX)) {
        return DEW_EINVAL;
    }
    if (!registry_init()) {
        return DEW_ENOMEM;
    }
    (void)pthread_mutex_lock(&writers);
    table = table_or_new(fresh_seed);
    code = table == NULL ? DEW_ENOMEM
                         : add_locked(table, entry, name, explicit_name);
    (void)pthread_mutex_unlock(&writers);
    return code;
}

struct registry_entry *
registry_find(const char *name)
{
    struct reclaim_table *table;

    reclaim_expect_reader("registry_find");
    table = table_or_null();
    if (table == NULL) {
        return NULL;
    }
    race_point("registry.find");
    return entry_of(reclaim_table_find(table, hash_of(name), has_name, name));
}

void
registry_remove(struct registry_entry *entry)
{
    reclaim_expect_outside("registry_remove");
    (void)pthread_mutex_lock(&writers);
    (void)reclaim_table_remove(table_or_null(), &entry->node);
    (void)pthread_mutex_unlock(&writers);
    race_point("registry.removed");
}

void
registry_each(int (*each)(struct registry_entry *entry, void *arg), void *arg)
{
    struct reclaim_cursor cursor;
    struct reclaim_table *table;
    struct reclaim_node *node;

    reclaim_read_begin();
    table = table_or_null();
    node = table == NULL ? NULL : reclaim_table_first(table, &cursor);
    while (node != NULL && each(entry_of(node), arg) == 0) {
        node = reclaim_table_next(table, &cursor);
    }
    reclaim_read_end();
}
