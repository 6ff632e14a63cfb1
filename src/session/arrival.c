/* SPDX-License-Identifier: MIT */
/* Waits until a pending answer has begun to arrive, and reads nothing. */
#define _GNU_SOURCE 1 /* POLLRDHUP */

#include "base/poll.h"
#include "session/inside.h"

bool
session_wait_answer(struct session *session, const struct io_limit *limit)
{
    struct pollfd polls[2] = {
        {.fd = flavour_socket(session->mysql), .events = POLLIN | POLLRDHUP},
        {.fd = limit->cancel_fd, .events = POLLIN},
    };

    if ((session->expected & ANSWER_RESET) != 0 &&
        flavour_has_answer(session->mysql)) {
        return true;
    }
    (void)poll_until(polls, 2, limit->deadline_ns);
    session->stands = polls[0].revents == POLLIN;
    /* A socket that is gone counts as an answer: settle tells what it is. */
    return polls[0].fd < 0 || polls[0].revents != 0;
}
