/* SPDX-License-Identifier: MIT */
/* The table of numeric fields: ranges, defaults, and what 0 stands for. */
/*
 * One row per field, told again in the manual of dewpond.h. The URI reader
 * uses the same rows, so that text and struct cannot drift apart.
 */
#ifndef DEWPOND_API_CONFIG_NUMBERS_H
#define DEWPOND_API_CONFIG_NUMBERS_H

#include "base/settings.h"

struct config_number {
    const char *name;
    size_t from;    /* offset of the uint32_t in dew_config */
    size_t to;      /* offset in struct settings ... */
    bool wide;      /* ... of an int64_t; otherwise of a uint32_t */
    bool zero, off; /* whether DEW_ZERO and DEW_OFF are allowed */
    uint32_t min, max;
    int64_t preset; /* what 0 stands for; CONFIG_DERIVED: see config.c */
};

#define CONFIG_DERIVED INT64_C(-2)

/* Row `index`, or NULL past the last. */
const struct config_number *config_number_at(size_t index);

/* The row of a field by its name, or NULL. */
const struct config_number *config_number_find(const char *name);

/* DEW_OK when the field may hold `value` (0 included), or DEW_EINVAL with a
 * sentence that names field, value and what is allowed. */
dew_code config_number_check(const struct config_number *number, uint32_t value,
                             dew_error *error);

/* The value as its user wrote it: a number, "DEW_ZERO" or "DEW_OFF". */
#define CONFIG_SHOWN_BYTES 16
const char *config_number_show(uint32_t value, char text[CONFIG_SHOWN_BYTES]);

/* "1 to 64", "1 to 1000000, DEW_ZERO or DEW_OFF" ... */
void config_number_allowed(const struct config_number *number, char *text,
                           size_t size);

/* Checks all numeric fields and writes their final values; a derived one that
 * is not set is 0 afterwards. */
dew_code config_numbers_read(struct settings *to, const dew_config *from,
                             dew_error *error);

#endif
