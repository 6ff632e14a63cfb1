/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: bytes read as numbers, claims, and tallies. */
#define _GNU_SOURCE 1
#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define PATIENCE_US 10000000
#define LOOK_US 200

/* ---- bytes ---- */

struct fuzz_bytes
fuzz_bytes_of(const uint8_t *data, size_t size)
{
    return (struct fuzz_bytes){.at = data, .end = data + size};
}

size_t
fuzz_left(const struct fuzz_bytes *bytes)
{
    return (size_t)(bytes->end - bytes->at);
}

uint8_t
fuzz_u8(struct fuzz_bytes *bytes)
{
    return fuzz_left(bytes) == 0 ? 0 : *bytes->at++;
}

uint16_t
fuzz_u16(struct fuzz_bytes *bytes)
{
    const unsigned low = fuzz_u8(bytes);

    return (uint16_t)(low | (unsigned)fuzz_u8(bytes) << 8);
}

uint32_t
fuzz_u32(struct fuzz_bytes *bytes)
{
    const uint32_t low = fuzz_u16(bytes);

    return low | (uint32_t)fuzz_u16(bytes) << 16;
}

size_t
fuzz_take(struct fuzz_bytes *bytes, size_t size, const uint8_t **from)
{
    const size_t taken = size < fuzz_left(bytes) ? size : fuzz_left(bytes);

    *from = bytes->at;
    bytes->at += taken;
    return taken;
}

void
fuzz_text(struct fuzz_bytes *bytes, char text[256])
{
    const uint8_t *from;
    const size_t size = fuzz_take(bytes, fuzz_u8(bytes), &from);

    memcpy(text, from, size);
    text[size] = '\0';
}

/* By hand: engines learn from strstr and memcmp, and would learn the secret. */
static bool
begins_with_piece(const char *text, const char *piece)
{
    for (size_t i = 0; i < FUZZ_SECRET_PIECE; i++) {
        if (text[i] != piece[i]) {
            return false;
        }
    }
    return true;
}

bool
fuzz_holds_secret(const char *text)
{
    static const char secret[] = FUZZ_SECRET;
    const size_t length = strlen(text);

    for (size_t at = 0; at + FUZZ_SECRET_PIECE <= length; at++) {
        for (size_t i = 0; i + FUZZ_SECRET_PIECE < sizeof secret; i++) {
            if (begins_with_piece(text + at, secret + i)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- claims ---- */

void
fuzz_fail(const char *file, int line, const char *claim, const char *format,
          ...)
{
    va_list arguments;

    (void)fprintf(stderr, "%s:%d: does not hold: %s\n    ", file, line, claim);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "\n");
    abort();
}

/* ---- tallies ---- */

static pthread_mutex_t tallies_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fuzz_tally *tallies; /* the latest first */

static void
tell_tallies(void)
{
    (void)fprintf(stderr, "tally:");
    for (const struct fuzz_tally *tally = tallies; tally != NULL;
         tally = tally->next) {
        (void)fprintf(stderr, " %s=%llu", tally->name,
                      (unsigned long long)tally->count);
    }
    (void)fprintf(stderr, "\n");
}

void
fuzz_count(struct fuzz_tally *tally)
{
    (void)pthread_mutex_lock(&tallies_lock);
    if (!tally->known) {
        if (tallies == NULL) {
            (void)atexit(tell_tallies);
        }
        tally->known = true;
        tally->next = tallies;
        tallies = tally;
    }
    tally->count++;
    (void)pthread_mutex_unlock(&tallies_lock);
}

/* ---- what is left ---- */

struct fuzz_traces
fuzz_traces(void)
{
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)close(fd);
    return (struct fuzz_traces){.blocks = memory_blocks(), .fd = fd};
}

static void
tell_descriptors(int below)
{
    char path[64], target[256];

    for (int fd = 0; fd < below; fd++) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        const ssize_t length = readlink(path, target, sizeof target - 1);
        if (length >= 0) {
            target[length] = '\0';
            (void)fprintf(stderr, "descriptor %d: %s\n", fd, target);
        }
    }
}

void
fuzz_claim_left_nothing(const struct fuzz_traces *before)
{
    struct fuzz_traces now = fuzz_traces();

    for (int us = 0; us < PATIENCE_US && (now.blocks != before->blocks ||
                                          now.fd != before->fd);
         us += LOOK_US) {
        (void)usleep(LOOK_US);
        now = fuzz_traces();
    }
    if (now.fd != before->fd) {
        tell_descriptors(now.fd + 8);
    }
    FUZZ_CLAIM(now.blocks == before->blocks, "%u blocks, %u before",
               now.blocks, before->blocks);
    FUZZ_CLAIM(now.fd == before->fd, "descriptor %d, %d before", now.fd,
               before->fd);
}

bool
fuzz_is_new_process(int *pid)
{
    const bool is_new = *pid != (int)getpid();

    *pid = (int)getpid();
    return is_new;
}
