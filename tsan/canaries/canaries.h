/* SPDX-License-Identifier: MIT */
/* What the canaries share: one short life each, and threads to live it. */
/*
 * A canary is a program around one CANARY line of the library. It lives many
 * short lives, each with new objects and new threads, because a race is often
 * possible only once in an object's life. With its canary planted the sanitizer
 * ends the program at the first report; without, it lives all its lives and
 * nothing may be reported: what is found is the plant and nothing else.
 *
 * Where the report should point when the racing lines are the program's own,
 * they say so with a comment: CANARY(NAME.
 */
#ifndef DEWPOND_TSAN_CANARIES_H
#define DEWPOND_TSAN_CANARIES_H

#include <pthread.h>
#include <stdint.h>

#include "base/canary.h"

/* One life; the seed is another one in each. Ends the program when something
 * is wrong that is not the plant's. */
void live_slot_after_push(uint64_t seed);
void live_node_before_word(uint64_t seed);
void live_sizes_outside_section(uint64_t seed);
void live_shared_handle(uint64_t seed);
void live_no_grace_period(uint64_t seed);

_Noreturn void canary_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* `count` (at most CANARY_THREADS) threads with the same argument, and the end
 * of all of them. */
#define CANARY_THREADS 8
void canary_threads(pthread_t *threads, unsigned count, void *(*body)(void *),
                    void *arg);
void canary_join(pthread_t *threads, unsigned count);

#endif
