/* SPDX-License-Identifier: MIT */
/* Log lines of one kind: at most one a second, whoever writes them. */
#ifndef DEWPOND_BASE_SELDOM_H
#define DEWPOND_BASE_SELDOM_H

#include "base/order.h"

/* All zero: no line yet. Writers: any thread, by CAS, at most once a second.
 * Readers: any thread on its way to a line. */
struct seldom {
    order_u64 last_ns; /* when the last line was let through; 0: never */
};

/* True for one caller in any second (exact clock): write the line. */
bool seldom_may(struct seldom *seldom, int64_t now_ns);

#endif
