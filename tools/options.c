/* SPDX-License-Identifier: MIT */
/* Reads `--name value` options by a table and words every refusal. */
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 24 };

static const struct option_row *find_row(const struct option_table *table,
                                         const char *word, size_t length);
static bool read_value(const struct option_row *row, char *value, void *result,
                       struct option_complaint *complaint);
static bool read_number(const struct option_row *row, const char *value,
                        int64_t *number, struct option_complaint *complaint);
static bool read_choice(const struct option_row *row, const char *value,
                        int64_t *index, struct option_complaint *complaint);
static bool read_operand(char *word, char **operand,
                         struct option_complaint *complaint);

bool
options_read(const struct option_table *table, int argc, char **argv,
             void *result, char **operand, struct option_complaint *complaint)
{
    *operand = NULL;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (!read_operand(argv[i], operand, complaint)) {
                return false;
            }
            continue;
        }
        const char *const word = argv[i] + 2;
        const size_t length = strcspn(word, "=");
        const struct option_row *const row = find_row(table, word, length);
        if (row == NULL) {
            return options_refuse(complaint, "there is no option --%.*s",
                                  (int)length, word);
        }
        char *value = word[length] == '=' ? argv[i] + 2 + length + 1 : NULL;
        if (row->kind == OPTION_FLAG) {
            if (value != NULL) {
                return options_refuse(complaint, "--%s takes no value",
                                      row->name);
            }
        } else if (value == NULL) {
            if (i + 1 == argc) {
                return options_refuse(complaint, "--%s needs a value: %s",
                                      row->name, row->argument);
            }
            value = argv[++i];
        }
        if (!read_value(row, value, result, complaint)) {
            return false;
        }
    }
    return true;
}

bool
options_refuse(struct option_complaint *complaint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(complaint->text, sizeof complaint->text, format, arguments);
    va_end(arguments);
    return false;
}

void
options_explain(const struct option_table *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *const row = &table->rows[i];
        int width = fprintf(out, "  --%s%s%s", row->name,
                            row->kind == OPTION_FLAG ? "" : " ",
                            row->kind == OPTION_FLAG ? "" : row->argument);
        for (const char *line = row->help; line != NULL;) {
            const size_t length = strcspn(line, "\n");
            const int gap = width < HELP_COLUMN ? HELP_COLUMN - width : 1;
            (void)fprintf(out, "%*s%.*s\n", gap, "", (int)length, line);
            width = 0;
            line = line[length] == '\n' ? line + length + 1 : NULL;
        }
    }
}

static const struct option_row *
find_row(const struct option_table *table, const char *word, size_t length)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *const name = table->rows[i].name;
        if (strlen(name) == length && memcmp(name, word, length) == 0) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static bool
read_value(const struct option_row *row, char *value, void *result,
           struct option_complaint *complaint)
{
    char *const field = (char *)result + row->offset;
    int64_t number = 0;
    bool fine = true;
    switch (row->kind) {
    case OPTION_NUMBER:
        fine = read_number(row, value, &number, complaint);
        memcpy(field, &number, sizeof number);
        break;
    case OPTION_CHOICE:
        fine = read_choice(row, value, &number, complaint);
        memcpy(field, &number, sizeof number);
        break;
    case OPTION_TEXT: memcpy(field, &value, sizeof value); break;
    case OPTION_FLAG: memcpy(field, &(bool){true}, sizeof(bool)); break;
    }
    return fine;
}

static bool
read_number(const struct option_row *row, const char *value, int64_t *number,
            struct option_complaint *complaint)
{
    char *end = NULL;
    errno = 0;
    const long long read = strtoll(value, &end, 10);
    /* strtoll would skip leading blanks and a plus sign: the first character
     * is looked at too, so that " 5" is refused like any other slip. */
    const bool plain = *value == '-' || (*value >= '0' && *value <= '9');
    if (!plain || *end != '\0' || errno != 0 || read < row->min ||
        read > row->max) {
        return options_refuse(
            complaint, "--%s is '%s'; allowed are %" PRId64 " to %" PRId64,
            row->name, value, row->min, row->max);
    }
    *number = read;
    return true;
}

static bool
read_choice(const struct option_row *row, const char *value, int64_t *index,
            struct option_complaint *complaint)
{
    char allowed[128] = "";
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(row->choices[i], value) == 0) {
            *index = (int64_t)i;
            return true;
        }
        const size_t used = strlen(allowed);
        (void)snprintf(allowed + used, sizeof allowed - used, "%s%s",
                       i == 0 ? "" : ", ", row->choices[i]);
    }
    return options_refuse(complaint, "--%s is '%s'; allowed are %s", row->name,
                          value, allowed);
}

static bool
read_operand(char *word, char **operand, struct option_complaint *complaint)
{
    if (*operand != NULL) {
        return options_refuse(complaint,
                              "'%s' is one word too many: only one URI is "
                              "taken, and options begin with --",
                              word);
    }
    *operand = word;
    return true;
}
