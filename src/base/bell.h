/* SPDX-License-Identifier: MIT */
/* Two ways to wake a thread of ours: a futex bell and a pollable one. */
/*
 * A bell counts rings. Who waits reads the count first, looks at its work,
 * and sleeps only while the count is still the same, so no ring is lost:
 *
 *     seen = bell_look(); ...nothing to do...; bell_wait(seen, deadline);
 *
 * Ringing never blocks and may be done from anywhere, under any lock.
 */
#ifndef DEWPOND_BASE_BELL_H
#define DEWPOND_BASE_BELL_H

#include "base/order.h"

struct bell {
    order_u32 rings;
    order_u32 sleepers;
};

void bell_init(struct bell *bell);
void bell_ring_one(struct bell *bell);
void bell_ring_all(struct bell *bell);
uint32_t bell_look(const struct bell *bell);
/* Returns when the bell rang since `seen`, at the deadline, or for nothing. */
void bell_wait(struct bell *bell, uint32_t seen, int64_t deadline_ns);

/* A door for one: true for the caller that got in, until bell_untry. */
bool bell_try(order_u32 *door);
void bell_untry(order_u32 *door);

/* The same for a thread that also polls sockets: the descriptor is readable
 * after a ring until poll_bell_clear, which comes before looking at the work. */
struct poll_bell {
    int fd;         /* an eventfd of ours; -1: none */
    order_u32 rung; /* 1: the descriptor is readable already */
};

/* False: no descriptor (errno says why). */
bool poll_bell_init(struct poll_bell *bell);
void poll_bell_destroy(struct poll_bell *bell);
void poll_bell_ring(struct poll_bell *bell);
void poll_bell_clear(struct poll_bell *bell);

#endif
