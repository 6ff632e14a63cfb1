/* SPDX-License-Identifier: MIT */
/* From a user's dew_config to settings: everything checked and filled in. */
#include "api/config.h"

#include "api/config_numbers.h"
#include "api/config_sizes.h"
#include "api/config_texts.h"
#include "base/error.h"
#include "session/session.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Bindings for other languages may leave the callbacks out. */
#define CONFIG_SMALLEST ((uint32_t)offsetof(dew_config, on_options))
#define CONFIG_LARGEST UINT32_C(4096) /* of a version yet to come */

#define FLAGS_KNOWN (DEW_NO_THREADS | DEW_REFUSE_NESTED)
#define MARIADB_BIT UINT32_C(0x80000000)

static dew_code
refuse(dew_error *error, const char *sentence)
{
    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG, "%s", sentence);
}

/* What a newer header has added may only be left at its default. */
static dew_code
check_tail(const dew_config *config, dew_error *error)
{
    const unsigned char *const bytes = (const unsigned char *)config;

    for (size_t i = sizeof *config; i < config->struct_size; i++) {
        if (bytes[i] != 0) {
            return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                             "struct_size is %" PRIu32 ": the field at byte "
                             "%zu is set, and this library (%s) does not "
                             "know it",
                             config->struct_size, i, dew_version());
        }
    }
    return DEW_OK;
}

static dew_code
take_config(dew_config *taken, const dew_config *config, dew_error *error)
{
    if (config == NULL) {
        return refuse(error, "config is NULL");
    }
    const uint32_t size = config->struct_size;
    if (size < CONFIG_SMALLEST || size > CONFIG_LARGEST) {
        return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                         "struct_size is %" PRIu32 "; allowed are %" PRIu32
                         " to %" PRIu32 "; start from DEW_CONFIG_INIT",
                         size, CONFIG_SMALLEST, CONFIG_LARGEST);
    }
    const dew_code code = check_tail(config, error);
    if (code != DEW_OK) {
        return code;
    }
    memset(taken, 0, sizeof *taken);
    memcpy(taken, config, size < sizeof *taken ? size : sizeof *taken);
    return DEW_OK;
}

static void
name_client(uint32_t client, char *text, size_t size)
{
    const uint32_t version = client & ~MARIADB_BIT;

    (void)snprintf(text, size, "%s %" PRIu32 ".%" PRIu32,
                   (client & MARIADB_BIT) != 0 ? "MariaDB Connector/C"
                                               : "MySQL client library",
                   version / 10000, version / 100 % 100);
}

dew_code
config_client_check(uint32_t given, uint32_t built, dew_error *error)
{
    char theirs[64], ours[64];

    if (given == 0) {
        return refuse(error, "client is 0; start from DEW_CONFIG_INIT or set "
                             "it to DEW_CLIENT");
    }
    /* The patch level may differ: it does not change struct MYSQL. Dividing
     * keeps the flavour bit where it counts, above all versions. */
    if ((given & MARIADB_BIT) == (built & MARIADB_BIT) &&
        (given & ~MARIADB_BIT) / 100 == (built & ~MARIADB_BIT) / 100) {
        return DEW_OK;
    }
    name_client(given, theirs, sizeof theirs);
    name_client(built, ours, sizeof ours);
    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                     "client is %s, but this library was built with %s; "
                     "compile both against the same mysql.h",
                     theirs, ours);
}

static dew_code
refuse_choice(const char *name, uint32_t value, const char *allowed,
              dew_error *error)
{
    char shown[CONFIG_SHOWN_BYTES];

    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                     "%s is %s; allowed are %s", name,
                     config_number_show(value, shown), allowed);
}

