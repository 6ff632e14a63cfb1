/* SPDX-License-Identifier: MIT */
/* From a user's dew_config to settings: everything checked and filled in. */
#ifndef DEWPOND_API_CONFIG_H
#define DEWPOND_API_CONFIG_H

#include "base/settings.h"

/* DEW_OK and *settings (owner: the caller, until settings_free); or DEW_EINVAL
 * with a sentence that names the field, its value and what is allowed, or
 * DEW_ENOMEM, and *settings NULL. Passwords never get into a message. */
dew_code settings_make(struct settings **settings, const dew_config *config,
                       dew_error *error);

/* DEW_OK when a program compiled for client library `given` can work with us,
 * who were built for `built` (both as DEW_CLIENT): the same flavour, major and
 * minor version, for struct MYSQL is shared. */
dew_code config_client_check(uint32_t given, uint32_t built, dew_error *error);

#endif
