/* SPDX-License-Identifier: MIT */
/* What must hold of settings that were accepted, and of an error otherwise. */
#include "fuzz/settings_claims.h"

#include <stdio.h>
#include <string.h>

#include "api/config.h"
#include "api/config_numbers.h"
#include "api/uri.h"
#include "fuzz/fuzz.h"
#include "session/session.h"

#define URI_ROOM 65536 /* one more than a URI may have */

/* ---- the fields ---- */

static const struct text {
    const char *key; /* in a URI; NULL: it has its place in front */
    size_t of_settings, of_config;
} texts[] = {
#define TEXT(KEY, FIELD)                                                       \
    {                                                                          \
        (KEY), offsetof(struct settings, FIELD), offsetof(dew_config, FIELD)   \
    }
    TEXT(NULL, user),
    TEXT(NULL, password),
    TEXT(NULL, host),
    TEXT(NULL, database),
    TEXT("socket", unix_socket),
    TEXT("charset", charset),
    TEXT("init_sql", init_sql),
    TEXT("defaults_file", defaults_file),
    TEXT("defaults_group", defaults_group),
    TEXT("tls_ca", tls_ca),
    TEXT("tls_cert", tls_cert),
    TEXT("tls_key", tls_key),
};
#define TEXTS (sizeof texts / sizeof texts[0])

static const char *
text_of(const struct settings *settings, const struct text *text)
{
    const char *value;

    memcpy(&value, (const char *)settings + text->of_settings, sizeof value);
    return value;
}

static int64_t
number_of(const struct settings *settings, const struct config_number *number)
{
    const char *const at = (const char *)settings + number->to;
    int64_t wide;
    uint32_t narrow;

    if (number->wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

/* ---- one of them ---- */

void
claim_refused(dew_code code, const dew_error *error,
              const struct settings *settings, bool has_secret)
{
    FUZZ_CLAIM(code == DEW_EINVAL, "refused with %s", dew_code_name(code));
    FUZZ_CLAIM(settings == NULL, "refused, but there are settings");
    FUZZ_CLAIM(error->code == code, "the error says %d", (int)error->code);
    FUZZ_CLAIM(error->stage == DEW_STAGE_CONFIG, "stage %d",
               (int)error->stage);
    FUZZ_CLAIM(memchr(error->message, 0, sizeof error->message) != NULL,
               "the message has no end");
    FUZZ_CLAIM(error->message[0] != '\0', "there is no message");
    FUZZ_CLAIM(!has_secret || !fuzz_holds_secret(error->message), "it tells: %s",
               error->message);
}

static bool
is_allowed(const struct config_number *number, int64_t value)
{
    return value == number->preset || (value == 0 && number->zero) ||
           (value == SETTINGS_OFF && number->off) ||
           (value >= number->min && value <= number->max);
}

void
claim_valid(const struct settings *settings)
{
    const struct config_number *number;

    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        const int64_t value = number_of(settings, number);
        FUZZ_CLAIM(is_allowed(number, value), "%s is %lld", number->name,
                   (long long)value);
    }
    FUZZ_CLAIM(settings->size <= settings->maxsize, "%u of %u",
               settings->size, settings->maxsize);
    FUZZ_CLAIM(settings->pre_create <= settings->size, "%u of %u",
               settings->pre_create, settings->size);
    FUZZ_CLAIM(settings->name != NULL && settings->name[0] != '\0' &&
                   strlen(settings->name) <= 255,
               "the name");
    FUZZ_CLAIM(settings->charset != NULL && settings->charset[0] != '\0',
               "the charset");
    FUZZ_CLAIM(settings->tls_mode <= DEW_TLS_VERIFY, "%u", settings->tls_mode);
    FUZZ_CLAIM((unsigned)settings->reset <= DEW_RESET_NEVER, "%d",
               (int)settings->reset);
    FUZZ_CLAIM((settings->client_flags & CLIENT_LOCAL_FILES) == 0, "0x%llx",
               (unsigned long long)settings->client_flags);
}

static void
claim_same_text(const char *what, const char *one, const char *other)
{
    FUZZ_CLAIM((one == NULL) == (other == NULL) &&
                   (one == NULL || strcmp(one, other) == 0),
               "%s: '%s' is not '%s'", what, one == NULL ? "NULL" : one,
               other == NULL ? "NULL" : other);
}

static void
claim_same(const struct settings *one, const struct settings *other)
{
    const struct config_number *number;

    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        FUZZ_CLAIM(number_of(one, number) == number_of(other, number),
                   "%s: %lld is not %lld", number->name,
                   (long long)number_of(one, number),
                   (long long)number_of(other, number));
    }
    for (size_t i = 0; i < TEXTS; i++) {
        claim_same_text(texts[i].key == NULL ? "a place" : texts[i].key,
                        text_of(one, &texts[i]), text_of(other, &texts[i]));
    }
    claim_same_text("name", one->name, other->name);
    FUZZ_CLAIM(one->name_is_explicit == other->name_is_explicit, "%s",
               one->name);
    FUZZ_CLAIM(one->waiters_follow == other->waiters_follow, "waiters");
    FUZZ_CLAIM(one->tls_mode == other->tls_mode && one->flags == other->flags &&
                   one->client_flags == other->client_flags &&
                   one->reset == other->reset &&
                   one->autocommit == other->autocommit,
               "a choice");
}

