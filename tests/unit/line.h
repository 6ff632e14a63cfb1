/* SPDX-License-Identifier: MIT */
/* Socket pairs to be cut, and what a process has open: for the watchdog. */
#ifndef DEWPOND_TESTS_UNIT_LINE_H
#define DEWPOND_TESTS_UNIT_LINE_H

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/order.h"

#define LONG_MS 20000 /* reached only when something is broken */

struct line {
    int ours, theirs;
};

static inline struct line
open_line(void)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    return (struct line){ends[0], ends[1]};
}

static inline void
close_line(const struct line *line)
{
    (void)close(line->ours);
    (void)close(line->theirs);
}

static inline bool
is_cut_within(const struct line *line, int ms)
{
    struct pollfd poll_fd = {.fd = line->theirs, .events = POLLIN};

    return poll(&poll_fd, 1, ms) == 1;
}

static inline int
open_descriptors(void)
{
    int open = 0;

    for (int fd = 0; fd < 256; fd++) {
        open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return open;
}

static inline int
threads(void)
{
    char name[64];
    int count = 0;
    FILE *const status = fopen("/proc/self/status", "r");

    assert_non_null(status);
    while (fgets(name, sizeof name, status) != NULL) {
        (void)sscanf(name, "Threads: %d", &count);
    }
    (void)fclose(status);
    return count;
}

/* The kernel's count may lag a join by a moment. */
static inline bool
threads_become(int wanted)
{
    const int64_t deadline = clock_deadline_after_ms(LONG_MS);

    while (threads() != wanted && clock_now_ns() < deadline) {
        order_pause();
    }
    return threads() == wanted;
}

#endif
