/* SPDX-License-Identifier: MIT */
/* Counts errors by code and keeps the first text of each. */
#include "mishaps.h"

#include <stdio.h>

static void add_kind(struct mishaps *mishaps, dew_code code,
                     uint32_t mysql_errno_, const char *message,
                     uint64_t count);

void
mishaps_add(struct mishaps *mishaps, const dew_error *error)
{
    add_kind(mishaps, error->code, error->mysql_errno, error->message, 1);
}

void
mishaps_add_query(struct mishaps *mishaps, MYSQL *mysql)
{
    add_kind(mishaps, DEW_EQUERY, (uint32_t)mysql_errno(mysql),
             mysql_error(mysql), 1);
}

void
mishaps_merge(struct mishaps *into, const struct mishaps *from)
{
    for (uint32_t i = 0; i < from->used; i++) {
        const struct mishap *const kind = &from->kinds[i];
        add_kind(into, kind->code, kind->mysql_errno, kind->message,
                 kind->count);
    }
    into->others += from->others;
}

uint64_t
mishaps_total(const struct mishaps *mishaps)
{
    uint64_t total = mishaps->others;
    for (uint32_t i = 0; i < mishaps->used; i++) {
        total += mishaps->kinds[i].count;
    }
    return total;
}

static void
add_kind(struct mishaps *mishaps, dew_code code, uint32_t mysql_errno_,
         const char *message, uint64_t count)
{
    for (uint32_t i = 0; i < mishaps->used; i++) {
        struct mishap *const kind = &mishaps->kinds[i];
        if (kind->code == code && kind->mysql_errno == mysql_errno_) {
            kind->count += count;
            return;
        }
    }
    if (mishaps->used == MISHAPS_KINDS) {
        mishaps->others += count;
        return;
    }
    struct mishap *const kind = &mishaps->kinds[mishaps->used++];
    kind->code = code;
    kind->mysql_errno = mysql_errno_;
    kind->count = count;
    (void)snprintf(kind->message, sizeof kind->message, "%s", message);
}
