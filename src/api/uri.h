/* SPDX-License-Identifier: MIT */
/* From a mysql:// URI to settings: strict, and silent about passwords. */
/*
 * mysql://user:password@host:port/database?key=value&key=value
 *
 * The keys are the names of dew_config's fields, and `socket` for
 * unix_socket; user, password, host, port and database have their places in
 * front. Every part is percent-decoded. In the whole URI a raw @ stands once
 * at most, behind the user, and a raw # never: what remains of a password
 * that was not encoded must not be taken for a host, a port or a key, and
 * then be told in a message.
 */
#ifndef DEWPOND_API_URI_H
#define DEWPOND_API_URI_H

#include "base/settings.h"

/* DEW_OK and *settings (owner: the caller, until settings_free); or DEW_EINVAL
 * or DEW_ENOMEM as settings_make, and *settings NULL. */
dew_code settings_from_uri(struct settings **settings, const char *uri,
                           dew_error *error);

#endif
