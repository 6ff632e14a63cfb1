/* SPDX-License-Identifier: MIT */
/* Keeps the commands of MariaDB Connector/C back and sends them at once. */
#include "session/flavour_gather.h"

#if FLAVOUR_MARIADB

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mutant.h"

/* As the library marks a handle whose writing failed. */
#define NET_ERROR_FATAL 2

static bool
send_now(const struct flavour_gather *gather)
{
    const int fd = flavour_socket(gather->mysql);
    ssize_t sent;

    do {
        sent = send(fd, gather->bytes, gather->length,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (MUTANT(60)) { return sent >= 0; }
    return sent >= 0 && (size_t)sent == gather->length;
}

/* Half a command went out, or none: no other may follow. */
static bool
let_go(struct flavour_gather *gather)
{
    if (!gather->failed && gather->length != 0 && !send_now(gather)) {
        gather->failed = true;
    }
    gather->length = 0;
    return !gather->failed;
}

/* In place of the library's write. */
static ssize_t
keep(MARIADB_PVIO *pvio, const uchar *buffer, size_t length)
{
    struct flavour_gather *const gather =
        (struct flavour_gather *)((char *)pvio->methods -
                                  offsetof(struct flavour_gather, keeping));

    if (length > FLAVOUR_GATHER_MAX - gather->length && !let_go(gather)) {
        return -1;
    }
    if (length > FLAVOUR_GATHER_MAX) {
        return gather->own->write(pvio, buffer, length);
    }
    memcpy(gather->bytes + gather->length, buffer, length);
    gather->length += length;
    return (ssize_t)length;
}

void
flavour_gather_begin(MYSQL *mysql, struct flavour_gather *gather)
{
    gather->mysql = mysql;
    gather->pvio = flavour_is_wrapped(mysql) ? NULL : mysql->net.pvio;
    gather->failed = false;
    gather->length = 0;
    if (gather->pvio != NULL) {
        gather->own = gather->pvio->methods;
        gather->keeping = *gather->own;
        gather->keeping.write = keep;
        gather->pvio->methods = &gather->keeping;
    }
}

bool
flavour_gather_end(struct flavour_gather *gather, bool wanted)
{
    /* The library frees its transport when a write fails. */
    if (gather->pvio == NULL || gather->mysql->net.pvio != gather->pvio) {
        return wanted;
    }
    gather->pvio->methods = gather->own;
    if (wanted && !let_go(gather)) {
        gather->mysql->net.error = NET_ERROR_FATAL;
        return false;
    }
    return wanted;
}

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_mariadb_gather_is_chosen_by_the_preprocessor;
