/* SPDX-License-Identifier: MIT */
/* Finds a pool by its name, in the whole process, without a lock. */
/*
 * The entry is embedded in the pool. A pool is added when it is ready to lend
 * and removed before it is torn down:
 *
 *     registry_remove(&pool->entry);    no new look-up finds it
 *     reclaim_wait_readers();           no old one still holds it
 *     ... now the entry's memory may go
 *
 * Who finds an entry holds it only until the end of its read-side section; to
 * use the pool for longer it takes a counted reference before that.
 */
#ifndef DEWPOND_CORE_REGISTRY_H
#define DEWPOND_CORE_REGISTRY_H

#include <dewpond.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/reclaim.h"

#define REGISTRY_NAME_MAX 255u /* bytes of a name, without its end */

struct registry_entry {
    struct reclaim_node node; /* first: what the table finds */
    /* Written by registry_add before the entry can be found, then constant
     * until it cannot be found any more: needs no atomic. */
    uint64_t hash;
    char name[REGISTRY_NAME_MAX + 1];
};

/* Before a pool registers fork handlers of its own (registry_add does it too):
 * reclaim_init, then the handlers that keep the writers' lock whole in a
 * child. Idempotent; false, for good, without memory for the handlers. */
bool registry_init(void);

/* Makes the entry findable; entry->name is its final name. A name that was not
 * chosen (explicit_name false) gets -2, -3, ... when it is taken, and is cut
 * when it is too long. Returns DEW_OK; DEW_EEXIST (an explicit name is taken);
 * DEW_EINVAL (an explicit name is empty or too long); DEW_ENOMEM. Blocks: on
 * other writers, shortly; never in a read-side section. */
dew_code registry_add(struct registry_entry *entry, const char *name,
                      bool explicit_name);

/* The entry of that name, or NULL. Only inside a read-side section, which
 * keeps the result alive (asserted in the testing twin). Lock-free. */
struct registry_entry *registry_find(const char *name);

/* Takes an added entry out of sight; then reclaim_wait_readers, then free it.
 * Blocks: on other writers, shortly; never in a read-side section. */
void registry_remove(struct registry_entry *entry);

/* Calls `each` for every entry, in no order, until it returns non-zero: inside
 * a read-side section, whose rule binds `each`. Entries that come or go
 * meanwhile may be seen or not. Lock-free. */
void registry_each(int (*each)(struct registry_entry *entry, void *arg),
                   void *arg);

#endif
