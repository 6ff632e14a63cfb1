/* SPDX-License-Identifier: MIT */
/* One line to the user's on_log, never under a lock; silent without one. */
#include "base/log.h"

#include "base/callback.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES 1024

/* A server's text may hold line breaks; on_log is promised one line. */
static void
join_lines(char *line)
{
    for (char *at = line; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r') {
            *at = ' ';
        }
    }
}

void
log_line(const struct settings *settings, enum log_level level,
         const char *format, ...)
{
    struct callback frame;
    char line[LINE_BYTES];
    va_list args;

    if (settings == NULL || settings->on_log == NULL) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    join_lines(line);
    callback_enter(&frame, settings->owner, CALLBACK_INSIDE);
    settings->on_log((int)level, line, settings->on_log_arg);
    callback_leave(&frame);
}
