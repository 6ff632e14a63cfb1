/* SPDX-License-Identifier: MIT */
/* The queue of those who wait: FIFO, one futex word each, nobody blocks on it. */
/*
 * WHAT. A doubly linked list in order of arrival, worked on by one thread at a
 * time: whoever gets the lock bit. Nobody waits for that bit. Who finds it set
 * leaves a note (mail to the list, or just PENDING) and goes; the holder reads
 * the notes before it lets go. So a releaser is never stuck behind a thread
 * that was preempted, and a thousand waiters that time out at once cost O(1)
 * each and leave nothing behind.
 *
 * A WAITER'S STATES, in one futex word {incarnation, state}:
 *
 *     FREE -join-> AWAKE <--> PARKED          by its owner
 *                    |  \       |
 *                    |   +------+--wake--> WOKEN      by the list's holder
 *                    |                      |  \  ^
 *                    +<--------lost---------+   \ |   by its owner
 *                    |                      |    NAPPING
 *     LEFT <--leave--+<-------took----------+
 *     GRANTED / REFUSED <--grant, refuse-- AWAKE, PARKED, WOKEN, NAPPING
 *                                                     by the holder
 *
 * LEFT, GRANTED and REFUSED are final. After a final state the owner mails
 * its LEAVE, and the list's holder makes the node FREE: only then may it be
 * used again (its incarnation moves on).
 *
 * THE WAKE IS A TOKEN. WOKEN says "something is there, come and look": at most
 * one waiter is WOKEN at a time. Whoever moves a node out of WOKEN (its owner:
 * took or lost; the holder: granted or refused) clears the token and looks
 * again (pond.c). So while it is out, a return need not look at the queue.
 *
 * A NAP. Where those who return borrow again at once, who is woken finds nothing,
 * time and again, and each time costs two switches. So a loser may go back to
 * sleep with the token: nobody else is woken in vain meanwhile. It is for a
 * moment only, which grows while wakes are for nothing and shrinks when one is
 * not, and ends early when two sessions rest, or when he is served by age. Then
 * he looks once more, and passes the token on. What one return leaves alone at
 * rest may so lie there beside him until the nap's end, NAP_LONGEST_NS at most.
 *
 * INVARIANTS. I5: a giver does not touch a node after its word became final
 * (the futex call takes only the address). I6b: a wake is never lost. The
 * count of `front` is the number of nodes that are not final, counted up
 * before the joiner looks, down by whoever makes the node final.
 *
 * LINEARIZATION. Giving against leaving: the CAS that makes the word final;
 * exactly one of "gave" and "left" wins, so an expired waiter is never given
 * anything.
 *
 * THE ONE RACE. A holder unlocks while a note arrives:
 *
 *     wrong:  holder: reads notes, none            holder: unlocks
 *             other:            leaves note, sees LOCKED, goes -> lost
 *     right:  other sets PENDING in the lock word itself; the holder's
 *             unlocking CAS LOCKED->0 fails, and it goes round again.
 *
 * RECLAMATION. Nodes are type-stable: they come in chunks that are freed with
 * the pool, so a late futex wake or a stale pointer hits a node. TOGETHER:
 * everything marked "anyone"; the rest by the holder of the lock bit.
 * PROGRESS: posting is lock-free; a waiter is served when the holder runs.
 */
#ifndef DEWPOND_CORE_WAITERS_H
#define DEWPOND_CORE_WAITERS_H

#include "base/park.h"
#include "core/slot.h"

enum waiter_state {
    WAITER_FREE,
    WAITER_AWAKE,
    WAITER_PARKED,
    WAITER_WOKEN,
    WAITER_NAPPING,
    WAITER_GRANTED,
    WAITER_REFUSED,
    WAITER_LEFT,
};

/* What a waiter is waiting for, chosen by its owner before it joins. */
struct waiter_wish {
    int64_t since_ns; /* when the borrow began */
    bool comes_back;  /* was handed a dead session: gets its old place */
    bool only_new;    /* met too many dead ones: a new session or nothing */
};

struct waiter {
    /* Owner and holder by CAS; the futex word. Incarnation | state. */
    _Alignas(2 * MEMORY_LINE) order_u32 word;
    /* Notes to the list, not yet read: who sets the first one also puts the
     * node into the inbox. */
    order_u32 mail;
    struct waiter
        *inbox_next;  /* the poster's until pushed, then the holder's */
    stack_entry link; /* CK's, while FREE */

    struct waiter_wish wish; /* the owner's before it joins, then read-only */
    int64_t nap_until_ns;    /* the owner's: lost, and naps so long; 0: no */
    /* The holder's. */
    struct waiter *next, *previous;
    bool listed, hurried;
    /* The giver's before its final CAS, the owner's after it. */
    struct slot *slot;
    int refusal;
};

/* Sleepers that the holder owes a wake. */
#define WAITERS_OWED_MAX 8
#define WAITERS_OWED_ROUNDS 4 /* and so long, while notes come */

struct waiters {
    /* Read by every return and borrow, written by joins and leaves only:
     * flags (high 32 bits, see pond.h) | number of waiters (low 32). */
    _Alignas(2 * MEMORY_LINE) order_u64 front;
    order_u64 oldest_ns; /* since_ns of the first in line; INT64_MAX: none */

