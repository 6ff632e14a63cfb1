/* SPDX-License-Identifier: MIT */
/* How much memory the soak has in use, and whether that is flat. */
#define _GNU_SOURCE 1
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "soak/soak.h"

/*
 * Read at rest: no loan, the same few sessions, all of them new, and what the
 * allocator does not need given back. So there is little noise, and the bounds
 * are narrow. Bytes in use are exact where threads keep no free blocks for
 * themselves (scripts/soak sees to that); what is resident also tells of
 * blocks between which nothing can be given back.
 */
#define IN_USE_BOUND (64u * 1024u)
#define RESIDENT_BOUND (4u * 1024u * 1024u)

#define MB (1024.0 * 1024.0)

enum { START, MIDDLE, END, READINGS };

static struct soak_memory readings[READINGS];

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool is_judged = false; /* their allocators keep what was freed */
#else
static const bool is_judged = true;
#endif

struct soak_memory
soak_memory_now(void)
{
    const struct mallinfo2 info = mallinfo2();
    unsigned long long pages = 0;
    FILE *const statm = fopen("/proc/self/statm", "re");

    if (statm != NULL) {
        if (fscanf(statm, "%*u %llu", &pages) != 1) {
            pages = 0;
        }
        (void)fclose(statm);
    }
    return (struct soak_memory){pages * (uint64_t)sysconf(_SC_PAGESIZE),
                                info.uordblks + info.hblkhd};
}

void
soak_memory_read(uint32_t when)
{
    static const char *const names[READINGS] = {"start", "middle", "end"};

    (void)malloc_trim(0);
    readings[when] = soak_memory_now();
    (void)printf("memory at rest, %s: resident %.2f MB, in use %.3f MB\n",
                 names[when], (double)readings[when].resident / MB,
                 (double)readings[when].in_use / MB);
}

static bool
has_grown(uint64_t middle, uint64_t end, uint64_t bound)
{
    return end > middle && end - middle > bound;
}

const char *
soak_memory_verdict(void)
{
    const struct soak_memory middle = readings[MIDDLE], end = readings[END];

    (void)printf("memory from middle to end: resident %+.2f MB (at most "
                 "%+.2f), in use %+.3f MB (at most %+.3f)%s\n",
                 ((double)end.resident - (double)middle.resident) / MB,
                 RESIDENT_BOUND / MB,
                 ((double)end.in_use - (double)middle.in_use) / MB,
                 IN_USE_BOUND / MB,
                 is_judged ? "" : "; not judged under a sanitizer");
    if (!is_judged) {
        return NULL;
    }
    if (has_grown(middle.in_use, end.in_use, IN_USE_BOUND)) {
        return "the memory in use grew";
    }
    if (has_grown(middle.resident, end.resident, RESIDENT_BOUND)) {
        return "the resident memory grew";
    }
    return NULL;
}
