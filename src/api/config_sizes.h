/* SPDX-License-Identifier: MIT */
/* The sizes of a pool: what an unset one becomes, and whether they fit. */
#ifndef DEWPOND_API_CONFIG_SIZES_H
#define DEWPOND_API_CONFIG_SIZES_H

#include "base/settings.h"

/* The numbers were read: fills in sizes that are 0, and waiters_max where it
 * follows. DEW_EINVAL when they do not fit together. */
dew_code config_sizes_settle(struct settings *settings, dew_error *error);

/* As at open, with these two instead: checked, filled in, and settled against
 * all else that the settings say. On failure they are not as they were. */
dew_code config_sizes_change(struct settings *settings, uint32_t size,
                             uint32_t maxsize, dew_error *error);

#endif
