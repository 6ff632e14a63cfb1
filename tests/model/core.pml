/* SPDX-License-Identifier: MIT */
/* The core as the models see it: idle, quota, window, waiters and the pass. */
/*
 * A step is what can be told apart from outside: an access to what is shared,
 * with all before and after it that touches nothing that others read at that
 * moment. So a CAS loop whose failure only makes it try again is one step, a note
 * is posted in one (nobody reads a node's mail before it is in the inbox), and a
 * futex wake goes with the step before it (leave.pml has it apart). Stacks are
 * sets (stack.pml shows that CK's is one); slots are taken lowest first.
 *
 * Left out, because tests/schedules runs it as it is: self service, the choosy,
 * several shards (with PLACES 2 the warm slot and the stack are looked at one
 * after the other, as two shards would be: pond.pml runs that, too), resize,
 * suspend.
 *
 * The procedures (put, look, the pass) are in pass.pml.
 *
 * Parameters: NT borrowers, MAX sessions, SIZE of them before burst, WINDOW, NN
 * nodes, OVERDUE (0 nobody ever is, 1 everybody always, 2 either), NAPS (how many
 * who lose may nap), and BUG, the planted one (the table in `run` says what each
 * of them is).
 *
 * MAP (a house test looks whether all of this still exists)
 *  idle_put          src/core/idle.h:idle_warm_put idle.2:seq_cst
 *                    src/core/idle.c:push_and_fence idle.6:fence
 *  idle_take         src/core/idle.h:idle_take
 *                    src/core/idle.c:idle_take_beside
 *                    src/core/idle.h:idle_warm_take idle.3:seq_cst
 *  idle_any          src/core/idle.c:idle_any idle.5:seq_cst
 *                    src/core/stack.h:stack_any stack.4:relaxed
 *  post              src/core/waiters.c:post waiters.6:seq_cst waiters.9:seq_cst
 *  uncount           src/core/waiters_words.h:waiters_uncount waiters.24:seq_cst
 *  clear_token       src/core/waiters_owner.c:waiters_clear_token waiters.17:seq_cst
 *  decide            src/core/waiters_list.c:decide waiters.12:seq_cst
 *                    waiters.28:acquire
 */
#ifndef BUG
#define BUG 0
#endif
#ifndef NT
#define NT 3
#endif
#ifndef MAX
#define MAX 2
#endif
#ifndef SIZE
#define SIZE MAX
#endif
#ifndef WINDOW
#define WINDOW MAX
#endif
#ifndef NN
#define NN NT
#endif
#ifndef PRE
#define PRE 0
#endif
#ifndef PLACES
#define PLACES 1
#endif
#ifndef NAPS
#define NAPS 0
#endif
#ifndef OVERDUE
#define OVERDUE 2
#endif

#define NIL 7
#define BIT(i) (1 << (i))
/* The lowest of a set; NIL when it is empty. */
#define LOWEST(set) ((set) & 1 -> 0 : ((set) & 2 -> 1 : ((set) & 4 -> 2 : ((set) & 8 -> 3 : ((set) & 16 -> 4 : ((set) & 32 -> 5 : NIL))))))
#define POP(set, who) who = LOWEST(set); set = (who == NIL -> 0 : set & ~BIT(who))

/* Slots (slot.h). */
#define VACANT 0
#define OPENING 1
#define LEASED 2
#define IDLE 3
#define HANDED 4
#define RETIRING 5
byte slot[MAX] = (PRE == MAX -> IDLE : VACANT);
#define MOVE(s, from, to) assert(slot[s] == from); slot[s] = to

/* Waiters' words (waiters.h). */
#define FREE 0
#define AWAKE 1
#define PARKED 2
#define WOKEN 3
#define GRANTED 4
#define REFUSED 5
#define LEFT 6
#define NAPPING 7
#define HAS_TOKEN(state) (state == WOKEN || (state == NAPPING && BUG != 13))
byte word[NN], given[NN];
bool asleep[NN];
#define JOIN 1
#define HURRY 2
#define LEAVE 4
byte mail[NN];

byte rest = BIT(PRE) - 1, offers, orders, retirees;
#if PLACES == 2
byte warm = NIL;  /* looked at before rest, or after it */
#endif
byte vacant = BIT(MAX) - BIT(PRE);
byte taken = PRE, leaving, openings;
byte window = WINDOW;
byte count;       /* front, low half */
bool closing;     /* front, high half: POND_CLOSING */
bool locked, pending, token;
byte inbox[NN], inbox_n;
byte nodes = BIT(NN) - 1; /* the free ones */
byte nodes_out;
bool rung;        /* whoever closes is told that something moved */

/* The holder's own, who has the rest of his notes in locals. */
byte line[NN], line_n, hurried;
bool hurry[NN];

/* What only the assertions read. */
byte holders, ordered, joined, failed;
bool gone; /* freed: nothing may be touched any more (I6) */
#define TOUCH assert(!gone)

/* Who is listed, but neither woken (i is the token) nor gone. */
#define LISTED (burst -> hurried : line_n)
#define WAITING (LISTED > i -> LISTED - i : 0)
#define UNSERVED (WAITING < count -> WAITING : count)

