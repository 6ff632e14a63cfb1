/* SPDX-License-Identifier: MIT */
/* The options of a URI: one key and its value into a dew_config. */
#include "api/uri_query.h"

#include "api/config_numbers.h"
#include "api/uri_words.h"
#include "base/error.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct uri_word tls_words[] = {{"default", DEW_TLS_DEFAULT},
                                            {"off", DEW_TLS_OFF},
                                            {"required", DEW_TLS_REQUIRED},
                                            {"verify", DEW_TLS_VERIFY},
                                            {NULL, 0}};
static const struct uri_word reset_words[] = {{"auto", DEW_RESET_AUTO},
                                              {"always", DEW_RESET_ALWAYS},
                                              {"rollback", DEW_RESET_ROLLBACK},
                                              {"never", DEW_RESET_NEVER},
                                              {NULL, 0}};
static const struct uri_word switch_words[] = {
    {"on", 1}, {"off", 0}, {NULL, 0}};
static const struct uri_word autocommit_words[] = {
    {"on", 1}, {"off", DEW_OFF}, {NULL, 0}};
static const struct uri_word client_words[] = {
    {"found_rows", CLIENT_FOUND_ROWS},
    {"compress", CLIENT_COMPRESS},
    {"ignore_space", CLIENT_IGNORE_SPACE},
    {"interactive", CLIENT_INTERACTIVE},
    {"multi_statements", CLIENT_MULTI_STATEMENTS},
    {"multi_results", CLIENT_MULTI_RESULTS},
    {NULL, 0}};

struct option {
    const char *key;
    size_t offset; /* in dew_config */
    dew_code (*apply)(dew_config *config, const struct option *option,
                      const char *value, dew_error *error);
    const struct uri_word *words;
    uint32_t bit; /* for a flag */
};

static dew_code
apply_text(dew_config *config, const struct option *option, const char *value,
           dew_error *error)
{
    if (value[0] == '\0') {
        return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                         "%s is empty; leave it out or give a text",
                         option->key);
    }
    memcpy((char *)config + option->offset, &value, sizeof value);
    return DEW_OK;
}

static dew_code
apply_word(dew_config *config, const struct option *option, const char *value,
           dew_error *error)
{
    const struct uri_word *const word =
        uri_find_word(option->words, value, strlen(value));

    if (word == NULL) {
        return uri_refuse_word(option->key, value, option->words, error);
    }
    memcpy((char *)config + option->offset, &word->value, sizeof word->value);
    return DEW_OK;
}

static dew_code
apply_flag(dew_config *config, const struct option *option, const char *value,
           dew_error *error)
{
    const struct uri_word *const word =
        uri_find_word(option->words, value, strlen(value));

    if (word == NULL) {
        return uri_refuse_word(option->key, value, option->words, error);
    }
    config->flags |= word->value != 0 ? option->bit : 0;
    return DEW_OK;
}

/* Words with commas between them. */
static dew_code
apply_client_flags(dew_config *config, const struct option *option,
                   const char *value, dew_error *error)
{
    const char *at = value;

    for (;;) {
        const size_t length = strcspn(at, ",");
        const struct uri_word *const word =
            uri_find_word(option->words, at, length);
        if (word == NULL) {
            return uri_refuse_word(option->key, value, option->words, error);
        }
        config->client_flags |= word->value;
        if (at[length] == '\0') {
            return DEW_OK;
        }
        at += length + 1;
    }
}

static const struct option options[] = {
#define TEXT(FIELD)                                                            \
    {                                                                          \
        .key = #FIELD, .offset = offsetof(dew_config, FIELD),                  \
        .apply = apply_text                                                    \
    }
    TEXT(name),
    TEXT(unix_socket),
    TEXT(charset),
    TEXT(init_sql),
    TEXT(defaults_file),
    TEXT(defaults_group),
    TEXT(tls_ca),
    TEXT(tls_cert),
    TEXT(tls_key),
    {"tls_mode", offsetof(dew_config, tls_mode), apply_word, tls_words, 0},
    {"reset", offsetof(dew_config, reset), apply_word, reset_words, 0},
    {"autocommit", offsetof(dew_config, autocommit), apply_word,
     autocommit_words, 0},
    {"no_threads", 0, apply_flag, switch_words, DEW_NO_THREADS},
    {"refuse_nested", 0, apply_flag, switch_words, DEW_REFUSE_NESTED},
    {"client_flags", 0, apply_client_flags, client_words, 0},
};
#define OPTIONS (sizeof options / sizeof options[0])

