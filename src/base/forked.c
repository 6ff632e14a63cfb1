/* SPDX-License-Identifier: MIT */
/* The page that a fork wipes, and the sockets that a child must not have. */
#define _GNU_SOURCE 1
#include "base/forked.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mutant.h"
#include "base/socket.h"
#include "base/thread.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* Where the generation stands until there is a page, and without one. */
static order_u32 no_page;
order_u32 *forked_page = &no_page;

/* The greatest number that was given out; a child inherits it. */
static order_u32 latest;

uint32_t
forked_generation(void)
{
    /* ORDER forked.6 relaxed <-> forked.4: a number, and nothing behind it. */
    uint32_t seen = order_load_relaxed_u32(forked_page);

    if (seen != 0) {
        return seen;
    }
    /* For the child of a bare clone; else the handler has done it. */
    thread_forget_id();
    /* ORDER forked.3 seq_cst: no two callers draw the same number, and no
     * child one of its parent's. */
    const uint32_t mine = order_add_seq_u32(&latest, 1) + 1;
    /* ORDER forked.4 seq_cst <-> forked.2 forked.6: the first one's number is kept. */
    return order_cas_seq_u32(forked_page, &seen, mine) ? mine : seen;
}

/* --- sockets ----------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by the lock. In a child the notes of its ancestors stay in the list,
 * without their descriptors: their owners are abandoned, not lost. */
static struct forked_socket *noted;

/* Under the lock, both. */
static void
link_note(struct forked_socket *note, int fd)
{
    note->fd = fd;
    note->identity = socket_identity(fd);
    note->previous = NULL;
    note->next = noted;
    note->noted = true;
    if (noted != NULL) {
        noted->previous = note;
    }
    noted = note;
}

static void
unlink_note(struct forked_socket *note)
{
    if (note->previous != NULL) {
        note->previous->next = note->next;
    } else {
        noted = note->next;
    }
    if (note->next != NULL) {
        note->next->previous = note->previous;
    }
    *note = (struct forked_socket){0};
}

void
forked_note(struct forked_socket *note, int fd)
{
    (void)pthread_mutex_lock(&lock);
    link_note(note, fd);
    (void)pthread_mutex_unlock(&lock);
}

void
forked_forget(struct forked_socket *note)
{
    if (!note->noted) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    unlink_note(note);
    (void)pthread_mutex_unlock(&lock);
}

int
forked_duplicate(struct forked_socket *note, int fd)
{
    (void)pthread_mutex_lock(&lock);
    const int mine = socket_duplicate(fd);
    if (MUTANT(73)) { (void)pthread_mutex_unlock(&lock); race_point("forked.duplicated"); (void)pthread_mutex_lock(&lock); }
    race_point("forked.duplicated");
    if (mine >= 0) {
        link_note(note, mine);
    }
    (void)pthread_mutex_unlock(&lock);
    return mine;
}

void
forked_close(struct forked_socket *note)
{
    if (!note->noted) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    const int mine = note->fd;
    unlink_note(note);
    race_point("forked.closing");
    (void)close(mine);
    (void)pthread_mutex_unlock(&lock);
}

static int
open_null(void)
{
    return fault(FAULT_DESCRIPTOR) ? -1
                                   : open("/dev/null", O_RDWR | O_CLOEXEC);
}

bool
forked_replace_by_null(int fd)
{
    const int null = open_null();

    if (null < 0) {
        return false;
    }
    const bool replaced = dup3(null, fd, O_CLOEXEC) == fd;
    (void)close(null);
    return replaced;
}

/* `null` is /dev/null or -1; returns what it is afterwards. */
static int
replace(int fd, int null)
{
    if (null < 0) {
        /* No descriptor was left, or there is no /dev here: closed is the next
         * best, and frees the number that was lacking. */
        (void)close(fd);
        null = open_null();
    }
    if (null >= 0 && null != fd) {
        (void)dup3(null, fd, O_CLOEXEC);
    }
    return null;
}

static void
take_sockets_away(void)
{
    int null = open_null();
    bool null_is_placed = false;
    if (MUTANT(46)) { return; }

    for (struct forked_socket *at = noted; at != NULL; at = at->next) {
        if (at->identity != 0 && socket_identity(at->fd) == at->identity) {
            null = replace(at->fd, null);
            null_is_placed = null_is_placed || null == at->fd;
        }
        at->fd = -1;
        at->identity = 0;
    }
    if (null >= 0 && !null_is_placed) {
        (void)close(null);
    }
}

/* --- forks ----------------------------------------------------------------------- */

void
forked_fork_begins(void)
{
    (void)pthread_mutex_lock(&lock);
}

void
forked_fork_ends(void)
{
    (void)pthread_mutex_unlock(&lock);
}

void
forked_child_begins(void)
{
    /* ORDER forked.5 relaxed <-> forked.2: the only thread there is. The
     * kernel did it already, where it can. */
    order_store_relaxed_u32(forked_page, 0);
    thread_forget_id();
    take_sockets_away();
}

static void
make_page(void)
{
    const uint32_t generation = forked_generation();
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = fault(FAULT_ONCE)
                     ? MAP_FAILED
                     : mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0) {
        order_init_u32(page, generation);
        forked_page = page;
    } else if (page != MAP_FAILED) {
        (void)munmap(page, size);
    }
}

void
forked_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, make_page);
}
