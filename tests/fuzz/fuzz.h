/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: bytes read as numbers, claims, and tallies. */
/*
 * A target is one function, LLVMFuzzerTestOneInput. libFuzzer and AFL++ find
 * inputs for it, driver.c gives it those that are kept. What must hold is a
 * FUZZ_CLAIM: a claim that does not hold ends the process, which is what an
 * engine takes for a finding. FUZZ_COUNT tells at the end how often a place was
 * reached: a target that never gets past the first refusal shows nothing.
 */
#ifndef DEWPOND_TEST_FUZZ_H
#define DEWPOND_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. Behind its end there are only zeroes. */
struct fuzz_bytes {
    const uint8_t *at, *end;
};
struct fuzz_bytes fuzz_bytes_of(const uint8_t *data, size_t size);
size_t fuzz_left(const struct fuzz_bytes *bytes);
uint8_t fuzz_u8(struct fuzz_bytes *bytes);
uint16_t fuzz_u16(struct fuzz_bytes *bytes);
uint32_t fuzz_u32(struct fuzz_bytes *bytes);
/* At most `size` of them: how many there were. */
size_t fuzz_take(struct fuzz_bytes *bytes, size_t size, const uint8_t **from);
/* A text of one length byte and as many bytes as that (fewer at the end of
 * the input, or from the first zero byte on), in `text`. */
void fuzz_text(struct fuzz_bytes *bytes, char text[256]);

/* No dictionary has it, and no piece of five bytes of it is in a message. */
#define FUZZ_SECRET "qZ7xW9vK"
#define FUZZ_SECRET_PIECE 5
bool fuzz_holds_secret(const char *text);

void fuzz_fail(const char *file, int line, const char *claim,
               const char *format, ...)
    __attribute__((format(printf, 4, 5), noreturn));
#define FUZZ_CLAIM(claim, ...)                                                 \
    do {                                                                       \
        if (!(claim)) {                                                        \
            fuzz_fail(__FILE__, __LINE__, #claim, __VA_ARGS__);                \
        }                                                                      \
    } while (0)

struct fuzz_tally {
    const char *name;
    uint64_t count;
    struct fuzz_tally *next;
    bool known;
};
void fuzz_count(struct fuzz_tally *tally);
#define FUZZ_COUNT(NAME)                                                       \
    do {                                                                       \
        static struct fuzz_tally fuzz_tally_here = {.name = (NAME)};           \
        fuzz_count(&fuzz_tally_here);                                          \
    } while (0)

/* What a run may leave: as much as there was. Blocks of base/memory, and the
 * lowest free descriptor. */
struct fuzz_traces {
    uint32_t blocks;
    int fd;
};
struct fuzz_traces fuzz_traces(void);
/* Waits for it: a server's thread lets go a little after its client. */
void fuzz_claim_left_nothing(const struct fuzz_traces *before);

/* True when the process is another one than at the last call with this `pid`
 * (0 at first): threads have to be started again. AFL++ forks. */
bool fuzz_is_new_process(int *pid);

#endif
