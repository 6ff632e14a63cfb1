/* SPDX-License-Identifier: MIT */
/* One line to the user's on_log, never under a lock; silent without one. */
#ifndef DEWPOND_BASE_LOG_H
#define DEWPOND_BASE_LOG_H

#include "base/settings.h"

/* The levels that on_log receives (documented in dewpond.h). */
enum log_level { LOG_ERROR = 0, LOG_WARNING = 1, LOG_INFO = 2, LOG_DEBUG = 3 };

__attribute__((format(printf, 3, 4))) void
log_line(const struct settings *settings, enum log_level level,
         const char *format, ...);

#endif
