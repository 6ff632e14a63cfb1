/* SPDX-License-Identifier: MIT */
/* What the core calls in base, made of the virtual clock and threads. */
#ifndef TESTS_SCHEDULES_STAND_INS_H
#define TESTS_SCHEDULES_STAND_INS_H

#include "base/park.h"

extern const struct parker virtual_parker;

void reclaim_wait_readers(void);

#endif
