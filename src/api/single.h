/* SPDX-License-Identifier: MIT */
/* Connections without a pool, as connect.c and release.c use them. */
#ifndef DEWPOND_API_SINGLE_H
#define DEWPOND_API_SINGLE_H

#include "base/settings.h"

/* Opens one and fills *conn; the settings are taken over in every case. */
dew_code single_open(struct settings *settings, dew_conn *conn,
                     dew_error *error);

/* Ends it here and now: DEW_OK, or DEW_ESTALE. */
dew_code single_hang_up(uint64_t ticket);

/* The handle is the caller's; NULL: a stale ticket. */
MYSQL *single_detach(uint64_t ticket);

#endif
