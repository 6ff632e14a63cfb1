/* SPDX-License-Identifier: MIT */
/* The text fields of a configuration: lengths, characters, files, the name. */
#define _GNU_SOURCE 1
#include "api/config_texts.h"

#include "api/uri_words.h"
#include "base/error.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define CHARSET "utf8mb4"
#define PATH_LARGEST 4095
#define SOCKET_LARGEST (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define PORT 3306u /* only for the name: the client library has the last word */
/* Shorter than a name may be: "-2", "-3" ... may have to follow. */
#define DEFAULT_NAME_BYTES 241

enum kind { PLAIN, FILE_TO_READ, MAY_BE_EMPTY };

static const struct text {
    const char *name;
    size_t from, to;
    size_t longest; /* bytes */
    enum kind kind;
} texts[] = {
#define ROW(FIELD, LONGEST, KIND)                                              \
    {                                                                          \
        .name = #FIELD, .from = offsetof(dew_config, FIELD),                   \
        .to = offsetof(struct settings, FIELD), .longest = (LONGEST),          \
        .kind = (KIND)                                                         \
    }
    ROW(name, CONFIG_NAME_BYTES - 1, PLAIN),
    ROW(host, 255, PLAIN),
    ROW(user, 255, MAY_BE_EMPTY),
    ROW(password, 1024, MAY_BE_EMPTY),
    ROW(database, 255, PLAIN),
    ROW(unix_socket, SOCKET_LARGEST, PLAIN),
    ROW(charset, 63, PLAIN),
    ROW(init_sql, 65535, PLAIN),
    ROW(defaults_file, PATH_LARGEST, FILE_TO_READ),
    ROW(defaults_group, 255, PLAIN),
    ROW(tls_ca, PATH_LARGEST, FILE_TO_READ),
    ROW(tls_cert, PATH_LARGEST, FILE_TO_READ),
    ROW(tls_key, PATH_LARGEST, FILE_TO_READ),
};
#define TEXTS (sizeof texts / sizeof texts[0])

static dew_code
refuse(dew_error *error, const char *sentence)
{
    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG, "%s", sentence);
}

/* The value itself is never shown: it may be the password. */
static dew_code
check_text(const struct text *text, const char *value, dew_error *error)
{
    const size_t length = strnlen(value, text->longest + 1);

    if (length > text->longest) {
        return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                         "%s is longer than %zu bytes", text->name,
                         text->longest);
    }
    /* A missing my.cnf is skipped in silence by the client libraries, a
     * missing key is reported by some without its name. */
    if (text->kind == FILE_TO_READ && length > 0 && access(value, R_OK) != 0) {
        return error_set_os(error, DEW_EINVAL, DEW_STAGE_CONFIG, errno,
                            "%s: cannot read %s: %s", text->name, value,
                            strerror(errno));
    }
    return DEW_OK;
}

static dew_code
borrow_texts(struct settings *to, const dew_config *from, dew_error *error)
{
    for (size_t i = 0; i < TEXTS; i++) {
        const char *value;
        memcpy(&value, (const char *)from + texts[i].from, sizeof value);
        if (value == NULL) {
            continue;
        }
        const dew_code code = check_text(&texts[i], value, error);
        if (code != DEW_OK) {
            return code;
        }
        if (value[0] == '\0' && texts[i].kind != MAY_BE_EMPTY) {
            value = NULL;
        }
        memcpy((char *)to + texts[i].to, &value, sizeof value);
    }
    return DEW_OK;
}

/* The name goes into log lines and to the server's process list. */
static dew_code
check_name(const dew_config *from, dew_error *error)
{
    if (from->name == NULL) {
        return DEW_OK;
    }
    if (from->name[0] == '\0') {
        return refuse(error, "name is empty; allowed are 1 to 255 bytes");
    }
    for (const char *at = from->name; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            return refuse(error, "name holds a control character");
        }
    }
    return DEW_OK;
}

/* It becomes part of a statement (SET NAMES): letters only, no quoting. */
static dew_code
check_charset(const char *charset, dew_error *error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

    if (charset[strspn(charset, allowed)] != '\0') {
        return uri_refuse_value("charset", charset,
                                "words of A-Z, a-z, 0-9 and _", error);
    }
    return DEW_OK;
}

static dew_code
check_tls(const struct settings *settings, dew_error *error)
{
    if ((settings->tls_cert == NULL) != (settings->tls_key == NULL)) {
        return refuse(error, "tls_cert and tls_key are given together "
                             "or not at all");
    }
    if (settings->tls_mode == DEW_TLS_OFF &&
        (settings->tls_ca != NULL || settings->tls_cert != NULL)) {
        return refuse(error, "tls_mode is DEW_TLS_OFF, but tls_ca, tls_cert "
                             "or tls_key is given");
    }
    return DEW_OK;
}

/* The client libraries drop the socket in silence when there is a host. */
static dew_code
check_address(const struct settings *settings, dew_error *error)
{
    if (settings->unix_socket != NULL && settings->host != NULL &&
        strcmp(settings->host, "localhost") != 0) {
        return refuse(error, "unix_socket is given and host is another than "
                             "localhost; give one of the two");
    }
    return DEW_OK;
}

dew_code
config_texts_read(struct settings *to, const dew_config *from, dew_error *error)
{
    static char charset[] = CHARSET;
    dew_code code = borrow_texts(to, from, error);

    if (code == DEW_OK) {
        code = check_name(from, error);
    }
    if (code == DEW_OK && to->charset == NULL) {
        to->charset = charset;
    }
    if (code == DEW_OK) {
        code = check_charset(to->charset, error);
    }
    if (code == DEW_OK) {
        code = check_tls(to, error);
    }
    if (code == DEW_OK) {
        code = check_address(to, error);
    }
    return code;
}

static void
append(char *name, size_t *length, const char *part)
{
    if (part == NULL || part[0] == '\0') {
        return;
    }
    const int added = snprintf(name + *length, DEFAULT_NAME_BYTES - *length,
                               "%s%s", *length == 0 ? "" : "-", part);
    *length += (size_t)added;
    if (*length >= DEFAULT_NAME_BYTES) {
        *length = DEFAULT_NAME_BYTES - 1;
    }
}

void
config_default_name(const struct settings *settings,
                    char name[CONFIG_NAME_BYTES])
{
    char port[16];
    size_t length = 0;

    name[0] = '\0';
    if (settings->unix_socket != NULL) {
        append(name, &length, settings->unix_socket);
    } else {
        (void)snprintf(port, sizeof port, "%u",
                       settings->port != 0 ? settings->port : PORT);
        append(name, &length,
               settings->host != NULL ? settings->host : "localhost");
        append(name, &length, port);
    }
    append(name, &length, settings->user);
    append(name, &length, settings->database);
}
