/* SPDX-License-Identifier: MIT */
/* The regular look at sessions that rest: too old, idle for too long, dead. */
#ifndef DEWPOND_KEEPER_SWEEP_H
#define DEWPOND_KEEPER_SWEEP_H

#include "keeper/pool.h"

/* One look. Returns after how many ms the next one is due. */
int64_t sweep(dew_pool *pool);

#endif
