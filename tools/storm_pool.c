/* SPDX-License-Identifier: MIT */
/* Opens the storm's pool from a URI or from options, and tries it once. */
#include "storm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_LOAN_MS = 10000 };

static enum storm_exit open_uri(struct storm *storm, dew_error *error);
static enum storm_exit open_fields(struct storm *storm, dew_error *error);
static enum storm_exit borrow_once(struct storm *storm, dew_error *error);
static bool compare_ids(MYSQL *mysql, bool *same);

enum storm_exit
storm_pool_open(struct storm *storm)
{
    dew_error error = {.message = "out of memory"};
    enum storm_exit outcome = storm->options->uri != NULL
                                  ? open_uri(storm, &error)
                                  : open_fields(storm, &error);
    if (outcome == STORM_FINE) {
        outcome = borrow_once(storm, &error);
    }
    if (outcome != STORM_FINE) {
        (void)fprintf(stderr, "dewpond storm: %s", error.message);
        if (error.mysql_errno != 0) {
            (void)fprintf(stderr, " (%u)", (unsigned)error.mysql_errno);
        }
        (void)fputc('\n', stderr);
    }
    return outcome;
}

static enum storm_exit
verdict_of(dew_code code)
{
    if (code == DEW_OK) {
        return STORM_FINE;
    }
    return code == DEW_EINVAL ? STORM_USAGE : STORM_TROUBLE;
}

static enum storm_exit
open_fields(struct storm *storm, dew_error *error)
{
    const struct storm_options *const options = storm->options;
    dew_config config = DEW_CONFIG_INIT;
    config.host = options->host;
    config.user = options->user;
    config.password = options->password;
    config.database = options->database;
    config.unix_socket = options->socket;
    config.port = options->port > 0 ? (uint32_t)options->port : 0;
    config.size = options->size > 0 ? (uint32_t)options->size : 0;
    config.maxsize = options->maxsize > 0 ? (uint32_t)options->maxsize : 0;
    config.reset =
        options->reset > 0 ? (dew_reset)options->reset : DEW_RESET_AUTO;
    /* Every thread may queue: a storm that sheds load measures nothing. */
    config.waiters_max = DEW_OFF;
    return verdict_of(dew_pool_open(&storm->pool, &config, error));
}

/* The value of a key in the URI's query, or NULL. */
static const char *
uri_key(const char *uri, const char *key)
{
    const size_t length = strlen(key);
    const char *part = strchr(uri, '?');
    while (part != NULL) {
        part++;
        if (strncmp(part, key, length) == 0 && part[length] == '=') {
            return part + length + 1;
        }
        part = strchr(part, '&');
    }
    return NULL;
}

/* Writes `password` percent-encoded behind the URI's user where the user has
 * none yet, else nothing: the whole URI goes to `out`. */
static void
write_uri(FILE *out, const char *uri, const char *password)
{
    const char *const scheme = strstr(uri, "://");
    const char *const user = scheme == NULL ? uri : scheme + 3;
    const size_t user_length = strcspn(user, ":@/?");
    const bool fits = password != NULL && user_length > 0 &&
                      user[user_length] == '@' &&
                      uri_key(uri, "password") == NULL;
    const size_t head = (size_t)(user - uri) + user_length;
    (void)fwrite(uri, 1, head, out);
    if (fits) {
        (void)fputc(':', out);
        for (const char *c = password; *c != '\0'; c++) {
            (void)fprintf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
    (void)fputs(uri + head, out);
}

static bool
append_key(FILE *out, const char *uri, char *separator, const char *key,
           const char *value, dew_error *error)
{
    if (uri_key(uri, key) != NULL) {
        (void)snprintf(error->message, sizeof error->message,
                       "--%s and %s= in the URI exclude each other", key, key);
        return false;
    }
    (void)fprintf(out, "%c%s=%s", *separator, key, value);
    *separator = '&';
    return true;
}

static bool
append_options(FILE *out, const struct storm_options *options, dew_error *error)
{
    static const char *const words[] = {"auto", "always", "rollback", "never"};
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"size", options->size}, {"maxsize", options->maxsize}};
    char separator = strchr(options->uri, '?') == NULL ? '?' : '&';
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char digits[24];
        (void)snprintf(digits, sizeof digits, "%lld",
                       (long long)numbers[i].value);
        if (numbers[i].value != STORM_UNSET &&
            !append_key(out, options->uri, &separator, numbers[i].key, digits,
                        error)) {
            return false;
        }
    }
    if (options->reset != STORM_UNSET &&
        !append_key(out, options->uri, &separator, "reset",
                    words[options->reset], error)) {
        return false;
    }
    /* Every thread may queue: a storm that sheds load measures nothing. */
    return uri_key(options->uri, "waiters_max") != NULL ||
           append_key(out, options->uri, &separator, "waiters_max", "off",
                      error);
}

static enum storm_exit
open_uri(struct storm *storm, dew_error *error)
{
    const struct storm_options *const options = storm->options;
    if (options->dirty > 0 && uri_key(options->uri, "reset") != NULL) {
        (void)snprintf(error->message, sizeof error->message,
                       "--dirty must know the policy: give --reset, not "
                       "reset= in the URI");
        return STORM_USAGE;
    }
    char *uri = NULL;
    size_t length = 0;
    FILE *const out = open_memstream(&uri, &length);
    if (out == NULL) {
        return STORM_TROUBLE;
    }
    write_uri(out, options->uri, options->password);
    const bool fine = append_options(out, options, error);
    enum storm_exit outcome = fine ? STORM_FINE : STORM_USAGE;
    if (fclose(out) != 0) {
        outcome = STORM_TROUBLE;
    }
    if (outcome == STORM_FINE) {
        outcome = verdict_of(dew_pool_open_uri(&storm->pool, uri, error));
    }
    free(uri);
    return outcome;
}

static enum storm_exit
borrow_once(struct storm *storm, dew_error *error)
{
    dew_conn conn = DEW_CONN_INIT;
    if (dew_acquire(storm->pool, FIRST_LOAN_MS, &conn, error) != DEW_OK) {
        return STORM_TROUBLE;
    }
    (void)snprintf(storm->server, sizeof storm->server, "%s",
                   mysql_get_server_info(conn.mysql));
    bool same = false;
    if (storm->compare_id && !compare_ids(conn.mysql, &same)) {
        (void)snprintf(error->message, sizeof error->message,
                       "the first query failed: %s", mysql_error(conn.mysql));
        (void)dew_release(&conn);
        return STORM_TROUBLE;
    }
    /* Behind a proxy the greeting's id is the proxy's own. */
    storm->compare_id = storm->compare_id && same;
    (void)dew_release(&conn);
    return STORM_FINE;
}

static bool
compare_ids(MYSQL *mysql, bool *same)
{
    if (mysql_query(mysql, "SELECT CONNECTION_ID()") != 0) {
        return false;
    }
    MYSQL_RES *const result = mysql_store_result(mysql);
    if (result == NULL) {
        return false;
    }
    const MYSQL_ROW row = mysql_fetch_row(result);
    *same = row != NULL && row[0] != NULL &&
            strtoull(row[0], NULL, 10) == mysql_thread_id(mysql);
    mysql_free_result(result);
    return true;
}
