/* SPDX-License-Identifier: MIT */
/* A duplicate first, then its identity, then shutdown(2). */
#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"

int
socket_duplicate(int fd)
{
    if (fd < 0) {
        errno = EBADF;
        return -1;
    }
    if (fault(FAULT_DESCRIPTOR)) {
        errno = EMFILE;
        return -1;
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

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
    const int mine = socket_duplicate(fd);

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
