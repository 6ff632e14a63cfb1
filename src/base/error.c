/* SPDX-License-Identifier: MIT */
/* Fills a dew_error: stage, code, errnos and a sentence. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message that was cut ends before a UTF-8 character, not inside one. */
static void
trim_split_character(char *message, size_t capacity)
{
    size_t end = capacity - 1;

    while (end > 0 && ((unsigned char)message[end - 1] & 0xC0u) == 0x80u) {
        end--;
    }
    if (end > 0 && ((unsigned char)message[end - 1] & 0xC0u) == 0xC0u) {
        end--;
    } else {
        end = capacity - 1;
    }
    message[end] = '\0';
}

/* Built aside first: the arguments may point into *error itself, as in
 * error_set(error, ..., "cannot open: %s", error->message). */
__attribute__((format(printf, 3, 0))) static void
fill(dew_error *error, dew_error *fresh, const char *format, va_list args)
{
    const int wanted =
        vsnprintf(fresh->message, sizeof fresh->message, format, args);

    if (wanted >= (int)sizeof fresh->message) {
        trim_split_character(fresh->message, sizeof fresh->message);
    }
    *error = *fresh;
}

dew_code
error_set(dew_error *error, dew_code code, dew_stage stage, const char *format,
          ...)
{
    dew_error fresh = {.code = code, .stage = stage};
    va_list args;

    if (error == NULL) {
        return code;
    }
    va_start(args, format);
    fill(error, &fresh, format, args);
    va_end(args);
    return code;
}

dew_code
error_set_mysql(dew_error *error, dew_code code, dew_stage stage,
                uint32_t mysql_errno_, const char *sqlstate, const char *format,
                ...)
{
    dew_error fresh = {
        .code = code, .stage = stage, .mysql_errno = mysql_errno_};
    va_list args;

    if (error == NULL) {
        return code;
    }
    if (sqlstate != NULL) {
        (void)snprintf(fresh.sqlstate, sizeof fresh.sqlstate, "%s", sqlstate);
    }
    va_start(args, format);
    fill(error, &fresh, format, args);
    va_end(args);
    return code;
}

dew_code
error_set_os(dew_error *error, dew_code code, dew_stage stage, int32_t os_errno,
             const char *format, ...)
{
    dew_error fresh = {.code = code, .stage = stage, .os_errno = os_errno};
    va_list args;

    if (error == NULL) {
        return code;
    }
    va_start(args, format);
    fill(error, &fresh, format, args);
    va_end(args);
    return code;
}

/* What those errnos mean that we see, and what to do. */
static const char *
advice_of(int32_t os_errno)
{
    switch (os_errno) {
    case EMFILE:
        return "too many open files; raise the limit of the process (ulimit "
               "-n) or lower maxsize";
    case ENFILE:
        return "too many open files in the system; raise fs.file-max or close "
               "some";
    case EAGAIN:
        return "no more threads; raise the limit (ulimit -u, pids.max of the "
               "container) or end some";
    case ENOMEM: return "out of memory; free some or raise its limit";
    default: return "an unexpected error of the system; see os_errno";
    }
}

dew_code
error_system(dew_error *error, dew_stage stage, int32_t os_errno,
             const char *format, ...)
{
    char what[sizeof error->message / 2];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return error_set_os(error, DEW_ESYSTEM, stage, os_errno, "%s: %s", what,
                        advice_of(os_errno));
}

dew_code
error_no_memory(dew_error *error, dew_stage stage, const char *format, ...)
{
    char what[sizeof error->message / 2];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return error_set(error, DEW_ENOMEM, stage,
                     "no memory for %s; free some or raise its limit", what);
}

dew_code
error_copy(dew_error *to, const dew_error *from)
{
    if (to != NULL && to != from) {
        *to = *from;
    }
    return from->code;
}
