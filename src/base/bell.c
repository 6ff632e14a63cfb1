/* SPDX-License-Identifier: MIT */
/* Ringing and waiting. */
#include "base/bell.h"

#include <errno.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/park.h"

void
bell_init(struct bell *bell)
{
    order_init_u32(&bell->rings, 0);
    order_init_u32(&bell->sleepers, 0);
}

static void
ring(struct bell *bell, int count)
{
    /* ORDER bell.1 seq_cst <-> bell.2 bell.3: what the ringer did before is
     * seen by who notices the ring; and either we see the sleeper here, or it
     * sees the new count before it sleeps. */
    (void)order_add_seq_u32(&bell->rings, 1);
    /* ORDER bell.4 seq_cst <-> bell.5 bell.6: the other half of that. */
    if (order_load_seq_u32(&bell->sleepers) != 0) {
        park_futex.wake(park_futex.arg, &bell->rings, count);
    }
}

void
bell_ring_one(struct bell *bell)
{
    ring(bell, 1);
}

void
bell_ring_all(struct bell *bell)
{
    ring(bell, INT_MAX);
}

uint32_t
bell_look(const struct bell *bell)
{
    /* ORDER bell.2 seq_cst <-> bell.1: read before the work is looked at. */
    return order_load_seq_u32(&bell->rings);
}

void
bell_wait(struct bell *bell, uint32_t seen, int64_t deadline_ns)
{
    /* ORDER bell.5 seq_cst <-> bell.4: announced before the last look. */
    (void)order_add_seq_u32(&bell->sleepers, 1);
    /* ORDER bell.3 seq_cst <-> bell.1: the kernel compares once more. */
    if (order_load_seq_u32(&bell->rings) == seen) {
        park_futex.wait(park_futex.arg, &bell->rings, seen, deadline_ns);
    }
    /* ORDER bell.6 seq_cst <-> bell.4: gone. */
    (void)order_sub_seq_u32(&bell->sleepers, 1);
}

bool
bell_try(order_u32 *door)
{
    /* ORDER bell.10 seq_cst <-> bell.11: one is in; it sees what the one
     * before it did. */
    return order_swap_seq_u32(door, 1) == 0;
}

void
bell_untry(order_u32 *door)
{
    /* ORDER bell.11 seq_cst <-> bell.10: out, with all that was done. */
    order_store_seq_u32(door, 0);
}

bool
poll_bell_init(struct poll_bell *bell)
{
    order_init_u32(&bell->rung, 0);
    if (fault(FAULT_DESCRIPTOR)) {
        bell->fd = -1;
        errno = EMFILE;
        return false;
    }
    bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return bell->fd >= 0;
}

void
poll_bell_destroy(struct poll_bell *bell)
{
    if (bell->fd >= 0) {
        (void)close(bell->fd);
        bell->fd = -1;
    }
}

void
poll_bell_ring(struct poll_bell *bell)
{
    /* ORDER bell.8 seq_cst <-> bell.9: who finds it rung leaves the writing
     * to the first; what we did before is seen after the clear. */
    if (order_swap_seq_u32(&bell->rung, 1) == 0) {
        const uint64_t one = 1;
        /* Fails only if the counter is full, and then it is readable. */
        const ssize_t done = write(bell->fd, &one, sizeof(one));
        (void)done;
    }
}

void
poll_bell_clear(struct poll_bell *bell)
{
    uint64_t count;
    const ssize_t done = read(bell->fd, &count, sizeof(count));

    (void)done;
    /* ORDER bell.9 seq_cst <-> bell.8: cleared before the work is looked at;
     * a later ring writes again. */
    (void)order_swap_seq_u32(&bell->rung, 0);
}
