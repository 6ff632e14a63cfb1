/* SPDX-License-Identifier: MIT */
/* Read-side sections, grace periods and a hash table: the liburcu door. */
/*
 * WHAT. A reader brackets its look at shared memory with reclaim_read_begin
 * and reclaim_read_end. Who takes something out of sight calls
 * reclaim_wait_readers and may then free it: every section that could have
 * seen it has ended. Sections nest, on the thread that opened them.
 *
 * THE RULE. A section is a few hundred instructions. It never parks, polls,
 * takes a lock that is held during either, calls the client library or the
 * user, or waits for readers (which would wait for itself). The testing twin
 * asserts the last one; reclaim_expect_outside is there for the others.
 *
 * FLAVOUR. urcu-bp: threads that a library did not start cannot be asked to
 * register, and bp registers them at their first section and forgets them when
 * they exit. The price of that service: the code that runs at a thread's exit
 * must still be mapped, so our shared library is linked with -z nodelete (a
 * static build inside somebody's plug-in must do the same).
 *
 * LICENCE. liburcu is LGPL-2.1-or-later. Its authors say, where they define
 * them, that the read-side functions are small enough (the LGPL's ten-line
 * rule, section 5) to be inlined into code under any licence. This library is
 * MIT and comes as source, so whoever gets it can rebuild it against a changed
 * liburcu anyway. DEWPOND_URCU_INLINE=0 calls the exported functions instead
 * (about 2 ns more per section).
 *
 * FORK. reclaim_init installs urcu-bp's own fork handlers, once. Without them
 * a child that was forked while another thread read would wait for that
 * thread, which it does not have, for ever. Handlers that use this file in a
 * fork must be registered after reclaim_init (prepare handlers run last to
 * first). Those of liburcu take plain locks: a program that uses urcu-bp for
 * itself must leave their installation to us, or its forks lock up.
 */
#ifndef DEWPOND_BASE_RECLAIM_H
#define DEWPOND_BASE_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/order.h"

#ifndef DEWPOND_URCU_INLINE
#define DEWPOND_URCU_INLINE 1
#endif

/* liburcu before 0.13.4 does not keep the alignment that its reader's type
 * declares: harmless to a load of its first word, but UBSan reports it where
 * it is inlined. (gcc has no macro for UBSan; the builds have ASan as well.) */
#if defined(__SANITIZE_ADDRESS__)
#define RECLAIM_UNDER_UBSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) ||                                        \
    __has_feature(undefined_behavior_sanitizer)
#define RECLAIM_UNDER_UBSAN 1
#endif
#endif

#if DEWPOND_URCU_INLINE && !defined(RECLAIM_UNDER_UBSAN) &&                    \
    !defined(_LGPL_SOURCE)
#define _LGPL_SOURCE
#endif
#include <urcu-bp.h>
#include <urcu/rculfhash.h>

/* Before the first pool: installs the fork handlers, once. Idempotent and
 * thread-safe; false, for good, when there was no memory for them. (A fork in
 * another thread at the very moment of the first call may miss them.) */
bool reclaim_init(void);

/* Where ThreadSanitizer is told of the edge from readers to who waited. */
extern char reclaim_edge;

static inline void
reclaim_read_begin(void)
{
    /* ORDER reclaim.1 seq_cst <-> reclaim.4: liburcu's full barrier (or
     * membarrier(2) on the other side) after the section's mark: what is
     * looked at from here on is not freed before the mark goes. */
    urcu_bp_read_lock();
}

static inline void
reclaim_read_end(void)
{
    ORDER_HAPPENS_BEFORE(&reclaim_edge);
    /* ORDER reclaim.2 seq_cst <-> reclaim.4: the barrier is before the mark
     * goes: the section's last look is over when the waiter sees it gone. */
    urcu_bp_read_unlock();
}

/*
 * The same for the hottest paths: no call, and the end needs to look for nothing.
 * A section of this kind holds no other section.
 */
struct reclaim_mark {
    struct urcu_bp_reader *reader; /* NULL: a section like any other */
};

/* False: the thread is not known yet, or in a section, or there is no membarrier:
 * nothing happened, reclaim_read_begin. */
