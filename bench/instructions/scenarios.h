/* SPDX-License-Identifier: MIT */
/* What a scenario is made of: steps on a scene of one pool and two loans. */
#ifndef DEWPOND_BENCH_SCENARIOS_H
#define DEWPOND_BENCH_SCENARIOS_H

#include <dewpond.h>
#include <stdbool.h>

#define PAIR 2

struct scene {
    dew_pool *pool;
    dew_conn conns[PAIR];
};

struct scenario {
    const char *name;
    dew_reset reset;
    uint32_t size, handoff_after_ms;
    int pairs; /* of borrow and return, in one step */
    bool threaded; /* the pool has a keeper, whose clock ticks */
    void (*prepare)(struct scene *scene);
    void (*step)(struct scene *scene);
    void (*tidy)(struct scene *scene);
};

void insist(int is_right, const char *what);

/* Steps, as the table in scenarios.c puts them together. */
void borrow_first(struct scene *scene);
void give_back_first(struct scene *scene);
void idle_pair(struct scene *scene);
void named_pair(struct scene *scene);
void two_pairs(struct scene *scene);
void touched_pair(struct scene *scene);
void use_session(struct scene *scene);
void use_and_give_back(struct scene *scene);
void await_given_back(struct scene *scene);
void give_back_used(struct scene *scene);
void refused(struct scene *scene);
void begin_wait(struct scene *scene);
void end_wait(struct scene *scene);

#endif