_Static_assert(sizeof(dew_reset) == sizeof(uint32_t), "apply_word copies it");

bool
uri_number(const char *text, uint32_t above, uint32_t *value)
{
    uint64_t number = 0;

    if (text[0] == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(*text - '0');
        if (number >= above) {
            return false;
        }
    }
    *value = (uint32_t)number;
    return true;
}

/* What config_number_allowed says, in the words of a URI. */
static dew_code
refuse_number(const struct config_number *number, const char *value,
              dew_error *error)
{
    const char *words = "";
    char allowed[64];

    if (number->zero && number->off) {
        words = ", zero or off";
    } else if (number->zero) {
        words = " or zero";
    } else if (number->off) {
        words = " or off";
    }
    (void)snprintf(allowed, sizeof allowed, "%u to %u%s", number->min,
                   number->max, words);
    return uri_refuse_value(number->name, value, allowed, error);
}

static dew_code
apply_number(dew_config *config, const struct config_number *number,
             const char *text, dew_error *error)
{
    uint32_t value = 0;

    if (strcmp(text, "off") == 0) {
        value = DEW_OFF;
    } else if (strcmp(text, "zero") == 0) {
        value = DEW_ZERO;
    } else if (!uri_number(text, DEW_ZERO, &value)) {
        return refuse_number(number, text, error);
    }
    /* In a URI a 0 is written by hand: it means zero, not "the default". */
    if (value == 0) {
        value = DEW_ZERO;
    }
    if (config_number_check(number, value, NULL) != DEW_OK) {
        return refuse_number(number, text, error);
    }
    memcpy((char *)config + number->from, &value, sizeof value);
    return DEW_OK;
}

/* Marks a key; false when it was marked before. */
static bool
is_first(struct uri_seen *seen, size_t index)
{
    const uint64_t bit = UINT64_C(1) << index;
    const bool first = (seen->keys & bit) == 0;

    seen->keys |= bit;
    return first;
}

static dew_code
refuse_twice(const char *key, dew_error *error)
{
    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG, "%s is given twice",
                     key);
}

static dew_code
refuse_key(const char *key, dew_error *error)
{
    static const char *const in_front[] = {"host", "port", "user", "password",
                                           "database"};
    char shown[URI_SHOWN + 4];

    for (size_t i = 0; i < sizeof in_front / sizeof in_front[0]; i++) {
        if (strcmp(key, in_front[i]) == 0) {
            return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                             "%s is no key of a URI: it has its place in "
                             "mysql://user:password@host:port/database",
                             in_front[i]);
        }
    }
    uri_show(shown, key);
    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                     "the URI has an unknown key '%s'; keys are the names of "
                     "dew_config's fields, and socket, no_threads and "
                     "refuse_nested",
                     shown);
}

dew_code
uri_option(dew_config *config, struct uri_seen *seen, const char *key,
           const char *value, dew_error *error)
{
    const char *const field = strcmp(key, "socket") == 0 ? "unix_socket" : key;

    for (size_t i = 0; i < OPTIONS; i++) {
        if (strcmp(options[i].key, field) == 0) {
            return is_first(seen, i)
                       ? options[i].apply(config, &options[i], value, error)
                       : refuse_twice(options[i].key, error);
        }
    }
    const struct config_number *const number =
        strcmp(key, "port") == 0 ? NULL : config_number_find(key);
    if (number == NULL) {
        return refuse_key(key, error);
    }
    const size_t index = (size_t)(number - config_number_at(0));
    return is_first(seen, OPTIONS + index)
               ? apply_number(config, number, value, error)
               : refuse_twice(number->name, error);
}
