/* SPDX-License-Identifier: MIT */
/* Random numbers for seeds, jitter and nonces: not for secrets. */
#ifndef DEWPOND_BASE_RANDOM_H
#define DEWPOND_BASE_RANDOM_H

#include <stdint.h>

/* 64 bits, seeded from getrandom(2) per thread; thread-safe, never blocks. */
uint64_t random_u64(void);
/* Uniform in [0, bound); 0 for bound 0. */
uint64_t random_below(uint64_t bound);

#endif
