/* SPDX-License-Identifier: MIT */
/* Goal: any text is a URI that is read exactly, or is refused in a sentence
 * that tells nothing of the password. Method: the input is the text; its first
 * byte 1 becomes the secret, which no message may hold a piece of. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/uri.h"
#include "base/memory.h"
#include "fuzz/fuzz.h"
#include "fuzz/settings_claims.h"

#define MARK 1
#define SCHEME "mysql://"

/* The text with the secret in its place; *at: where it stands, or NULL. */
static char *
make_text(const uint8_t *data, size_t size, const char **at)
{
    char *const text = malloc(size + sizeof FUZZ_SECRET);
    size_t length = 0;

    *at = NULL;
    for (size_t i = 0; text != NULL && i < size; i++) {
        if (data[i] == MARK && *at == NULL) {
            *at = text + length;
            memcpy(text + length, FUZZ_SECRET, sizeof FUZZ_SECRET - 1);
            length += sizeof FUZZ_SECRET - 1;
        } else {
            text[length++] = (char)data[i];
        }
    }
    if (text == NULL) {
        abort();
    }
    text[length] = '\0';
    return text;
}

/* Whoever wrote this meant the secret for (a part of) the password: a colon
 * stands before it and an @ behind it, whatever else does. */
static bool
is_of_password(const char *text, const char *secret)
{
    if (secret == NULL || strncasecmp(text, SCHEME, strlen(SCHEME)) != 0 ||
        secret < text + strlen(SCHEME) || secret >= text + strlen(text)) {
        return false;
    }
    const char *const colon = strchr(text + strlen(SCHEME), ':');

    return colon != NULL && colon < secret && strchr(secret, '@') != NULL;
}

static void
judge(const char *text, bool has_secret)
{
    struct settings *settings = NULL, *unasked = NULL;
    dew_error error;

    memset(&error, 0x5a, sizeof error);
    const dew_code code = settings_from_uri(&settings, text, &error);
    FUZZ_CLAIM(settings_from_uri(&unasked, text, NULL) == code,
               "without a dew_error it is not %s", dew_code_name(code));
    if (code != DEW_OK) {
        FUZZ_COUNT("refused");
        claim_refused(code, &error, settings, has_secret);
        return;
    }
    FUZZ_COUNT("accepted");
    claim_valid(settings);
    claim_round_trip(settings);
    FUZZ_CLAIM(!has_secret || (settings->password != NULL &&
                               fuzz_holds_secret(settings->password)),
               "the password was taken for something else in %s", text);
    settings_free(settings);
    settings_free(unasked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint32_t blocks = memory_blocks();
    const char *secret;
    char *const text = make_text(data, size, &secret);
    /* Without the secret the rest must be innocent, or nothing is shown. */
    const bool is_judged =
        is_of_password(text, secret) &&
        !fuzz_holds_secret(secret + sizeof FUZZ_SECRET - 1);

    if (is_judged) {
        FUZZ_COUNT("with_secret");
    }
    judge(text, is_judged);
    free(text);
    FUZZ_CLAIM(memory_blocks() == blocks, "%u blocks, %u before",
               memory_blocks(), blocks);
    return 0;
}
