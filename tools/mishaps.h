/* SPDX-License-Identifier: MIT */
/* Counts errors by code and keeps the first text of each. */
#ifndef DEWPOND_TOOLS_MISHAPS_H
#define DEWPOND_TOOLS_MISHAPS_H

#include <dewpond.h>
#include <stdint.h>

enum { MISHAPS_KINDS = 16 };

struct mishap {
    dew_code code;
    uint32_t mysql_errno;
    uint64_t count;
    char message[512]; /* of the first one */
};

/* Written by one thread; merged after it was joined. Zero is empty. */
struct mishaps {
    struct mishap kinds[MISHAPS_KINDS];
    uint32_t used;
    uint64_t others; /* of kinds for which there was no room */
};

/* Counts what *error says. */
void mishaps_add(struct mishaps *mishaps, const dew_error *error);
/* Counts what the handle of a failed query says. */
void mishaps_add_query(struct mishaps *mishaps, MYSQL *mysql);
void mishaps_merge(struct mishaps *into, const struct mishaps *from);
uint64_t mishaps_total(const struct mishaps *mishaps);

#endif
