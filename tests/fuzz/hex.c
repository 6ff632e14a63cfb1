/* SPDX-License-Identifier: MIT */
/* Inputs as lines of hexadecimal digits: a whole corpus in one file. */
#define _GNU_SOURCE 1
#include "fuzz/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST (1u << 20)

static int
digit_of(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *const at = digit == '\0' ? NULL : strchr(digits, digit);

    return at == NULL ? -1 : (int)(at - digits);
}

/* In place: half as many bytes. False: something else than digits. */
static bool
decode(char *line, size_t *size)
{
    const size_t length = strcspn(line, " \t#\r\n");

    for (size_t i = 0; i < length; i += 2) {
        const int high = digit_of(line[i]);
        const int low = i + 1 < length ? digit_of(line[i + 1]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        line[i / 2] = (char)(unsigned char)(high * 16 + low);
    }
    *size = length / 2;
    return true;
}

/* A copy of exactly this size: sanitizers see a read past its end. */
static bool
hand_over(const void *data, size_t size, hex_take *take, void *arg)
{
    uint8_t *const copy = malloc(size == 0 ? 1 : size);

    if (copy == NULL) {
        return false;
    }
    memcpy(copy, data, size);
    take(copy, size, arg);
    free(copy);
    return true;
}

bool
hex_each(const char *path, hex_take *take, void *arg)
{
    FILE *const file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0, size = 0;
    bool good = file != NULL;

    while (good && getline(&line, &room, file) >= 0) {
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        good = decode(line, &size);
        if (!good) {
            errno = EINVAL;
        } else {
            good = hand_over(line, size, take, arg);
        }
    }
    free(line);
    if (file != NULL) {
        (void)fclose(file);
    }
    return good;
}

bool
hex_whole_file(const char *path, hex_take *take, void *arg)
{
    FILE *const file = fopen(path, "re");
    uint8_t *const data = file == NULL ? NULL : malloc(LARGEST);
    bool good = data != NULL;

    if (good) {
        const size_t size = fread(data, 1, LARGEST, file);
        good = ferror(file) == 0 && hand_over(data, size, take, arg);
    }
    free(data);
    if (file != NULL) {
        (void)fclose(file);
    }
    return good;
}

void
hex_write_line(FILE *file, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        (void)fprintf(file, "%02x", data[i]);
    }
    (void)fputc('\n', file);
}
