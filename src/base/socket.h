/* SPDX-License-Identifier: MIT */
/* Cutting a socket that another thread may be closing at this moment. */
#ifndef DEWPOND_BASE_SOCKET_H
#define DEWPOND_BASE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

/* A number of our own for it, closed on exec; -1 and errno: none is left, or fd
 * is -1. */
int socket_duplicate(int fd);

/* The socket's inode: what it is, whatever number it has; 0: not a socket. */
uint64_t socket_identity(int fd);

/* shutdown(2) of both directions of the socket at `fd`, if that number still
 * names the socket with this identity (seen on a duplicate of our own, so that
 * a number that was reused meanwhile is left alone). True: it was cut. */
bool socket_cut_if_same(int fd, uint64_t identity);

#endif