static inline bool
reclaim_read_begin_quickly(struct reclaim_mark *mark)
{
#ifdef _LGPL_SOURCE
    mark->reader = URCU_TLS(urcu_bp_reader);
    if (__builtin_expect(mark->reader == NULL ||
                             (mark->reader->ctr & URCU_BP_GP_CTR_NEST_MASK) !=
                                 0 ||
                             !urcu_bp_has_sys_membarrier,
                         0)) {
        return false;
    }
    /* ORDER reclaim.9 seq_cst <-> reclaim.4: as reclaim.1, with membarrier(2) on
     * the other side. */
    _urcu_bp_read_lock_update(0);
    return true;
#else
    mark->reader = NULL;
    if (urcu_bp_read_ongoing() != 0) {
        return false;
    }
    reclaim_read_begin();
    return true;
#endif
}

static inline void
reclaim_read_end_quickly(struct reclaim_mark mark)
{
#ifdef _LGPL_SOURCE
    ORDER_HAPPENS_BEFORE(&reclaim_edge);
    /* ORDER reclaim.10 seq_cst <-> reclaim.4: as reclaim.2. */
    cmm_barrier();
    _CMM_STORE_SHARED(mark.reader->ctr, 0);
    cmm_barrier();
#else
    (void)mark;
    reclaim_read_end();
#endif
}

/* Returns when every section that was open at the call has ended. Blocks: 1-2
 * us when nobody reads, up to tens of ms with readers that are not running. */
void reclaim_wait_readers(void);

/* Whether this thread is inside a section. */
bool reclaim_is_reading(void);

/* The testing twin aborts when the caller is not (or is) inside a section. */
#ifdef DEWPOND_TESTING
void reclaim_expect_reader(const char *where);
void reclaim_expect_outside(const char *where);
#else
static inline void
reclaim_expect_reader(const char *where)
{
    (void)where;
}
static inline void
reclaim_expect_outside(const char *where)
{
    (void)where;
}
#endif

/* Makes *object reachable; all that was written to it is seen by who reads
 * the pointer. (C11 atomics: what liburcu's macros order, a checker that
 * knows the C memory model cannot see.) */
static inline void
reclaim_publish(order_ptr *box, void *object)
{
    /* ORDER reclaim.5 release <-> reclaim.6: the object's fields come first;
     * weaker, a reader finds the object before its contents. */
    order_store_release_ptr(box, object);
}

/* Inside a section, or by the only writer. */
static inline void *
reclaim_read(const order_ptr *box)
{
    /* ORDER reclaim.6 acquire <-> reclaim.5: pairs with the publisher. Acquire
     * and not consume, which compilers treat as acquire anyway. */
    return order_load_acquire_ptr(box);
}

/*
 * THE TABLE. Lock-free for readers and writers; made once with a fixed number
 * of buckets (a power of two) and never resized: a resizing one has a worker
 * thread and a known deadlock when it is destroyed. Full means longer chains.
 */
struct reclaim_table;

/* Lives in the object that is found by it, as its first member. */
struct reclaim_node {
    struct cds_lfht_node raw; /* written by liburcu only, atomically */
};

/* Whether *node has the key: called inside a section, on nodes that have the
 * same hash. */
typedef bool reclaim_match(const struct reclaim_node *node, const void *key);

struct reclaim_cursor {
    struct cds_lfht_iter raw;
};

/* NULL without memory, or if `buckets` is not a power of two. (liburcu aborts
 * where its own calloc fails, so we ask first; another thread can still take
 * that memory in between.) */
struct reclaim_table *reclaim_table_new(uint32_t buckets);
/* Outside sections, when nobody can reach the table any more. False, and the
 * table stays, while it still has nodes. NULL is allowed. */
bool reclaim_table_free(struct reclaim_table *table);

/* False, and nothing happened, when the key is taken. */
bool reclaim_table_add(struct reclaim_table *table, uint64_t hash,
                       reclaim_match *match, const void *key,
                       struct reclaim_node *node);
/* Takes a node that was added out of sight; wait for readers before it is
 * freed or added again. False when it was out already. */
bool reclaim_table_remove(struct reclaim_table *table,
                          struct reclaim_node *node);
/* Inside a section, which keeps the result alive. NULL when there is none. */
struct reclaim_node *reclaim_table_find(struct reclaim_table *table,
                                        uint64_t hash, reclaim_match *match,
                                        const void *key);
/* All nodes, in no order, inside one section; NULL after the last. Nodes that
 * come or go meanwhile may be seen or not. */
struct reclaim_node *reclaim_table_first(struct reclaim_table *table,
                                         struct reclaim_cursor *cursor);
struct reclaim_node *reclaim_table_next(struct reclaim_table *table,
                                        struct reclaim_cursor *cursor);

#endif
