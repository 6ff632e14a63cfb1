/* SPDX-License-Identifier: MIT */
/* What an option of a URI may be, and what is said of all else. */
#ifndef DEWPOND_API_URI_WORDS_H
#define DEWPOND_API_URI_WORDS_H

#include <dewpond.h>
#include <stddef.h>

#define URI_SHOWN 40 /* bytes of a foreign text that a message repeats */

/* Of a table that ends with a NULL word. */
struct uri_word {
    const char *word;
    uint32_t value;
};

/* The word that `text` of this length is, or NULL. */
const struct uri_word *uri_find_word(const struct uri_word *words,
                                     const char *text, size_t length);

/* Printable, short, never more than what a reader needs to find the place. */
void uri_show(char shown[URI_SHOWN + 4], const char *text);

/* DEW_EINVAL: what the key is, and what it may be. */
dew_code uri_refuse_value(const char *key, const char *value,
                          const char *allowed, dew_error *error);
/* The same, with all words of a table as what it may be. */
dew_code uri_refuse_word(const char *key, const char *value,
                         const struct uri_word *words, dew_error *error);

#endif
