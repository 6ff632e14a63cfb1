/* SPDX-License-Identifier: MIT */
/* Inputs as lines of hexadecimal digits: a whole corpus in one file. */
#ifndef DEWPOND_TEST_FUZZ_HEX_H
#define DEWPOND_TEST_FUZZ_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef void hex_take(const uint8_t *data, size_t size, void *arg);

/* Calls take() for every line; a # begins a comment. False: errno says why
 * (EINVAL: a line is no such line). */
bool hex_each(const char *path, hex_take *take, void *arg);
/* Calls take() once, with all that is in the file. */
bool hex_whole_file(const char *path, hex_take *take, void *arg);
void hex_write_line(FILE *file, const uint8_t *data, size_t size);

#endif
