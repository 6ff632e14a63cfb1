/* SPDX-License-Identifier: MIT */
/* The options of a URI: one key and its value into a dew_config. */
#ifndef DEWPOND_API_URI_QUERY_H
#define DEWPOND_API_URI_QUERY_H

#include <dewpond.h>
#include <stdbool.h>

/* The keys seen so far, a bit for each. */
struct uri_seen {
    uint64_t keys;
};

/* Applies key=value, both decoded. Texts are borrowed. DEW_OK, or DEW_EINVAL
 * with a sentence that names the key and what is allowed. */
dew_code uri_option(dew_config *config, struct uri_seen *seen, const char *key,
                    const char *value, dew_error *error);

/* Digits only, below `above`; false for anything else. */
bool uri_number(const char *text, uint32_t above, uint32_t *value);

#endif
