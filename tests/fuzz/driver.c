/* SPDX-License-Identifier: MIT */
/* Gives a fuzz target its inputs: those that are kept, or AFL++'s. */
/*
 * Built with AFL++'s compiler it is a persistent loop over a shared buffer.
 * Built with any other it runs files that were written by an engine, or, from
 * a *.hex, each of its lines (see pack.c), so that what was found once is tried
 * with every compiler and sanitizer.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "fuzz/hex.h"

#ifdef __AFL_FUZZ_TESTCASE_LEN

__AFL_FUZZ_INIT();

int
main(void)
{
    __AFL_INIT();
    const unsigned char *const buffer = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(1000)) {
        const int size = __AFL_FUZZ_TESTCASE_LEN;
        /* A copy of its own length, so that a read past its end is seen. */
        unsigned char *const copy = malloc(size > 0 ? (size_t)size : 1);
        if (copy != NULL) {
            memcpy(copy, buffer, (size_t)size);
            (void)LLVMFuzzerTestOneInput(copy, (size_t)size);
        }
        free(copy);
    }
    return 0;
}

#else

static unsigned long ran;

static void
run(const uint8_t *data, size_t size, void *arg)
{
    (void)arg;
    (void)LLVMFuzzerTestOneInput(data, size);
    ran++;
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *const dot = strrchr(argv[i], '.');
        const bool is_hex = dot != NULL && strcmp(dot, ".hex") == 0;
        if (!(is_hex ? hex_each(argv[i], run, NULL)
                     : hex_whole_file(argv[i], run, NULL))) {
            perror(argv[i]);
            return 2;
        }
    }
    printf("%lu inputs\n", ran);
    return ran > 0 ? 0 : 2;
}

#endif
