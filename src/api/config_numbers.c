/* SPDX-License-Identifier: MIT */
/* The table of numeric fields: ranges, defaults, and what 0 stands for. */
#include "api/config_numbers.h"

#include "base/error.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LARGEST (DEW_ZERO - 1) /* the two words stand above it */
#define WAITERS_LARGEST UINT32_C(1000000)
#define SLOTS_LARGEST UINT32_C(65535)

enum words { NEITHER = 0, ZERO = 1, OFF = 2, BOTH = ZERO | OFF };

#define ROW(FIELD, WORDS, MIN, MAX, PRESET)                                    \
    {                                                                          \
        .name = #FIELD, .from = offsetof(dew_config, FIELD),                   \
        .to = offsetof(struct settings, FIELD),                                \
        .wide = sizeof(((struct settings *)0)->FIELD) == sizeof(int64_t),      \
        .zero = ((WORDS)&ZERO) != 0, .off = ((WORDS)&OFF) != 0, .min = (MIN),  \
        .max = (MAX), .preset = (PRESET)                                       \
    }

static const struct config_number numbers[] = {
    ROW(port, NEITHER, 1, 65535, 0),
    ROW(size, NEITHER, 1, SLOTS_LARGEST, CONFIG_DERIVED),
    ROW(maxsize, NEITHER, 1, SLOTS_LARGEST, CONFIG_DERIVED),
    ROW(pre_create, ZERO, 1, SLOTS_LARGEST, 0),
    ROW(waiters_max, BOTH, 1, WAITERS_LARGEST, CONFIG_DERIVED),
    ROW(connects_max, NEITHER, 1, 64, 4),
    ROW(burst_after_ms, ZERO, 1, LARGEST, 100),
    ROW(connect_timeout_ms, NEITHER, 1, LARGEST, 5000),
    ROW(read_timeout_ms, NEITHER, 1, LARGEST, 30000),
    ROW(write_timeout_ms, NEITHER, 1, LARGEST, 30000),
    ROW(ping_timeout_ms, NEITHER, 1, LARGEST, 500),
    ROW(bypass_ms, ZERO, 1, LARGEST, 500),
    ROW(idle_timeout_ms, OFF, 1, LARGEST, 600000),
    ROW(lifetime_ms, OFF, 1, LARGEST, 1800000),
    ROW(lifetime_jitter_percent, ZERO, 1, 50, 10),
    ROW(keepalive_ms, OFF, 1, LARGEST, 120000),
    ROW(leak_after_ms, OFF, 1, LARGEST, SETTINGS_OFF),
    ROW(slow_acquire_ms, OFF, 1, LARGEST, 2000),
    ROW(handoff_after_ms, BOTH, 1, LARGEST, 1),
    ROW(fail_fast_after_ms, BOTH, 1, LARGEST, 1000),
    ROW(uses_max, OFF, 1, LARGEST, SETTINGS_OFF),
    ROW(buffer_max_kb, OFF, 16, 1048576, 1024),
    ROW(kill_timeout_ms, ZERO, 1, LARGEST, 40),
};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

const struct config_number *
config_number_at(size_t index)
{
    return index < NUMBERS ? &numbers[index] : NULL;
}

const struct config_number *
config_number_find(const char *name)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        if (strcmp(numbers[i].name, name) == 0) {
            return &numbers[i];
        }
    }
    return NULL;
}

void
config_number_allowed(const struct config_number *number, char *text,
                      size_t size)
{
    const char *words = "";

    if (number->zero && number->off) {
        words = ", DEW_ZERO or DEW_OFF";
    } else if (number->zero) {
        words = " or DEW_ZERO";
    } else if (number->off) {
        words = " or DEW_OFF";
    }
    (void)snprintf(text, size, "%" PRIu32 " to %" PRIu32 "%s", number->min,
                   number->max, words);
}

const char *
config_number_show(uint32_t value, char text[CONFIG_SHOWN_BYTES])
{
    if (value == DEW_OFF || value == DEW_ZERO) {
        return value == DEW_OFF ? "DEW_OFF" : "DEW_ZERO";
    }
    (void)snprintf(text, CONFIG_SHOWN_BYTES, "%" PRIu32, value);
    return text;
}

static bool
is_allowed(const struct config_number *number, uint32_t value)
{
    switch (value) {
    case 0: return true;
    case DEW_ZERO: return number->zero;
    case DEW_OFF: return number->off;
    default: return value >= number->min && value <= number->max;
    }
}

dew_code
config_number_check(const struct config_number *number, uint32_t value,
                    dew_error *error)
{
    char shown[CONFIG_SHOWN_BYTES];
    char allowed[64];

    if (is_allowed(number, value)) {
        return DEW_OK;
    }
    config_number_allowed(number, allowed, sizeof allowed);
    return error_set(error, DEW_EINVAL, DEW_STAGE_CONFIG,
                     "%s is %s; allowed are %s", number->name,
                     config_number_show(value, shown), allowed);
}

static int64_t
final_value(const struct config_number *number, uint32_t value)
{
    switch (value) {
    case 0: return number->preset == CONFIG_DERIVED ? 0 : number->preset;
    case DEW_ZERO: return 0;
    case DEW_OFF: return SETTINGS_OFF;
    default: return value;
    }
}

static void
store(const struct config_number *number, struct settings *to, int64_t value)
{
    const uint32_t narrow = (uint32_t)value;
    char *const at = (char *)to + number->to;

    if (number->wide) {
        memcpy(at, &value, sizeof value);
    } else {
        memcpy(at, &narrow, sizeof narrow);
    }
}

dew_code
config_numbers_read(struct settings *to, const dew_config *from,
                    dew_error *error)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        uint32_t value;
        memcpy(&value, (const char *)from + numbers[i].from, sizeof value);
        const dew_code code = config_number_check(&numbers[i], value, error);
        if (code != DEW_OK) {
            return code;
        }
        store(&numbers[i], to, final_value(&numbers[i], value));
    }
    return DEW_OK;
}
