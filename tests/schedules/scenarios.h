/* SPDX-License-Identifier: MIT */
/* The scenarios: small worlds in which few threads can do much wrong. */
#ifndef TESTS_SCHEDULES_SCENARIOS_H
#define TESTS_SCHEDULES_SCENARIOS_H

#include "world.h"

struct scenario {
    const char *name;
    void (*setup)(void);
};

extern const struct scenario scenarios_borrow[];
extern const struct scenario scenarios_open[];
extern const struct scenario scenarios_flags[];
extern const struct scenario scenarios_resize[];

/* What a thread of a scenario does, some rounds of it. */
struct part {
    struct world_wish wish;
    uint32_t rounds;
    bool retires;  /* instead of returning */
    bool may_miss; /* a wait may end without a session */
};

void part_borrower(void *arg); /* a struct part */
void part_returner(void *arg); /* the struct slot it holds */
void part_retirer(void *arg);  /* likewise */

/* Threads that do this part, on CPU 0, 1, ... of world.cpus. */
void part_cast(const struct part *part, uint32_t threads);
/* Gives a slot of world_lease_one to a thread that is not cast yet. */
void part_cast_holder(void (*body)(void *arg), struct slot *slot);

#endif
