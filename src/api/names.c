/* SPDX-License-Identifier: MIT */
/* The names of codes and stages, and the version of this library. */
#include <dewpond.h>

#ifndef DEWPOND_VERSION
#define DEWPOND_VERSION "0.1.0"
#endif

const char *
dew_code_name(dew_code code)
{
    switch (code) {
    case DEW_OK: return "DEW_OK";
    case DEW_EINVAL: return "DEW_EINVAL";
    case DEW_ENOMEM: return "DEW_ENOMEM";
    case DEW_ETIMEDOUT: return "DEW_ETIMEDOUT";
    case DEW_ECLOSED: return "DEW_ECLOSED";
    case DEW_ECONNECT: return "DEW_ECONNECT";
    case DEW_EFULL: return "DEW_EFULL";
    case DEW_ESTALE: return "DEW_ESTALE";
    case DEW_ENOTFOUND: return "DEW_ENOTFOUND";
    case DEW_EEXIST: return "DEW_EEXIST";
    case DEW_EBUSY: return "DEW_EBUSY";
    case DEW_EQUERY: return "DEW_EQUERY";
    case DEW_ESYSTEM: return "DEW_ESYSTEM";
    case DEW_EABORTED: return "DEW_EABORTED";
    case DEW_EUNKNOWN: return "DEW_EUNKNOWN";
    }
    return "DEW_CODE_UNKNOWN"; /* a number that a newer header has a name for */
}

const char *
dew_stage_name(dew_stage stage)
{
    switch (stage) {
    case DEW_STAGE_NONE: return "none";
    case DEW_STAGE_CONFIG: return "config";
    case DEW_STAGE_CONNECT: return "connect";
    case DEW_STAGE_WAIT: return "wait";
    case DEW_STAGE_VALIDATE: return "validate";
    case DEW_STAGE_RESET: return "reset";
    case DEW_STAGE_QUERY: return "query";
    }
    return "unknown";
}

const char *
dew_version(void)
{
    return DEWPOND_VERSION;
}
