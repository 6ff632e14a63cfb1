/* SPDX-License-Identifier: MIT */
/* The sizes of a pool: what an unset one becomes, and whether they fit. */
#include "api/config_sizes.h"

#include "api/config_numbers.h"
#include "base/error.h"

#include <inttypes.h>

#define SIZE_PRESET 10u
#define MAXSIZE_PRESET 100u
#define WAITERS_PER_SLOT 8

static uint32_t
larger(uint32_t left, uint32_t right)
{
    return left > right ? left : right;
}

static uint32_t
smaller(uint32_t left, uint32_t right)
{
    return left < right ? left : right;
}

/* The sizes speak of each other, also in what an unset one becomes. */
static void
fill_in(struct settings *settings)
{
    if (settings->maxsize == 0) {
        settings->maxsize = larger(MAXSIZE_PRESET, settings->size);
    }
    if (settings->size == 0) {
        settings->size = smaller(SIZE_PRESET, settings->maxsize);
    }
    if (settings->waiters_follow) {
        settings->waiters_max = (int64_t)WAITERS_PER_SLOT * settings->maxsize;
    }
}

dew_code
config_sizes_settle(struct settings *settings, dew_error *error)
{
    fill_in(settings);
    if (settings->size > settings->maxsize) {
        return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                         "size is %" PRIu32 "; allowed are 1 to %" PRIu32
                         " (maxsize)",
                         settings->size, settings->maxsize);
    }
    if (settings->pre_create > settings->size) {
        return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                         "pre_create is %" PRIu32 "; allowed are 1 to %" PRIu32
                         " (size) or zero",
                         settings->pre_create, settings->size);
    }
    return DEW_OK;
}

dew_code
config_sizes_change(struct settings *settings, uint32_t size, uint32_t maxsize,
                    dew_error *error)
{
    dew_code code =
        config_number_check(config_number_find("size"), size, error);

    if (code == DEW_OK) {
        code = config_number_check(config_number_find("maxsize"), maxsize,
                                   error);
    }
    if (code != DEW_OK) {
        return code;
    }
    settings->size = size;
    settings->maxsize = maxsize;
    return config_sizes_settle(settings, error);
}
