/* SPDX-License-Identifier: MIT */
/* Goal: any dew_config is taken exactly, or refused in a sentence that tells
 * nothing of the password. Method: the input sets fields one by one, with the
 * values at the edges of their rows among others, in a struct of any size. */
#include <stdlib.h>
#include <string.h>

#include "api/config.h"
#include "api/config_numbers.h"
#include "base/memory.h"
#include "fuzz/fuzz.h"
#include "fuzz/settings_claims.h"

#define ROOM 5000 /* more than any struct_size that is taken */
#define TEXTS_MAX 32

/* A struct of a header that is older or newer than ours, and its texts. */
struct input {
    union {
        dew_config config;
        unsigned char bytes[ROOM];
    } as;
    char *texts[TEXTS_MAX];
    size_t count;
    bool has_secret;
};

enum what {
    WHAT_NUMBER,
    WHAT_TEXT,
    WHAT_PASSWORD,
    WHAT_CHOICE,
    WHAT_SIZE,
    WHAT_BYTE,
    WHATS
};

static uint32_t
take_value(struct fuzz_bytes *bytes, const struct config_number *number)
{
    switch (fuzz_u8(bytes) % 8) {
    case 0: return 0;
    case 1: return DEW_OFF;
    case 2: return DEW_ZERO;
    case 3: return number->min;
    case 4: return number->max;
    case 5: return fuzz_u8(bytes);
    case 6: return fuzz_u16(bytes);
    default: return fuzz_u32(bytes);
    }
}

static void
set_number(struct input *input, struct fuzz_bytes *bytes)
{
    size_t count = 0;

    while (config_number_at(count) != NULL) {
        count++;
    }
    const struct config_number *const number =
        config_number_at(fuzz_u8(bytes) % count);
    const uint32_t value = take_value(bytes, number);
    memcpy(input->as.bytes + number->from, &value, sizeof value);
}

/* A copy that lives as long as the input; NULL: there are enough. */
static const char *
keep_text(struct input *input, const char *text)
{
    if (input->count == TEXTS_MAX) {
        return NULL;
    }
    input->texts[input->count] = strdup(text);
    return input->texts[input->count++];
}

static void
set_text(struct input *input, struct fuzz_bytes *bytes)
{
    static const size_t fields[] = {
        offsetof(dew_config, name),          offsetof(dew_config, host),
        offsetof(dew_config, user),          offsetof(dew_config, database),
        offsetof(dew_config, unix_socket),   offsetof(dew_config, charset),
        offsetof(dew_config, init_sql),      offsetof(dew_config, tls_ca),
        offsetof(dew_config, tls_cert),      offsetof(dew_config, tls_key),
        offsetof(dew_config, defaults_file), offsetof(dew_config, defaults_group),
    };
    const size_t at = fields[fuzz_u8(bytes) % (sizeof fields / sizeof fields[0])];
    char text[256];

    fuzz_text(bytes, text);
    const char *const kept = keep_text(input, text);
    memcpy(input->as.bytes + at, &kept, sizeof kept);
}

/* As long as a password may be, and longer. */
static void
set_password(struct input *input, struct fuzz_bytes *bytes)
{
    char text[2048];
    const size_t length = fuzz_u16(bytes) % 1200;

    memset(text, 'x', length);
    memcpy(text + length, FUZZ_SECRET, sizeof FUZZ_SECRET);
    input->as.config.password = keep_text(input, text);
    input->has_secret = true;
}

static void
set_choice(struct input *input, struct fuzz_bytes *bytes)
{
    dew_config *const config = &input->as.config;
    const unsigned which = fuzz_u8(bytes) % 6;
    const uint32_t value = fuzz_u8(bytes);

    switch (which) {
    case 0: config->tls_mode = value % 6; break;
    case 1: config->reset = (dew_reset)(value % 6); break;
    case 2: config->autocommit = value % 4 == 3 ? DEW_OFF : value % 4; break;
    case 3: config->flags = value % 8; break;
    case 4: config->client_flags = UINT64_C(1) << value % 64; break;
    default: config->client ^= UINT32_C(1) << value % 32; break;
    }
}

static void
set_one(struct input *input, struct fuzz_bytes *bytes)
{
    switch ((enum what)(fuzz_u8(bytes) % WHATS)) {
    case WHAT_NUMBER: set_number(input, bytes); break;
    case WHAT_TEXT: set_text(input, bytes); break;
    case WHAT_PASSWORD: set_password(input, bytes); break;
    case WHAT_CHOICE: set_choice(input, bytes); break;
    case WHAT_SIZE: input->as.config.struct_size = fuzz_u16(bytes) % ROOM; break;
    case WHAT_BYTE: {
        const size_t at = sizeof(dew_config) +
                          fuzz_u16(bytes) % (ROOM - sizeof(dew_config));
        input->as.bytes[at] = fuzz_u8(bytes);
        break;
    }
    case WHATS: break;
    }
}

/* The same without an error, which must not make a difference. */
static void
judge(struct input *input)
{
    struct settings *settings = NULL, *unasked = NULL;
    dew_error error;

    memset(&error, 0x5a, sizeof error);
    const dew_code code =
        settings_make(&settings, &input->as.config, &error);
    FUZZ_CLAIM(settings_make(&unasked, &input->as.config, NULL) == code,
               "without a dew_error it is not %s", dew_code_name(code));
    if (code != DEW_OK) {
        FUZZ_COUNT("refused");
        claim_refused(code, &error, settings, input->has_secret);
        return;
    }
    FUZZ_COUNT("accepted");
    claim_valid(settings);
    claim_round_trip(settings);
    settings_free(settings);
    settings_free(unasked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input;
    struct fuzz_bytes bytes = fuzz_bytes_of(data, size);
    const uint32_t blocks = memory_blocks();

    memset(&input, 0, sizeof input);
    dew_config_init(&input.as.config, (uint32_t)sizeof input.as.config);
    while (fuzz_left(&bytes) > 0) {
        set_one(&input, &bytes);
    }
    judge(&input);
    while (input.count > 0) {
        free(input.texts[--input.count]);
    }
    FUZZ_CLAIM(memory_blocks() == blocks, "%u blocks, %u before",
               memory_blocks(), blocks);
    return 0;
}
