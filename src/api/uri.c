/* SPDX-License-Identifier: MIT */
/* From a mysql:// URI to settings: strict, and silent about passwords. */
#define _GNU_SOURCE 1
#include "api/uri.h"

#include "api/config.h"
#include "api/uri_query.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/mutant.h"
#include "session/session.h"

#include <string.h>
#include <strings.h>

#define SCHEME "mysql://"
#define URI_LONGEST 65535 /* bytes */

/* The parts of a URI: pointers into one copy, cut apart by zero bytes. */
struct parts {
    char *user, *password; /* NULL: not given */
    char *host, *port;
    char *database;
    char *query;
};

static dew_code
refuse(dew_error *error, const char *sentence)
{
    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG, "%s", sentence);
}

static int
hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

/* In place: decoded text is never longer. The text is not told, only where it
 * stands: it may be the password. */
static dew_code
decode(char *text, const char *where, dew_error *error)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        char byte = *from;
        if (byte == '%') {
            const int high = hex_digit(from[1]);
            const int low = high < 0 ? -1 : hex_digit(from[2]);
            if (low < 0) {
                return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                                 "in the URI's %s a %% is not followed by "
                                 "two hexadecimal digits; write it %%25",
                                 where);
            }
            if (high == 0 && low == 0) {
                return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                                 "the URI's %s holds %%00", where);
            }
            byte = (char)(unsigned char)(high * 16 + low);
            from += 2;
        }
        *to++ = byte;
    }
    *to = '\0';
    return DEW_OK;
}

/* Ends `text` at the first `mark`; what follows it, or NULL without one. */
static char *
cut(char *text, char mark)
{
    char *const at = strchr(text, mark);

    if (at == NULL) {
        return NULL;
    }
    *at = '\0';
    return at + 1;
}

static dew_code
split_host(struct parts *parts, char *host, dew_error *error)
{
    char *behind = host;

    parts->host = host;
    if (host[0] == '[') {
        parts->host = host + 1;
        behind = cut(host, ']');
        if (behind == NULL || (behind[0] != ':' && behind[0] != '\0')) {
            return refuse(error, "the URI's host begins with [ and is not "
                                 "[address] or [address]:port");
        }
        if (parts->host[0] == '\0') {
            return refuse(error, "the URI's host is empty brackets");
        }
    }
    parts->port = cut(behind, ':');
    if (parts->port != NULL && strchr(parts->port, ':') != NULL) {
        return refuse(error, "the URI's host has more than one colon; an "
                             "IPv6 address stands in [ ]");
    }
    return DEW_OK;
}

/* The marks that would make a password's rest look like something else. */
static dew_code
check_marks(const char *rest, dew_error *error)
{
    const size_t authority = strcspn(rest, "/?");
    const char *const at = strchr(rest, '@');

    if (strchr(rest, '#') != NULL) {
        return refuse(error, "the URI holds a raw #; write it %23");
    }
    if (at != NULL && (size_t)(at - rest) > authority) {
        return refuse(error, "the URI holds a raw @ behind host or path; in "
                             "user, password and options write / as %2F, "
                             "? as %3F and @ as %40");
    }
    if (MUTANT(49)) { return DEW_OK; }
    if (at != NULL && strchr(at + 1, '@') != NULL) {
        return refuse(error, "the URI holds more than one raw @; in user, "
                             "password and options write it %40");
    }
    return DEW_OK;
}

/* Cuts "user:password@host:port/database?query" apart. */
static dew_code
split(struct parts *parts, char *rest, dew_error *error)
{
    const dew_code code = check_marks(rest, error);

    if (code != DEW_OK) {
        return code;
    }
    parts->query = cut(rest, '?');
    parts->database = cut(rest, '/');
    char *host = cut(rest, '@');
    if (host != NULL) {
        parts->user = rest;
        parts->password = cut(rest, ':');
    } else {
        host = rest;
    }
    if (parts->database != NULL && strchr(parts->database, '/') != NULL) {
        return refuse(error, "the URI's path has more than one /; a / in a "
                             "database's name is written %2F");
    }
    return split_host(parts, host, error);
}

static dew_code
take_place(const char **field, char *text, const char *where, dew_error *error)
{
    if (text == NULL) {
        return DEW_OK;
    }
    const dew_code code = decode(text, where, error);
    /* An empty password is one; any other empty part is absent. */
    if (code == DEW_OK && (text[0] != '\0' || strcmp(where, "password") == 0)) {
        *field = text;
    }
    return code;
}

static dew_code
take_places(dew_config *config, const struct parts *parts, dew_error *error)
{
    dew_code code = take_place(&config->user, parts->user, "user", error);

    if (code == DEW_OK) {
        code =
            take_place(&config->password, parts->password, "password", error);
    }
    if (code == DEW_OK) {
        code = take_place(&config->host, parts->host, "host", error);
    }
    if (code == DEW_OK) {
        code =
            take_place(&config->database, parts->database, "database", error);
    }
    /* Not shown: in a URI without its @ it is half of a password. */
    if (code == DEW_OK && parts->port != NULL &&
        (!uri_number(parts->port, 65536, &config->port) || config->port == 0)) {
        code = refuse(error, "the URI's port is no number from 1 to 65535");
    }
    return code;
}

static dew_code
take_option(dew_config *config, struct uri_seen *seen, char *key,
            dew_error *error)
{
    char *const value = cut(key, '=');

    if (value == NULL || key[0] == '\0') {
        return refuse(error, "the URI has an option that is not key=value");
    }
    dew_code code = decode(key, "options", error);
    if (code == DEW_OK) {
        code = decode(value, "options", error);
    }
    return code == DEW_OK ? uri_option(config, seen, key, value, error) : code;
}

static dew_code
take_options(dew_config *config, char *query, dew_error *error)
{
    struct uri_seen seen = {0};
    dew_code code = DEW_OK;

    while (query != NULL && code == DEW_OK) {
        char *const option = query;
        query = cut(query, '&');
        code = take_option(config, &seen, option, error);
    }
    return code;
}

static dew_code
read_uri(struct settings **settings, char *rest, dew_error *error)
{
    dew_config config = {.struct_size = (uint32_t)sizeof config,
                         .client = session_client_built()};
    struct parts parts = {0};
    dew_code code = split(&parts, rest, error);

    if (code == DEW_OK) {
        code = take_places(&config, &parts, error);
    }
    if (code == DEW_OK) {
        code = take_options(&config, parts.query, error);
    }
    if (code == DEW_OK) {
        code = settings_make(settings, &config, error);
    }
    return code;
}

dew_code
settings_from_uri(struct settings **settings, const char *uri, dew_error *error)
{
    *settings = NULL;
    if (uri == NULL) {
        return refuse(error, "uri is NULL");
    }
    const size_t length = strnlen(uri, URI_LONGEST + 1);
    if (length > URI_LONGEST) {
        return refuse(error, "uri is longer than 65535 bytes");
    }
    if (strncasecmp(uri, SCHEME, strlen(SCHEME)) != 0) {
        return refuse(error, "uri does not begin with mysql://");
    }
    char *const copy = memory_copy_string(uri);
    if (copy == NULL) {
        return error_no_memory(error, DEW_STAGE_CONFIG, "the URI");
    }
    const dew_code code = read_uri(settings, copy + strlen(SCHEME), error);
    explicit_bzero(copy, length);
    memory_free(copy);
    return code;
}
