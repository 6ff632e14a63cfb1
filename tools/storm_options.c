/* SPDX-License-Identifier: MIT */
/* The options of `dewpond storm`: their table, their sense, their secrets. */
#include "options.h"
#include "storm.h"

#include <stdlib.h>
#include <string.h>

static const char *const reset_words[] = {"auto", "always", "rollback", "never",
                                          NULL};

#define AT(field) offsetof(struct storm_options, field)
#define NUMBER(name, field, min, max, help)                                    \
    {                                                                          \
        name, OPTION_NUMBER, AT(field), min, max, NULL, "N", help              \
    }
#define TEXT(name, field, argument, help)                                      \
    {                                                                          \
        name, OPTION_TEXT, AT(field), 0, 0, NULL, argument, help               \
    }

static const struct option_row rows[] = {
    TEXT("host", host, "NAME", "where the server is; instead of a URI"),
    NUMBER("port", port, 1, 65535, "its TCP port"),
    TEXT("socket", socket, "PATH", "its unix socket"),
    TEXT("user", user, "NAME", "who logs in"),
    TEXT("password", password, "WORD",
         "hidden from ps(1) at once; better: the variable\n"
         "DEWPOND_PASSWORD, which is read where a user is named\n"
         "and no password is given"),
    TEXT("database", database, "NAME", "the default database"),
    NUMBER("threads", threads, 1, 10000, "how many borrow; 16"),
    NUMBER("seconds", seconds, 1, 604800, "how long; 10"),
    NUMBER("queries", queries, 1, 1000000000,
           "instead of --seconds: queries of each thread"),
    NUMBER("size", size, 1, 65535, "sessions on demand; the pool's default"),
    NUMBER("maxsize", maxsize, 1, 65535,
           "sessions at the very most; the pool's default"),
    TEXT("query", query, "SQL",
         "what is asked; {nonce} in it becomes a number that\n"
         "only this thread and iteration knows, and the first\n"
         "column must be that number. Without {nonce} only\n"
         "success is checked"),
    {"reset", OPTION_CHOICE, AT(reset), 0, 0, reset_words, "POLICY",
     "auto, always, rollback or never; auto"},
    NUMBER("timeout-ms", timeout_ms, 0, 3600000,
           "how long an acquire may wait; 10000"),
    NUMBER("hold-us", hold_us, 0, 60000000,
           "keep each session this long after the query; 0"),
    NUMBER("dirty", dirty, 0, 100,
           "percent of loans returned with an open transaction\n"
           "and a user variable set; each borrower looks whether\n"
           "it finds any of that; 0"),
    NUMBER("discard", discard, 0, 100,
           "percent of loans ended by dew_discard; 0"),
    {"quiet", OPTION_FLAG, AT(quiet), 0, 0, NULL, NULL,
     "only the verdict and errors"},
    {"version", OPTION_FLAG, AT(version), 0, 0, NULL, NULL,
     "the versions of dewpond and of the client library"},
    {"help", OPTION_FLAG, AT(help), 0, 0, NULL, NULL, "this text"},
};

static const struct option_table table = {rows, sizeof rows / sizeof rows[0]};

static bool check_sense(const struct storm_options *options,
                        struct option_complaint *complaint);
static bool check_place(const struct storm_options *options,
                        struct option_complaint *complaint);
static bool take_texts(struct storm_options *options);
static void hide_uri_password(char *uri);
static void hide(char *begin, const char *end);

bool
storm_options_read(struct storm_options *options, int argc, char **argv)
{
    struct option_complaint complaint = {""};
    *options = (struct storm_options){
        .port = STORM_UNSET,
        .threads = 16,
        .seconds = STORM_UNSET,
        .queries = STORM_UNSET,
        .size = STORM_UNSET,
        .maxsize = STORM_UNSET,
        .timeout_ms = 10000,
        .reset = STORM_UNSET,
    };
    bool fine =
        options_read(&table, argc, argv, options, &options->uri, &complaint);
    fine = fine && (options->help || options->version ||
                    check_sense(options, &complaint));
    if (!fine) {
        (void)fprintf(stderr, "dewpond storm: %s (see dewpond storm --help)\n",
                      complaint.text);
        return false;
    }
    if (options->seconds == STORM_UNSET && options->queries == STORM_UNSET) {
        options->seconds = 10;
    }
    if (!take_texts(options)) {
        (void)fputs("dewpond storm: out of memory\n", stderr);
        return false;
    }
    return true;
}

