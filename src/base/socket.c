/* SPDX-License-Identifier: MIT */
/* A duplicate first, then its identity, then shutdown(2). */
#include "base/socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t
socket_identity(int fd)
{
    struct stat found;

    if (fd < 0 || fstat(fd, &found) != 0 || !S_ISSOCK(found.st_mode)) {
        return 0;
    }
    return (uint64_t)found.st_ino;
}

bool
socket_cut_if_same(int fd, uint64_t identity)
{
    const int mine = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (mine < 0) {
        return false;
    }
    const bool same = identity != 0 && socket_identity(mine) == identity;
    if (same) {
        (void)shutdown(mine, SHUT_RDWR);
    }
    (void)close(mine);
    return same;
}
