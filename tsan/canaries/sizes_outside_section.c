/* SPDX-License-Identifier: MIT */
/* The sizes of a pond are read after their section while a resize frees them. */
#include "canaries.h"
#include "fixture/pond_rig.h"

#define READERS 2
#define READS 100
#define RESIZES 20

static struct pond pond;

static void
ring(void *arg)
{
    (void)arg;
}

static void *
read_sizes(void *arg)
{
    for (int i = 0; i < READS; i++) {
        const struct pond_sizes sizes = pond_sizes(&pond);

        if (sizes.size > sizes.maxsize) {
            canary_fail("%u of %u", sizes.size, sizes.maxsize);
        }
    }
    return arg;
}

void
live_sizes_outside_section(uint64_t seed)
{
    const struct pond_plan plan = {
        .sizes = {1, 4, UINT32_MAX},
        .burst_ns = INT64_MAX,
        .window = 1,
        .parker = &park_futex,
        .bells = {ring, ring, ring, NULL},
    };
    pthread_t readers[READERS];

    memset(&pond, 0, sizeof pond);
    if (!pond_init(&pond, &plan)) {
        canary_fail("no pond");
    }
    canary_threads(readers, READERS, read_sizes, NULL);
    for (uint32_t i = 0; i < RESIZES; i++) {
        const struct pond_sizes next = {1 + (uint32_t)(seed + i) % 4, 4,
                                        UINT32_MAX};

        race_point("canary.resize");
        if (!pond_resize(&pond, &next)) {
            canary_fail("no memory");
        }
    }
    canary_join(readers, READERS);
    pond_destroy(&pond);
}
