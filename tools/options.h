/* SPDX-License-Identifier: MIT */
/* Reads `--name value` options by a table and words every refusal. */
#ifndef DEWPOND_TOOLS_OPTIONS_H
#define DEWPOND_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a row writes at its offset: int64_t, char *, int64_t (the position in
 * `choices`) or bool. A text points into argv: it is not copied. */
enum option_kind {
    OPTION_NUMBER,
    OPTION_TEXT,
    OPTION_CHOICE,
    OPTION_FLAG,
};

struct option_row {
    const char *name; /* without the two dashes */
    enum option_kind kind;
    size_t offset;              /* of the field in the result */
    int64_t min, max;           /* of a number */
    const char *const *choices; /* of a choice: words, then NULL */
    const char *argument;       /* how --help calls the value */
    const char *help;           /* lines, parted by \n */
};

struct option_table {
    const struct option_row *rows;
    size_t count;
};

/* Why a command line was refused, in words for the user. */
struct option_complaint {
    char text[256];
};

/* Reads argv[0..argc) into `result` (the struct the offsets belong to) and
 * the one word without dashes into *operand (untouched if there is none).
 * False: *complaint names the option, its value and what is allowed. */
bool options_read(const struct option_table *table, int argc, char **argv,
                  void *result, char **operand,
                  struct option_complaint *complaint);

/* Writes *complaint from a printf format and returns false. */
__attribute__((format(printf, 2, 3))) bool
options_refuse(struct option_complaint *complaint, const char *format, ...);

/* One paragraph per row, in the table's order. */
void options_explain(const struct option_table *table, FILE *out);

#endif
