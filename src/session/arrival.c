/* SPDX-License-Identifier: MIT */
/* Waits until a pending answer has begun to arrive, and reads nothing. */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "session/inside.h"

bool
session_wait_answer(const struct session *session,
                    const struct io_limit *limit)
{
    struct pollfd polls[2] = {
        {.fd = flavour_socket(session->mysql), .events = POLLIN},
        {.fd = limit->cancel_fd, .events = POLLIN},
    };
    int ready;

    do {
        ready = poll(polls, 2, clock_poll_ms(limit->deadline_ns));
    } while (ready < 0 && errno == EINTR);
    /* A socket that is gone counts as an answer: settle tells what it is. */
    return polls[0].fd < 0 || polls[0].revents != 0;
}
