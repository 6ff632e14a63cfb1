/* SPDX-License-Identifier: MIT */
/* Tells a forked child that it is one, and takes its parent's sockets away. */
/*
 * WHAT. Every process has a generation: a number that none of its ancestors
 * had. It lives on a page that the kernel wipes in a child (MADV_WIPEONFORK;
 * an older kernel leaves that to the fork handler), so also a child of a bare
 * clone(2) finds 0 there and takes a number of its own. What remembers another
 * generation than the present one was made by an ancestor.
 *
 * SOCKETS. A descriptor is shared with the parent after a fork: a byte that
 * the child sends is one in the middle of the parent's conversation. So every
 * socket of ours is noted from the end of its connect until it is closed, and
 * the fork handler puts /dev/null in its place in the child, if the number
 * still names that socket: the client library and the program may have closed
 * it, and the number may be a file of somebody else by now. /dev/null and not
 * close: a handle that is used in the child against all advice must not write
 * into whatever gets the number next. It also lets the session end with its
 * parent, whose locks a longer living child would keep otherwise.
 *
 * The lock of the notes is a leaf: nothing else is taken under it.
 */
#ifndef DEWPOND_BASE_FORKED_H
#define DEWPOND_BASE_FORKED_H

#include "base/inner.h"
#include "base/order.h"

/* Before the first generation is asked for: the page. Idempotent. */
void forked_init(void);

/* For the fork handlers (keeper/rebirth.c): before a fork, after it on both
 * sides, and in the child before that. */
void forked_fork_begins(void);
void forked_fork_ends(void);
void forked_child_begins(void);

/* This process's generation, or 0: a child that has none yet. */
extern order_u32 *forked_page INNER;

/* This process's generation, never 0; a child's first call takes one. */
uint32_t forked_generation(void);

/* Whether what was made in that generation was made by this process. */
static inline bool
forked_is_mine(const order_u32 *generation)
{
    /* ORDER forked.1 acquire <-> rebirth.1 loose.3: what was made in this
     * generation is whole when its number is seen. */
    return order_load_acquire_u32(generation) ==
           /* ORDER forked.2 relaxed <-> forked.4 forked.5: 0, which nothing was
            * made in, or the number that this process keeps. */
           order_load_relaxed_u32(forked_page);
}

/* Part of whatever owns the socket; all zero: notes nothing. */
struct forked_socket {
    struct forked_socket *next, *previous;
    uint64_t identity; /* see base/socket.h */
    int fd;
    bool noted;
};

/* A child shall not have this socket. */
void forked_note(struct forked_socket *note, int fd);
/* Puts /dev/null in the place of the socket `fd`, whose duplicates stay as they
 * are. False: no descriptor is left, and nothing has changed. */
bool forked_replace_by_null(int fd);
/* Before it is closed or given away. Nothing if nothing was noted. */
void forked_forget(struct forked_socket *note);

/* The same for a duplicate of ours: it is made and noted, or closed and
 * forgotten, and no fork comes in between. Its number, or -1 and errno. */
int forked_duplicate(struct forked_socket *note, int fd);
void forked_close(struct forked_socket *note);

#endif
