/* SPDX-License-Identifier: MIT */
/* The user's configuration after defaults and checks: plain, immutable data. */
#define _GNU_SOURCE 1
#include "base/settings.h"

#include "base/memory.h"

#include <stddef.h>
#include <string.h>

/* Every string that a struct settings owns: copied and freed alike. */
static const size_t owned_strings[] = {
    offsetof(struct settings, name),
    offsetof(struct settings, host),
    offsetof(struct settings, user),
    offsetof(struct settings, password),
    offsetof(struct settings, database),
    offsetof(struct settings, unix_socket),
    offsetof(struct settings, charset),
    offsetof(struct settings, init_sql),
    offsetof(struct settings, defaults_file),
    offsetof(struct settings, defaults_group),
    offsetof(struct settings, tls_ca),
    offsetof(struct settings, tls_cert),
    offsetof(struct settings, tls_key),
};
#define OWNED_STRINGS (sizeof owned_strings / sizeof owned_strings[0])

static char **
string_at(struct settings *settings, size_t index)
{
    return (char **)(void *)((char *)settings + owned_strings[index]);
}

/* Replaces the borrowed strings by copies; after a failure too, so that
 * settings_free finds only what is ours. */
static bool
own_strings(struct settings *settings)
{
    bool complete = true;

    for (size_t i = 0; i < OWNED_STRINGS; i++) {
        char **const string = string_at(settings, i);
        const char *const borrowed = *string;
        *string = memory_copy_string(borrowed);
        complete = complete && (*string != NULL || borrowed == NULL);
    }
    return complete;
}

struct settings *
settings_copy(const struct settings *from, const char *user,
              const char *password)
{
    struct settings *const copy = memory_zeroed(sizeof *copy);

    if (copy == NULL) {
        return NULL;
    }
    *copy = *from;
    /* Only read until own_strings has replaced them. */
    copy->user = (char *)(uintptr_t)user;
    copy->password = (char *)(uintptr_t)password;
    if (!own_strings(copy)) {
        settings_free(copy);
        return NULL;
    }
    return copy;
}

void
settings_free(struct settings *settings)
{
    if (settings == NULL) {
        return;
    }
    if (settings->password != NULL) {
        explicit_bzero(settings->password, strlen(settings->password));
    }
    for (size_t i = 0; i < OWNED_STRINGS; i++) {
        memory_free(*string_at(settings, i));
    }
    memory_free(settings);
}
