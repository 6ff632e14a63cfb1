/* SPDX-License-Identifier: MIT */
/* Makes settings that must be accepted, or refused without a secret told. */
#ifndef DEWPOND_TESTS_UNIT_REFUSED_H
#define DEWPOND_TESTS_UNIT_REFUSED_H

#include <string.h>

#include "api/config.h"
#include "api/uri.h"

#define SECRET "s3cret"

static inline struct settings *
accept_config(const dew_config *config)
{
    struct settings *settings = NULL;
    dew_error error = {0};

    if (settings_make(&settings, config, &error) != DEW_OK) {
        fail_msg("refused: %s", error.message);
    }
    assert_non_null(settings);
    return settings;
}

static inline struct settings *
accept_uri(const char *uri)
{
    struct settings *settings = NULL;
    dew_error error = {0};

    if (settings_from_uri(&settings, uri, &error) != DEW_OK) {
        fail_msg("%s refused: %s", uri, error.message);
    }
    assert_non_null(settings);
    return settings;
}

/* DEW_EINVAL, both texts in the message, and not a piece of the secret. */
static inline void
check_refusal(dew_code code, const struct settings *settings,
              const dew_error *error, const char *first, const char *second)
{
    assert_int_equal(code, DEW_EINVAL);
    assert_null(settings);
    assert_int_equal(error->code, DEW_EINVAL);
    assert_int_equal(error->stage, DEW_STAGE_CONFIG);
    if (strstr(error->message, first) == NULL ||
        strstr(error->message, second) == NULL) {
        fail_msg("wanted '%s' and '%s' in: %s", first, second, error->message);
    }
    assert_null(strstr(error->message, "s3c"));
    assert_null(strstr(error->message, "cret"));
}

static inline void
refuse_config(const dew_config *config, const char *first, const char *second)
{
    struct settings *settings = (struct settings *)&settings;
    dew_error error = {0};
    const dew_code code = settings_make(&settings, config, &error);

    check_refusal(code, settings, &error, first, second);
    assert_int_equal(settings_make(&settings, config, NULL), DEW_EINVAL);
}

static inline void
refuse_uri(const char *uri, const char *first, const char *second)
{
    struct settings *settings = (struct settings *)&settings;
    dew_error error = {0};
    const dew_code code = settings_from_uri(&settings, uri, &error);

    check_refusal(code, settings, &error, first, second);
}

#endif