/* A place below the limit has a vacant slot: it is ordered, for somebody. */
#ifdef ONE_ORDER_EACH
#define COUNTED ordered++; assert(ordered <= joined + failed); \
    assert(word[line[0]] == AWAKE || word[line[0]] == PARKED || line_n > 1)
#define JOINED joined++
#else
#define COUNTED skip
#define JOINED skip
#endif
#define PUBLISH hand = LOWEST(vacant); assert(hand != NIL); vacant = vacant & ~BIT(hand); MOVE(hand, VACANT, OPENING); orders = orders | BIT(hand); hand = NIL
#ifdef CLOSES
#define RESERVED skip
#else
#define RESERVED PUBLISH; COUNTED
#endif

#if PLACES == 2
inline idle_put(s) {
    if
    :: d_step { warm == NIL -> TOUCH; warm = s }
    :: d_step { warm != NIL -> TOUCH };
       d_step { TOUCH; rest = rest | BIT(s) }
    fi
}

/* Own shard first, or as a thief: the other way round. */
#if BUG == 28
#define WARM_TAKE(who) d_step { TOUCH; who = warm }; d_step { TOUCH; warm = NIL }
#else
#define WARM_TAKE(who) d_step { TOUCH; who = warm; warm = NIL }
#endif
inline idle_take(who) {
    if
    :: WARM_TAKE(who);
       if
       :: who != NIL
       :: d_step { who == NIL -> TOUCH; POP(rest, who) }
       fi
    :: d_step { TOUCH; POP(rest, who) };
       if
       :: who != NIL
       :: who == NIL; WARM_TAKE(who)
       fi
    fi
}

/* Goes on when something seems to rest, else jumps. (An inline takes no label.) */
#define IDLE_ANY(nothing)                                                      \
    if                                                                         \
    :: d_step { warm != NIL && BUG != 27 -> TOUCH }                             \
    :: d_step { warm == NIL || BUG == 27 -> TOUCH };                            \
       if                                                                      \
       :: d_step { rest != 0 -> TOUCH }                                        \
       :: d_step { rest == 0 -> TOUCH }; goto nothing                          \
       fi                                                                      \
    fi
#else
inline idle_put(s) { d_step { TOUCH; rest = rest | BIT(s) } }
#if BUG == 19
inline idle_take(who) {
    d_step { TOUCH; who = LOWEST(rest) };
    d_step { TOUCH; rest = (who == NIL -> rest : rest & ~BIT(who)) }
}
#else
inline idle_take(who) { d_step { TOUCH; POP(rest, who) } }
#endif
#define IDLE_ANY(nothing)                                                      \
    if                                                                         \
    :: d_step { rest != 0 -> TOUCH }                                           \
    :: d_step { rest == 0 -> TOUCH }; goto nothing                             \
    fi
#endif

inline post(n, note) {
    d_step {
        TOUCH;
        if
        :: mail[n] == 0 -> inbox[inbox_n] = n; inbox_n++
        :: else
        fi;
        mail[n] = mail[n] | note
    }
}

inline clear_token() { d_step { TOUCH; token = false } }
inline window_return() { d_step { TOUCH; assert(openings > 0); openings-- } }

/* Out of the holder's line, wherever it stands. */
inline unlink(n) {
    i = 0;
    do
    :: i < line_n && line[i] != n -> i++
    :: else -> break
    od;
    if
    :: i < line_n ->
        line_n--;
        if
        :: hurry[n] -> hurry[n] = false; hurried--
        :: else
        fi;
        do
        :: i < line_n -> line[i] = line[i + 1]; i++
        :: else -> line[i] = 0; break
        od
    :: else
    fi;
    i = 0
}

/* The first in line's word is moved, unless he has left: then jumps. */
#if BUG == 21
#define BY_CAS word[line[0]] != LEFT -> from = word[line[0]] }; d_step { TOUCH
#else
#define BY_CAS word[line[0]] != LEFT -> TOUCH; from = word[line[0]]
#endif
#define DECIDE(to, has_left)                                                   \
    if                                                                         \
    :: d_step { word[line[0]] == LEFT -> TOUCH; unlink(line[0]);              \
           some = line_n > 0 };                                                \
       goto has_left                                                           \
    :: d_step { BY_CAS;                                                        \
           assert(word[line[0]] != FREE && (word[line[0]] <= WOKEN || word[line[0]] == NAPPING)); \
           hnode = line[0]; word[hnode] = to;                                  \
           given[hnode] = (to == GRANTED -> hand : given[hnode]);              \
           if                                                                  \
           :: to != WOKEN -> unlink(hnode); token = token && !HAS_TOKEN(from); \
                some = line_n > 0                                              \
           :: else                                                             \
           fi };                                                               \
       d_step { TOUCH; asleep[hnode] = asleep[hnode] && from != PARKED && from != NAPPING; \
           count = count - (to != WOKEN -> 1 : 0); from = 0; hnode = NIL }     \
    fi

#include "pass.pml"