void
storm_options_free(struct storm_options *options)
{
    free(options->uri);
    free(options->password);
}

void
storm_options_help(void)
{
    (void)puts(
        "usage: dewpond storm [options] [URI]\n"
        "\n"
        "URI: mysql://user:password@host:3306/database?key=value&...\n"
        "     mysql://user@/database?socket=/path, keys as in dewpond.h\n");
    options_explain(&table, stdout);
    (void)puts(
        "\n"
        "Exit status: 0 every query was answered and every answer checked;\n"
        "1 an answer was not the asker's, a session was in two hands, or dirt\n"
        "was left; 2 the command line was refused; 3 no server, or errors and\n"
        "timeouts on the way. Ctrl-C ends the storm early, with its table; a\n"
        "second one ends it at once.");
}

static bool
check_sense(const struct storm_options *options,
            struct option_complaint *complaint)
{
    if (options->seconds != STORM_UNSET && options->queries != STORM_UNSET) {
        return options_refuse(complaint, "--seconds and --queries exclude "
                                         "each other: give one");
    }
    if (options->dirty > 0 && options->reset == DEW_RESET_NEVER) {
        return options_refuse(complaint, "--dirty needs a reset that cleans; "
                                         "--reset is 'never'");
    }
    if (options->query != NULL && *options->query == '\0') {
        return options_refuse(complaint, "--query is empty");
    }
    return check_place(options, complaint);
}

/* A place in two descriptions would make one of them a surprise. */
static bool
check_place(const struct storm_options *options,
            struct option_complaint *complaint)
{
    const struct {
        const char *name;
        bool given;
    } parts[] = {
        {"host", options->host != NULL},
        {"port", options->port != STORM_UNSET},
        {"socket", options->socket != NULL},
        {"user", options->user != NULL},
        {"password", options->password != NULL},
        {"database", options->database != NULL},
    };
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        any = any || parts[i].given;
        if (options->uri != NULL && parts[i].given) {
            return options_refuse(complaint,
                                  "--%s and a URI exclude each other: write "
                                  "it into the URI",
                                  parts[i].name);
        }
    }
    if (options->uri == NULL && !any) {
        return options_refuse(complaint, "no server is named: give a URI, or "
                                         "--host or --socket");
    }
    return true;
}

/* Copies what is secret and hides it in argv, where ps(1) shows it. */
static bool
take_texts(struct storm_options *options)
{
    char *const uri = options->uri;
    char *const password = options->password;
    const char *const variable = getenv("DEWPOND_PASSWORD");
    options->uri = uri == NULL ? NULL : strdup(uri);
    options->password = password != NULL   ? strdup(password)
                        : variable != NULL ? strdup(variable)
                                           : NULL;
    if (uri != NULL) {
        hide_uri_password(uri);
    }
    if (password != NULL) {
        hide(password, password + strlen(password));
    }
    return (uri == NULL || options->uri != NULL) &&
           ((password == NULL && variable == NULL) ||
            options->password != NULL);
}

static void
hide_uri_password(char *uri)
{
    char *const scheme = strstr(uri, "://");
    char *const authority = scheme == NULL ? uri : scheme + 3;
    /* The last @ of all: what a refused URI shows of a password that was not
     * encoded is hidden too. */
    char *const at = strrchr(authority, '@');
    char *const colon = strchr(authority, ':');
    if (at != NULL && colon != NULL && colon < at) {
        hide(colon + 1, at);
    }
    for (char *key = strstr(authority, "password="); key != NULL;) {
        char *const value = key + strlen("password=");
        char *const rest = value + strcspn(value, "&");
        hide(value, rest);
        key = strstr(rest, "password=");
    }
}

static void
hide(char *begin, const char *end)
{
    for (; begin < end; begin++) {
        *begin = 'x';
    }
}
