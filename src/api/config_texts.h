/* SPDX-License-Identifier: MIT */
/* The text fields of a configuration: lengths, characters, files, the name. */
#ifndef DEWPOND_API_CONFIG_TEXTS_H
#define DEWPOND_API_CONFIG_TEXTS_H

#include "base/settings.h"

#define CONFIG_NAME_BYTES 256 /* a pool's name with its terminator */

/* Checks all strings and what depends on them (tls, socket and host) and lets
 * `to` borrow them; an empty one is NULL, but for user and password. */
dew_code config_texts_read(struct settings *to, const dew_config *from,
                           dew_error *error);

/* The name of a pool that was given none: "host-port-user-database", the
 * socket's path in the place of host and port, absent parts left out. */
void config_default_name(const struct settings *settings,
                         char name[CONFIG_NAME_BYTES]);

#endif
