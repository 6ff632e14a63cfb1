/* SPDX-License-Identifier: MIT */
/* The list of sockets whose server's close is awaited. */
#include "keeper/farewell.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mutant.h"
#include "session/session.h"

static int
part(struct slot *slot)
{
    struct session *session = slot->session;

    slot->session = NULL;
    slot->handle = NULL;
    return session_hang_up(session, (enum session_parting)slot->parting);
}

void
farewell_begin(struct farewells *farewells, struct pond *pond)
{
    struct slot *slot;

    while ((slot = pond_next_retiree(pond)) != NULL) {
        const bool awaited = slot->parting == SESSION_FAREWELL &&
                             farewells->count < FAREWELLS_MAX;
        const int fd = part(slot);
        if (MUTANT(36)) { if (fd >= 0) { (void)close(fd); } pond_vacate(pond, slot); continue; }

        if (fd >= 0 && awaited) {
            farewells->waiting[farewells->count++] = (struct farewell){
                slot, fd, clock_deadline_after_ms(FAREWELL_LIMIT_MS)};
            continue;
        }
        if (fd >= 0) {
            (void)close(fd);
        }
        pond_vacate(pond, slot);
    }
}

void
farewell_now(struct pond *pond)
{
    struct slot *slot;

    while ((slot = pond_next_retiree(pond)) != NULL) {
        const int fd = part(slot);

        if (fd >= 0) {
            (void)close(fd);
        }
        pond_vacate(pond, slot);
    }
}

int64_t
farewell_due_ns(const struct farewells *farewells)
{
    int64_t due = INT64_MAX;

    for (uint32_t i = 0; i < farewells->count; i++) {
        if (farewells->waiting[i].deadline_ns < due) {
            due = farewells->waiting[i].deadline_ns;
        }
    }
    return due;
}

/* Bytes may come before the end (a late reply, an error packet): they are
 * thrown away, only the end counts. */
static bool
server_has_closed(int fd)
{
    char scrap[4096];
    ssize_t got;

    do {
        got = recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT);
    } while (got > 0);
    return got == 0 || (errno != EAGAIN && errno != EINTR);
}

static bool
is_over(const struct pollfd *seen, const struct farewell *farewell,
        int64_t now_ns)
{
    if (now_ns >= farewell->deadline_ns ||
        (seen->revents & (POLLHUP | POLLERR | POLLRDHUP | POLLNVAL)) != 0) {
        return true;
    }
    return (seen->revents & POLLIN) != 0 && server_has_closed(farewell->fd);
}

uint32_t
farewell_polls(const struct farewells *farewells, struct pollfd *polls)
{
    for (uint32_t i = 0; i < farewells->count; i++) {
        polls[i] =
            (struct pollfd){farewells->waiting[i].fd, POLLIN | POLLRDHUP, 0};
    }
    return farewells->count;
}

void
farewell_judge(struct farewells *farewells, struct pond *pond,
               const struct pollfd *polls)
{
    const uint32_t count = farewells->count;
    const int64_t now_ns = clock_now_ns();
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct farewell farewell = farewells->waiting[i];

        if (is_over(&polls[i], &farewell, now_ns)) {
            (void)close(farewell.fd);
            pond_vacate(pond, farewell.slot);
        } else {
            farewells->waiting[kept++] = farewell;
        }
    }
    farewells->count = kept;
}
