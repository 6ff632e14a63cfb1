/* SPDX-License-Identifier: MIT */
/* The machine's own primitives, each in a loop of C without anything around it. */
#ifndef DEWPOND_BENCH_PRIMITIVES_H
#define DEWPOND_BENCH_PRIMITIVES_H

#ifdef __cplusplus
extern "C" {
#endif

struct primitive {
    const char *name;
    /* Does it `count` times. */
    void (*loop)(long count);
    int is_shared; /* it writes a word that two threads may fight for */
};

/* Ends with a NULL name. */
extern const struct primitive primitives[];

/* Every word and stack as at the start: before each measurement. */
void primitives_reset(void);

#ifdef __cplusplus
}
#endif

#endif
