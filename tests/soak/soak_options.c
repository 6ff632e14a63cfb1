/* SPDX-License-Identifier: MIT */
/* The options of the soak. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "soak/soak.h"

#define USAGE                                                                  \
    "usage: soak [--minutes N] [--threads N] [--seed N]\n"                     \
    "  --minutes  how long (20)\n"                                             \
    "  --threads  how many borrow, 1 to 256 (128)\n"                           \
    "  --seed     repeats what is drawn by chance, as far as threads repeat\n"

static bool
number(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    char *end = NULL;

    *value = text[0] == '-' ? 0 : strtoull(text, &end, 0);
    return end != NULL && end != text && *end == '\0' && *value >= least &&
           *value <= most;
}

static bool
option(struct soak_plan *plan, const char *name, const char *text)
{
    uint64_t value = 0;

    if (strcmp(name, "--minutes") == 0 && number(text, 1, 10000, &value)) {
        plan->minutes = (uint32_t)value;
    } else if (strcmp(name, "--threads") == 0 &&
               number(text, 1, STORM_THREADS_MAX, &value)) {
        plan->threads = (uint32_t)value;
    } else if (strcmp(name, "--seed") == 0 &&
               number(text, 0, UINT64_MAX, &value)) {
        plan->seed = value;
    } else {
        return false;
    }
    return true;
}

bool
soak_options(struct soak_plan *plan, int argc, char **argv)
{
    *plan = (struct soak_plan){
        .seed = random_u64(), .minutes = 20, .threads = 128};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !option(plan, argv[i], argv[i + 1])) {
            (void)fprintf(stderr, "soak: not understood: %s\n%s", argv[i],
                          USAGE);
            return false;
        }
    }
    return true;
}
