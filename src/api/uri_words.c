/* SPDX-License-Identifier: MIT */
/* What an option of a URI may be, and what is said of all else. */
#include "api/uri_words.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

void
uri_show(char shown[URI_SHOWN + 4], const char *text)
{
    size_t i = 0;

    for (; i < URI_SHOWN && text[i] != '\0'; i++) {
        const unsigned char byte = (unsigned char)text[i];
        shown[i] = '?';
        if (byte >= 0x20 && byte < 0x7F) {
            shown[i] = text[i];
        }
    }
    (void)snprintf(shown + i, 4, "%s", text[i] != '\0' ? "..." : "");
}

dew_code
uri_refuse_value(const char *key, const char *value, const char *allowed,
                 dew_error *error)
{
    char shown[URI_SHOWN + 4];

    uri_show(shown, value);
    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                     "%s is '%s'; allowed are %s", key, shown, allowed);
}

dew_code
uri_refuse_word(const char *key, const char *value,
                const struct uri_word *words, dew_error *error)
{
    char allowed[160];
    size_t length = 0;

    allowed[0] = '\0';
    for (; words->word != NULL && length < sizeof allowed; words++) {
        length +=
            (size_t)snprintf(allowed + length, sizeof allowed - length, "%s%s",
                             length == 0 ? "" : ", ", words->word);
    }
    return uri_refuse_value(key, value, allowed, error);
}

const struct uri_word *
uri_find_word(const struct uri_word *words, const char *text, size_t length)
{
    for (; words->word != NULL; words++) {
        if (strlen(words->word) == length &&
            memcmp(words->word, text, length) == 0) {
            return words;
        }
    }
    return NULL;
}