static dew_code
check_choices(const dew_config *config, dew_error *error)
{
    if ((config->flags & ~FLAGS_KNOWN) != 0) {
        return refuse_choice("flags", config->flags,
                             "DEW_NO_THREADS (1), DEW_REFUSE_NESTED (2) and "
                             "both (3)",
                             error);
    }
    if (config->tls_mode > DEW_TLS_VERIFY) {
        return refuse_choice("tls_mode", config->tls_mode,
                             "DEW_TLS_DEFAULT (0), DEW_TLS_OFF (1), "
                             "DEW_TLS_REQUIRED (2) and DEW_TLS_VERIFY (3)",
                             error);
    }
    if ((uint32_t)config->reset > DEW_RESET_NEVER) {
        return refuse_choice("reset", (uint32_t)config->reset,
                             "DEW_RESET_AUTO (0), DEW_RESET_ALWAYS (1), "
                             "DEW_RESET_ROLLBACK (2) and DEW_RESET_NEVER (3)",
                             error);
    }
    if (config->autocommit > 1 && config->autocommit != DEW_OFF) {
        return refuse_choice("autocommit", config->autocommit,
                             "0 and 1 (on) and DEW_OFF", error);
    }
    return DEW_OK;
}

static void
take_choices(struct settings *to, const dew_config *from)
{
    to->flags = from->flags;
    to->client_flags = from->client_flags;
    to->tls_mode = from->tls_mode;
    to->reset = from->reset;
    to->autocommit = from->autocommit != DEW_OFF;
    to->on_options = from->on_options;
    to->on_options_arg = from->on_options_arg;
    to->on_connect = from->on_connect;
    to->on_connect_arg = from->on_connect_arg;
    to->on_log = from->on_log;
    to->on_log_arg = from->on_log_arg;
}

static const char *
why_not_flags(uint64_t refused)
{
    return (refused & CLIENT_LOCAL_FILES) != 0
               ? "CLIENT_LOCAL_FILES never: LOAD DATA LOCAL INFILE is off"
           : (refused & (CLIENT_SSL | CLIENT_SSL_VERIFY_SERVER_CERT)) != 0
               ? "CLIENT_SSL and CLIENT_SSL_VERIFY_SERVER_CERT make nothing "
                 "TLS or checked: tls_mode does"
               : "the client library has no others";
}

/* What nobody could serve is told here, not by each connect. */
static dew_code
check_client_flags(const struct settings *settings, dew_error *error)
{
    const uint64_t allowed =
        session_client_flags(settings) & ~(uint64_t)CLIENT_LOCAL_FILES;
    const uint64_t refused = settings->client_flags & ~allowed;

    return refused == 0
               ? DEW_OK
               : error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                           "client_flags is 0x%" PRIx64 "; allowed are the "
                           "bits of 0x%" PRIx64 " (%s)",
                           settings->client_flags, allowed,
                           why_not_flags(refused));
}

/* Fills `to` with final values; its strings are still the user's own. */
static dew_code
read_config(struct settings *to, const dew_config *from, dew_error *error)
{
    dew_code code =
        config_client_check(from->client, session_client_built(), error);

    if (code == DEW_OK) {
        code = check_choices(from, error);
    }
    if (code != DEW_OK) {
        return code;
    }
    take_choices(to, from);
    code = config_numbers_read(to, from, error);
    if (code == DEW_OK) {
        to->waiters_follow = from->waiters_max == 0;
        code = config_sizes_settle(to, error);
    }
    if (code == DEW_OK) {
        code = config_texts_read(to, from, error);
    }
    return code == DEW_OK ? check_client_flags(to, error) : code;
}

dew_code
settings_make(struct settings **settings, const dew_config *config,
              dew_error *error)
{
    dew_config taken;
    struct settings draft = {0};
    char name[CONFIG_NAME_BYTES];

    *settings = NULL;
    dew_code code = take_config(&taken, config, error);
    if (code == DEW_OK) {
        code = read_config(&draft, &taken, error);
    }
    if (code != DEW_OK) {
        return code;
    }
    draft.name_is_explicit = draft.name != NULL;
    if (!draft.name_is_explicit) {
        config_default_name(&draft, name);
        draft.name = name;
    }
    *settings = settings_copy(&draft, draft.user, draft.password);
    if (*settings == NULL) {
        return error_no_memory(error, DEW_STAGE_CONFIG, "the settings");
    }
    return DEW_OK;
}

/* The macro puts in the caller's own DEW_CLIENT; the function cannot. */
#undef dew_config_init
void
dew_config_init(dew_config *config, uint32_t struct_size)
{
    if (config == NULL || struct_size < CONFIG_SMALLEST ||
        struct_size > CONFIG_LARGEST) {
        return;
    }
    memset(config, 0, struct_size);
    config->struct_size = struct_size;
    config->client = session_client_built();
}