    _Alignas(2 * MEMORY_LINE) order_u32 lock; /* LOCKED | PENDING */
    order_u32 token;                          /* 1: a wake is in flight */
    order_u32 napping;                        /* 1: who has it naps; a hint */
    order_u32 futile;                         /* wakes for nothing; a hint */
    order_ptr inbox;                          /* nodes with mail */

    /* The holder's. */
    struct waiter *head, *tail;
    struct waiter *woken; /* the last who was given the token */
    uint32_t listed, hurried;
    uint32_t owing; /* so many of these are to be woken: waiters_exit */
    uint32_t owing_rounds; /* unlocks that failed since */
    order_u32 *owed[WAITERS_OWED_MAX];
    order_u32 choosy; /* listed for a new session only; read by the rescue */
    order_u64 passes; /* written by the holder, read by the keeper's rescue */

    /* Nodes in use (not FREE): each is a counted reference to the pool. */
    _Alignas(2 * MEMORY_LINE) order_u32 nodes_out;
    struct stack free_nodes;
    order_ptr chunks; /* all of them, for the end */
    const struct parker *parker;
};

#define NAP_SHORTEST_NS INT64_C(31250)
#define NAP_DOUBLINGS 5u
#define NAP_LONGEST_NS (NAP_SHORTEST_NS << NAP_DOUBLINGS) /* 1 ms */

#define WAITERS_COUNT_MASK UINT64_C(0xffffffff)

void waiters_init(struct waiters *waiters, const struct parker *parker);
void waiters_destroy(struct waiters *waiters); /* no node is in use */

/* --- anyone ---------------------------------------------------------------- */

/* A node for one wait, or NULL without memory. Lock-free but for malloc. */
struct waiter *waiters_node(struct waiters *waiters);
/* Gives back a node that never joined. */
void waiters_node_unused(struct waiters *waiters, struct waiter *node);

/* Becomes a waiter: counted and mailed; the caller must then serve (pond.c).
 * False when `max` (or more) already wait: nothing happened. */
bool waiters_join(struct waiters *waiters, struct waiter *node,
                  const struct waiter_wish *wish, uint32_t max);
/* A note that this waiter may now use the burst places. */
void waiters_hurry(struct waiters *waiters, struct waiter *node);
/* The owner read its final state and is done: the node belongs to the list. */
void waiters_end(struct waiters *waiters, struct waiter *node);

/* Sleeps while nothing happened to the node, at most until the deadline.
 * Returns the state: AWAKE (nothing yet), WOKEN, GRANTED or REFUSED. */
enum waiter_state waiter_park(struct waiters *waiters, struct waiter *node,
                              int64_t deadline_ns);
/* A wake led to nothing: how long a nap is worth it now, 0: none. Or it led to
 * something: naps get shorter. */
int64_t waiters_count_futile(struct waiters *waiters);
void waiters_count_useful(struct waiters *waiters);
/* WOKEN: sleeps with the token, at most until the deadline. Returns the state:
 * WOKEN (look once more), GRANTED or REFUSED. */
enum waiter_state waiter_nap(struct waiters *waiters, struct waiter *node,
                             int64_t deadline_ns);
/* AWAKE or WOKEN -> LEFT, clearing the token of the latter. The caller must
 * then serve. False: the node is final already, look at it. */
bool waiter_leave(struct waiters *waiters, struct waiter *node);
/* WOKEN -> AWAKE, keeping its place. False: the node is final already. */
bool waiter_lost(struct waiter *node);
/* After moving a node out of WOKEN. The caller must then serve. */
void waiters_clear_token(struct waiters *waiters);

/* After a put: the token is out, and who has it looks at what rests later than
 * this. False: look yourself. */
bool waiters_one_comes(const struct waiters *waiters);
/* He naps, perhaps: what comes to rest beside something else may wake him. */
bool waiters_one_naps(const struct waiters *waiters);

/* True: the caller is the holder now. False: the holder will go round once
 * more because of us. */
bool waiters_enter(struct waiters *waiters);
/* True: let go, and whoever was owed a wake has it. False: somebody left a note,
 * go round again. */
bool waiters_exit(struct waiters *waiters);

/* --- the holder ------------------------------------------------------------ */

/* Reads the mail: links joiners in order, frees those who are done. */
void waiters_collect(struct waiters *waiters);

/* The first in line who may take a session (a new one, or any). NULL: none. */
struct waiter *waiters_first(struct waiters *waiters, bool session_is_new);

/* Give the node a slot, or a refusal (a dew_code). True: it is the waiter's,
 * and the node is out of the list. False: it had left. */
bool waiters_grant(struct waiters *waiters, struct waiter *node,
                   struct slot *slot);
bool waiters_refuse(struct waiters *waiters, struct waiter *node, int code);

/* Wakes the first in line to come and look, unless a wake is in flight: then it
 * ends his nap. True when somebody was given the token now. */
bool waiters_wake_first(struct waiters *waiters);

/* Of so many who are listed (all, or the hurried), how many are neither gone
 * nor on their way to a session that rests. */
uint32_t waiters_unserved(const struct waiters *waiters, uint32_t listed);

/* Publishes who is first in line for what rests; the last thing of a pass. */
void waiters_publish(struct waiters *waiters);

/* --- hints ----------------------------------------------------------------- */

uint32_t waiters_count(const struct waiters *waiters);
bool waiters_token_out(const struct waiters *waiters);

#endif