/* ---- written as a dew_config ---- */

static uint32_t
config_value(const struct settings *settings,
             const struct config_number *number)
{
    const int64_t value = number_of(settings, number);

    if (strcmp(number->name, "waiters_max") == 0 && settings->waiters_follow) {
        return 0;
    }
    if (value == SETTINGS_OFF) {
        return number->off ? DEW_OFF : 0;
    }
    return value == 0 && number->zero ? DEW_ZERO : (uint32_t)value;
}

static void
write_config(const struct settings *settings, dew_config *config)
{
    const struct config_number *number;

    dew_config_init(config, (uint32_t)sizeof *config);
    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        const uint32_t value = config_value(settings, number);
        memcpy((char *)config + number->from, &value, sizeof value);
    }
    for (size_t i = 0; i < TEXTS; i++) {
        const char *const value = text_of(settings, &texts[i]);
        memcpy((char *)config + texts[i].of_config, &value, sizeof value);
    }
    config->name = settings->name_is_explicit ? settings->name : NULL;
    config->tls_mode = settings->tls_mode;
    config->flags = settings->flags;
    config->client_flags = settings->client_flags;
    config->reset = settings->reset;
    config->autocommit = settings->autocommit ? 0 : DEW_OFF;
}

/* ---- written as a URI ---- */

struct uri {
    char text[URI_ROOM + 1];
    size_t length;
    bool full;
    char before; /* of the next option: ? or & */
};

static void
put(struct uri *uri, const char *piece)
{
    const size_t length = strlen(piece);

    uri->full = uri->full || uri->length + length >= URI_ROOM;
    if (!uri->full) {
        memcpy(uri->text + uri->length, piece, length + 1);
        uri->length += length;
    }
}

/* Everything percent-encoded: what has a meaning and what has none. */
static void
put_encoded(struct uri *uri, const char *text)
{
    char byte[4];

    for (; text != NULL && *text != '\0'; text++) {
        (void)snprintf(byte, sizeof byte, "%%%02x", (unsigned char)*text);
        put(uri, byte);
    }
}

static void
put_option(struct uri *uri, const char *key, const char *value)
{
    const char before[] = {uri->before, '\0'};

    put(uri, before);
    put(uri, key);
    put(uri, "=");
    put_encoded(uri, value);
    uri->before = '&';
}

static void
put_places(struct uri *uri, const struct settings *settings)
{
    put(uri, "mysql://");
    put_encoded(uri, settings->user);
    if (settings->password != NULL) {
        put(uri, ":");
        put_encoded(uri, settings->password);
    }
    put(uri, "@");
    put_encoded(uri, settings->host);
    if (settings->port != 0) {
        char port[16];
        (void)snprintf(port, sizeof port, ":%u", settings->port);
        put(uri, port);
    }
    put(uri, "/");
    put_encoded(uri, settings->database);
}

