/* SPDX-License-Identifier: MIT */
/* The lock-free stack of slots and waiter nodes: the only calls of ck_stack. */
/*
 * WHAT. Concurrency Kit's stack with what it needs around it: 16-byte
 * alignment for the double-word CAS, a start value for the generation, and
 * the happens-before edge that ThreadSanitizer cannot see in its assembly, for
 * the one object that changes hands. Elements are type-stable, so that a pop
 * that reads `next` of an element somebody else just popped reads memory that
 * is still an element; the generation makes its CAS fail then. Only push_mpmc
 * and pop_mpmc: batch_pop does not count the generation up, which would bring
 * the ABA back.
 *
 * THE ONE RACE (ABA), with a plain CAS on the head:
 *
 *     wrong:  A reads head X, next Y     B pops X, pops Y, pushes X
 *             A CAS X->Y succeeds: Y is on the stack and in B's hands
 *     right:  the generation moved with B's pops: A's CAS fails
 *
 * STATES: a list. INVARIANTS: I2. LINEARIZATION: CK's successful CAS, or the
 * load of an empty head. RECLAMATION: none, see above. TOGETHER: everything.
 * PROGRESS: lock-free; a retry means that another push or pop succeeded.
 */
#ifndef DEWPOND_CORE_STACK_H
#define DEWPOND_CORE_STACK_H

#include <ck_stack.h>

#include "base/fault.h"
#include "base/memory.h"
#include "base/order.h"

#ifndef CK_F_STACK_POP_MPMC
#error "Concurrency Kit lacks ck_stack_pop_mpmc here: no double-word CAS"
#endif

typedef struct ck_stack_entry stack_entry;

/* A line of its own: ck_stack_t alone has an alignment of 8, and the 16-byte
 * CAS faults on that. */
struct stack {
    _Alignas(MEMORY_LINE) struct ck_stack list;
};

static inline void
stack_init(struct stack *stack)
{
    ck_stack_init(&stack->list);
    /* Not NULL: pop counts up from it, and UBSan objects to arithmetic on a
     * null pointer. */
    stack->list.generation = (char *)stack;
}

/* `object` is what the entry lives in: the edge is its alone. */
static inline void
stack_push(struct stack *stack, stack_entry *entry, void *object)
{
    race_point("stack.push");
    ORDER_HAPPENS_BEFORE(object);
    ORDER_UNSEEN_BEGIN();
    /* ORDER stack.1 release <-> stack.2 stack.3 stack.4: CK's store fence and CAS publish the
     * object's plain fields; with less a popper would see old ones. */
    ck_stack_push_mpmc(&stack->list, entry);
    ORDER_UNSEEN_END();
}

/* NULL: empty. The caller says ORDER_HAPPENS_AFTER(its object). */
static inline stack_entry *
stack_pop(struct stack *stack)
{
    ORDER_UNSEEN_BEGIN();
    /* ORDER stack.3 relaxed <-> stack.1: an empty stack costs no write; who
     * must not miss a push looks again (pond.c). */
    stack_entry *entry = ck_pr_load_ptr(&stack->list.head);
    ORDER_UNSEEN_END();
    if (entry == NULL) {
        return NULL;
    }
    race_point("stack.pop");
    ORDER_UNSEEN_BEGIN();
    /* ORDER stack.2 acquire <-> stack.1: the double-word CAS hands over
     * exactly one entry, with what its pusher wrote before. */
    entry = ck_stack_pop_mpmc(&stack->list);
    ORDER_UNSEEN_END();
    return entry;
}

/* The second look. CK's load has no order of its own: who must not miss a push
 * has a fence before it (idle.7), or the lock's read-modify-write (offers). */
static inline bool
stack_any(const struct stack *stack)
{
    ORDER_UNSEEN_BEGIN();
    /* ORDER stack.4 relaxed <-> stack.1: ordered by the caller's fence
     * (idle.7), not by itself. */
    const bool any = ck_pr_load_ptr(&stack->list.head) != NULL;
    ORDER_UNSEEN_END();
    return any;
}

#endif
