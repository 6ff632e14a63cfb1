/* SPDX-License-Identifier: MIT */
/* Entries of the registry are freed while others may still look at them. */
#include <string.h>

#include "base/fault.h"
#include "base/memory.h"
#include "base/reclaim.h"
#include "canaries.h"
#include "core/registry.h"

#define FINDERS 2
#define ENTRIES 20
#define NAME "canary"

static order_u32 over;

/* Looks as an acquire by name does: it reads what it found, in the section. */
static void *
find(void *arg)
{
    /* Relaxed: an order of our own would hide that there is none. */
    while (order_load_relaxed_u32(&over) == 0) {
        reclaim_read_begin();
        const struct registry_entry *const found = registry_find(NAME);

        race_point("canary.found");
        if (found != NULL &&
            (found->hash == 0 || strcmp(found->name, NAME) != 0)) {
            canary_fail("found an entry of another name");
        }
        reclaim_read_end();
    }
    return arg;
}

void
live_no_grace_period(uint64_t seed)
{
    pthread_t finders[FINDERS];

    (void)seed;
    order_store_relaxed_u32(&over, 0);
    canary_threads(finders, FINDERS, find, NULL);
    for (int i = 0; i < ENTRIES; i++) {
        struct registry_entry *const entry = memory_zeroed(sizeof *entry);

        if (entry == NULL || registry_add(entry, NAME, true) != DEW_OK) {
            canary_fail("no entry");
        }
        race_point("canary.listed");
        registry_remove(entry);
        reclaim_wait_readers();
        memory_free(entry); /* CANARY(NO_GRACE_PERIOD */
    }
    order_store_relaxed_u32(&over, 1);
    canary_join(finders, FINDERS);
}