static void
put_numbers(struct uri *uri, const struct settings *settings)
{
    const struct config_number *number;

    for (size_t i = 0; (number = config_number_at(i)) != NULL; i++) {
        const uint32_t value = config_value(settings, number);
        char text[16];

        (void)snprintf(text, sizeof text, "%u", value);
        if (value != 0 && strcmp(number->name, "port") != 0) {
            put_option(uri, number->name, value == DEW_OFF    ? "off"
                                          : value == DEW_ZERO ? "zero"
                                                              : text);
        }
    }
}

static const struct {
    uint64_t bit;
    const char *word;
} client_words[] = {
    {CLIENT_FOUND_ROWS, "found_rows"},
    {CLIENT_COMPRESS, "compress"},
    {CLIENT_IGNORE_SPACE, "ignore_space"},
    {CLIENT_INTERACTIVE, "interactive"},
    {CLIENT_MULTI_STATEMENTS, "multi_statements"},
    {CLIENT_MULTI_RESULTS, "multi_results"},
};

/* False: a URI has no words for them. */
static bool
put_client_flags(struct uri *uri, uint64_t flags)
{
    char value[128] = "";

    for (size_t i = 0; i < sizeof client_words / sizeof client_words[0]; i++) {
        if ((flags & client_words[i].bit) != 0) {
            (void)strcat(value, value[0] == '\0' ? "" : ",");
            (void)strcat(value, client_words[i].word);
            flags &= ~client_words[i].bit;
        }
    }
    if (value[0] != '\0') {
        put_option(uri, "client_flags", value);
    }
    return flags == 0;
}

static bool
put_choices(struct uri *uri, const struct settings *settings)
{
    static const char *const tls[] = {"default", "off", "required", "verify"};
    static const char *const reset[] = {"auto", "always", "rollback", "never"};

    put_option(uri, "tls_mode", tls[settings->tls_mode]);
    put_option(uri, "reset", reset[settings->reset]);
    put_option(uri, "autocommit", settings->autocommit ? "on" : "off");
    put_option(uri, "no_threads",
               (settings->flags & DEW_NO_THREADS) != 0 ? "on" : "off");
    put_option(uri, "refuse_nested",
               (settings->flags & DEW_REFUSE_NESTED) != 0 ? "on" : "off");
    return put_client_flags(uri, settings->client_flags);
}

/* False: a URI cannot say it. */
static bool
write_uri(const struct settings *settings, struct uri *uri)
{
    uri->length = 0;
    uri->full = false;
    uri->before = '?';
    put_places(uri, settings);
    put_numbers(uri, settings);
    for (size_t i = 0; i < TEXTS; i++) {
        if (texts[i].key != NULL && text_of(settings, &texts[i]) != NULL) {
            put_option(uri, texts[i].key, text_of(settings, &texts[i]));
        }
    }
    if (settings->name_is_explicit) {
        put_option(uri, "name", settings->name);
    }
    /* In a URI an empty user is none. */
    return put_choices(uri, settings) && !uri->full &&
           (settings->user == NULL || settings->user[0] != '\0');
}

void
claim_round_trip(const struct settings *settings)
{
    static struct uri uri;
    struct settings *again = NULL;
    dew_config config;
    dew_error error = {0};

    write_config(settings, &config);
    FUZZ_CLAIM(settings_make(&again, &config, &error) == DEW_OK,
               "as a dew_config refused: %s", error.message);
    claim_same(settings, again);
    settings_free(again);
    if (write_uri(settings, &uri)) {
        FUZZ_CLAIM(settings_from_uri(&again, uri.text, &error) == DEW_OK,
                   "%s refused: %s", uri.text, error.message);
        claim_same(settings, again);
        settings_free(again);
        FUZZ_COUNT("round_trips");
    }
}
