/* SPDX-License-Identifier: MIT */
/* Lives the lives of one canary: planted, or to show that all else is quiet. */
/*
 *     canaries NAME           with the race planted: a report ends it
 *     canaries --quiet NAME   the same lives without: nothing may be reported
 *
 * DEWPOND_CANARY_SEED repeats a run as far as threads repeat. Exit status 0:
 * all lives were lived and nothing was reported.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/random.h"
#include "base/reclaim.h"
#include "canaries.h"

enum canary canary_planted = CANARY_NONE;

static const struct {
    const char *name;
    enum canary plant;
    void (*live)(uint64_t seed);
    uint32_t lives, quiet_lives; /* at most; and without the plant */
} canaries[] = {
    {"SLOT_AFTER_PUSH", CANARY_SLOT_AFTER_PUSH, live_slot_after_push, 400, 10},
    {"NODE_BEFORE_WORD", CANARY_NODE_BEFORE_WORD, live_node_before_word, 400,
     10},
    {"SIZES_OUTSIDE_SECTION", CANARY_SIZES_OUTSIDE_SECTION,
     live_sizes_outside_section, 400, 20},
    {"SHARED_HANDLE", CANARY_SHARED_HANDLE, live_shared_handle, 200, 5},
    {"NO_GRACE_PERIOD", CANARY_NO_GRACE_PERIOD, live_no_grace_period, 400, 10},
};

void
canary_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    _Exit(2);
}

void
canary_threads(pthread_t *threads, unsigned count, void *(*body)(void *),
               void *arg)
{
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, body, arg) != 0) {
            canary_fail("no thread");
        }
    }
}

void
canary_join(pthread_t *threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

static uint64_t
chosen_seed(void)
{
    const char *const text = getenv("DEWPOND_CANARY_SEED");

    return text == NULL ? random_u64() : strtoull(text, NULL, 0);
}

static int
live_all(size_t which, bool quiet)
{
    const uint32_t lives =
        quiet ? canaries[which].quiet_lives : canaries[which].lives;
    const uint64_t seed = chosen_seed();

    (void)printf("%s: DEWPOND_CANARY_SEED=%llu\n", canaries[which].name,
                 (unsigned long long)seed);
    (void)fflush(stdout);
    canary_planted = quiet ? CANARY_NONE : canaries[which].plant;
    for (uint32_t life = 0; life < lives; life++) {
        race_seed(seed + life, 4);
        canaries[which].live(seed + life);
    }
    (void)printf("%u lives, nothing was reported\n", lives);
    return 0;
}

int
main(int argc, char **argv)
{
    const bool quiet = argc == 3 && strcmp(argv[1], "--quiet") == 0;

    if (argc != (quiet ? 3 : 2)) {
        canary_fail("usage: canaries [--quiet] NAME");
    }
    if (!reclaim_init()) {
        canary_fail("no memory");
    }
    for (size_t i = 0; i < sizeof canaries / sizeof canaries[0]; i++) {
        if (strcmp(canaries[i].name, argv[argc - 1]) == 0) {
            return live_all(i, quiet);
        }
    }
    canary_fail("no canary is called %s", argv[argc - 1]);
}
