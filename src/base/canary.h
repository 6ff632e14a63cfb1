/* SPDX-License-Identifier: MIT */
/* Planted races that ThreadSanitizer must report: in a build of their own. */
/*
 * `CANARY(NAME, statement)` stands where one line would make a race of a kind
 * that this library must not have. With -DDEWPOND_CANARIES=ON the testing twin
 * runs the statement while that canary is planted; tsan/run builds it in a
 * directory of its own, and a canary that is not reported there, with the line
 * it stands on, fails the run. In every other build the line is nothing.
 */
#ifndef DEWPOND_BASE_CANARY_H
#define DEWPOND_BASE_CANARY_H

#ifdef DEWPOND_CANARIES
enum canary {
    CANARY_NONE,
    CANARY_SLOT_AFTER_PUSH,
    CANARY_NODE_BEFORE_WORD,
    CANARY_SIZES_OUTSIDE_SECTION,
    CANARY_SHARED_HANDLE,
    CANARY_NO_GRACE_PERIOD,
};

/* The program's that plants: written before it starts a thread. */
extern enum canary canary_planted;

#define CANARY(NAME, ...)                                                      \
    do {                                                                       \
        if (canary_planted == CANARY_##NAME) {                                 \
            __VA_ARGS__;                                                       \
        }                                                                      \
    } while (0)
#else
#define CANARY(NAME, ...) ((void)0)
#endif

#endif
