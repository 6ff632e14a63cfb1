/* SPDX-License-Identifier: MIT */
/* Fills a dew_error: stage, code, errnos and a sentence. */
#ifndef DEWPOND_BASE_ERROR_H
#define DEWPOND_BASE_ERROR_H

#include <dewpond.h>

/* Fills *error (which may be NULL) from a printf format and returns `code`. */
__attribute__((format(printf, 4, 5))) dew_code
error_set(dew_error *error, dew_code code, dew_stage stage,
          const char *format, ...);

/* As error_set, with the server's (or client library's) own errno and state. */
__attribute__((format(printf, 6, 7))) dew_code
error_set_mysql(dew_error *error, dew_code code, dew_stage stage,
                uint32_t mysql_errno_, const char *sqlstate,
                const char *format, ...);

/* As error_set, for a failed call of the operating system (errno value). */
__attribute__((format(printf, 5, 6))) dew_code
error_set_os(dew_error *error, dew_code code, dew_stage stage,
             int32_t os_errno, const char *format, ...);

/* A system call failed: DEW_ESYSTEM, this errno, and a message that goes on
 * with what the errno means and what to do about it. */
__attribute__((format(printf, 4, 5))) dew_code
error_system(dew_error *error, dew_stage stage, int32_t os_errno,
             const char *format, ...);

/* DEW_ENOMEM: "no memory for ...", and what to do about it. */
__attribute__((format(printf, 3, 4))) dew_code
error_no_memory(dew_error *error, dew_stage stage, const char *format, ...);

/* Copies *from into *to when `to` is not NULL. Returns from->code. */
dew_code error_copy(dew_error *to, const dew_error *from);

#endif
