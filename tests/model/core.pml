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
 * after the other, as two shards would be), resize, suspend.
 *
 * Parameters: NT borrowers, MAX sessions, SIZE of them before burst, WINDOW, NN
 * nodes, OVERDUE (0 nobody ever is, 1 everybody always, 2 either), and BUG, the
 * planted one (the table in `run` says what each of them is).
 *
 * MAP (a house test looks whether all of this still exists)
 *  idle_put          src/core/idle.c:warm_put idle.2:seq_cst
 *                    src/core/idle.c:push_and_fence idle.6:fence
 *  idle_take         src/core/idle.c:idle_take
 *                    src/core/idle.c:shard_take
 *                    src/core/idle.c:warm_take idle.3:seq_cst
 *  idle_any          src/core/idle.c:idle_any idle.5:seq_cst
 *                    src/core/stack.h:stack_any stack.4:relaxed
 *  post              src/core/waiters.c:post waiters.6:seq_cst waiters.9:seq_cst
 *  uncount           src/core/waiters_words.h:waiters_uncount waiters.24:seq_cst
 *  clear_token       src/core/waiters.c:waiters_clear_token waiters.17:seq_cst
 *  decide            src/core/waiters_list.c:decide waiters.12:seq_cst
 *                    waiters.28:acquire
 *  pond_put          src/core/pond.c:put pond.8:relaxed
 *                    src/core/pond.c:offer
 *                    src/core/pond_open.c:pond_opened
 *  pond_look         src/core/pond.c:pond_look pond.2:seq_cst
 *  pond_serve        src/core/pond_serve.c:pond_serve
 *                    src/core/waiters.c:waiters_enter waiters.19:seq_cst
 *  pass              src/core/pond_serve.c:pass pond.3:seq_cst
 *                    src/core/waiters_list.c:waiters_collect waiters.21:seq_cst
 *                    waiters.10:seq_cst
 *  read_mail         src/core/waiters_list.c:read_mail waiters.7:seq_cst
 *                    src/core/waiters_list.c:make_free waiters.26:relaxed
 *                    src/core/waiters_nodes.c:waiters_node_unused waiters.5:seq_cst
 *  refuse            src/core/pond_serve.c:refuse
 *  settle, grant     src/core/pond_serve.c:settle_offers
 *                    src/core/pond_serve.c:grant_or_rest
 *  overdue           src/core/pond_serve.c:give_to_overdue
 *  wake              src/core/pond_serve.c:wake_one
 *                    src/core/waiters_list.c:waiters_wake_first waiters.18:seq_cst
 *                    waiters.29:seq_cst waiters.30:seq_cst
 *  order             src/core/pond_serve.c:order_for_waiters
 *                    src/core/pond_serve.c:wants_opening
 *                    src/core/pond_open.c:pond_openings pond.15:seq_cst
 *                    src/core/pond_open.c:window_reserve pond.11:seq_cst
 *                    src/core/quota.c:quota_reserve quota.2:seq_cst
 *                    src/core/pond_open.c:reserve pond.24:seq_cst
 *  window_return     src/core/pond_open.c:pond_window_return pond.14:seq_cst
 *  let_go            src/core/waiters.c:waiters_exit waiters.20:seq_cst
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

/* A place below the limit has a vacant slot: it is ordered. */
#ifdef ONE_ORDER_EACH
#define COUNTED ordered++; assert(ordered <= joined + failed)
#define JOINED joined++
#else
#define COUNTED skip
#define JOINED skip
#endif
#define PUBLISH hand = LOWEST(vacant); assert(hand != NIL); vacant = vacant & ~BIT(hand); MOVE(hand, VACANT, OPENING); orders = orders | BIT(hand); hand = NIL; COUNTED
#ifdef CLOSES
#define RESERVED skip
#else
#define RESERVED PUBLISH
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
inline idle_take(who) {
    if
    :: d_step { TOUCH; who = warm; warm = NIL };
       if
       :: who != NIL
       :: d_step { who == NIL -> TOUCH; POP(rest, who) }
       fi
    :: d_step { TOUCH; POP(rest, who) };
       if
       :: who != NIL
       :: d_step { who == NIL -> TOUCH; who = warm; warm = NIL }
       fi
    fi
}

/* Goes on when something seems to rest, else jumps. (An inline takes no label.) */
#define IDLE_ANY(nothing)                                                      \
    if                                                                         \
    :: d_step { warm != NIL -> TOUCH }                                         \
    :: d_step { warm == NIL -> TOUCH };                                        \
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
           assert(word[line[0]] != FREE && word[line[0]] <= WOKEN);            \
           hnode = line[0]; word[hnode] = to;                                  \
           given[hnode] = (to == GRANTED -> hand : given[hnode]);              \
           if                                                                  \
           :: to != WOKEN -> unlink(hnode); token = token && from != WOKEN;    \
                some = line_n > 0                                              \
           :: else                                                             \
           fi };                                                               \
       d_step { TOUCH; asleep[hnode] = asleep[hnode] && from != PARKED;        \
           count = count - (to != WOKEN -> 1 : 0); from = 0; hnode = NIL }     \
    fi

/*
 * The procedures, once in each process that calls them. A caller sets `back` and
 * jumps; at the end stands `returned`, where the process goes on by it. pond_put
 * wants the slot in c, and `is_new`.
 */
#define CALLS                                                                  \
    byte c = NIL, back, from, i, got[NN], got_n, hand = NIL, hnode = NIL;      \
    bool is_new, again, ring, some, overdue_turn, burst
#define CALL(label, k) back = k; goto label; back_##k: skip
#define RETURN(k) :: atomic { back == k -> back = 0; goto back_##k }
/* What a planted bug leaves out. */
#define UNLESS(bug, step) if :: BUG == bug :: BUG != bug -> step fi

inline procedures() {
    skip;
pond_put:
    if
    :: d_step { count > 0 && (is_new || OVERDUE != 0) -> TOUCH; is_new = false;
                MOVE(c, LEASED, HANDED) };
       d_step { TOUCH; offers = offers | BIT(c); c = NIL; again = true };
       goto pond_serve
    :: d_step { count == 0 || (!is_new && OVERDUE != 1) -> TOUCH; is_new = false;
                MOVE(c, LEASED, IDLE) }
    fi;
idle_and_look:
    idle_put(c);
    c = NIL;
#if BUG == 1
    goto returned;
#endif
pond_look:
    if
    :: d_step { count > 0 -> TOUCH; ring = closing }
    :: d_step { count == 0 -> TOUCH; ring = closing };
       goto served
    fi;
pond_serve:
    if
    :: d_step { locked -> TOUCH; pending = true };
       goto served
    :: d_step { !locked -> TOUCH; locked = true; pending = true; holders++; assert(holders == 1) }
    fi;
pass:
#if BUG == 4
    if
    :: d_step { TOUCH; some = line_n > 0; got_n = inbox_n; do :: i < got_n -> got[i] = inbox[i]; i++ :: else -> i = 0; break od }
    fi;
    d_step { TOUCH; do :: i < inbox_n -> inbox[i] = 0; i++ :: else -> i = 0; break od; inbox_n = 0; pending = false };
#else
    if
    :: d_step { TOUCH; pending = false }
    fi;
    d_step { TOUCH; got_n = inbox_n; inbox_n = 0; some = line_n > 0;
        do
        :: i < got_n -> got[i] = inbox[i]; inbox[i] = 0; i++
        :: else -> i = 0; break
        od };
#endif
read_mail:
    if
    :: got_n == 0 -> goto flags
    :: d_step { got_n > 0 -> TOUCH; hnode = got[0]; got_n--;
           do
           :: i < got_n -> got[i] = got[i + 1]; i++
           :: else -> got[i] = 0; i = 0; break
           od;
           from = mail[hnode]; mail[hnode] = 0;
           if
           :: from & JOIN -> line[line_n] = hnode; line_n++
           :: else
           fi;
           if
           :: from & HURRY ->
               do
               :: i < line_n && line[i] != hnode -> i++
               :: else -> break
               od;
               if
               :: i < line_n && !hurry[hnode] -> hurry[hnode] = true; hurried++
               :: else
               fi;
               i = 0
           :: else
           fi;
           if
           :: from & LEAVE -> unlink(hnode);
               assert(word[hnode] >= GRANTED); word[hnode] = FREE;
               nodes = nodes | BIT(hnode)
#if !defined(CLOSES) || BUG == 34
               ; nodes_out--
#endif
           :: else
           fi;
           hnode = NIL; some = line_n > 0 };
#ifdef CLOSES
       if
       :: d_step { (from & LEAVE) && BUG != 34 -> TOUCH; nodes_out--; from = 0 }
       :: d_step { !(from & LEAVE) || BUG == 34 -> from = 0 }
       fi;
#else
       from = 0;
#endif
       goto read_mail
    fi;
flags:
#ifdef CLOSES
    if
    :: d_step { !closing -> TOUCH };
       goto settle
    :: d_step { closing -> TOUCH }
    fi;
refuse:
    if
    :: some;
       DECIDE(REFUSED, refuse);
       goto refuse
    :: !some
    fi;
settle_to_rest:
    if
    :: d_step { TOUCH; POP(offers, hand) }
    fi;
    if
    :: hand == NIL
    :: d_step { hand != NIL -> MOVE(hand, HANDED, IDLE) };
       idle_put(hand);
       hand = NIL;
       goto settle_to_rest
    fi;
    UNLESS(33, d_step { TOUCH; rung = true });
    goto let_go;
#endif
settle:
    if
    :: d_step { TOUCH; POP(offers, hand); overdue_turn = hand == NIL }
    fi;
    if
    :: hand == NIL -> goto first
    :: hand != NIL
    fi;
grant:
    if
    :: some;
       DECIDE(GRANTED, grant);
       hand = NIL;
       goto granted
    :: d_step { !some -> MOVE(hand, HANDED, IDLE) }
    fi;
    idle_put(hand);
    hand = NIL;
granted:
    if
    :: !overdue_turn -> goto settle
    :: overdue_turn
    fi;
first:
    if
    :: atomic { !some -> overdue_turn = false; goto let_go }
    :: atomic { some && OVERDUE != 1 -> overdue_turn = false }
    :: some && OVERDUE != 0;
       idle_take(hand);
       if
       :: hand == NIL -> overdue_turn = false
       :: d_step { hand != NIL -> MOVE(hand, IDLE, HANDED) };
          goto grant
       fi
    fi;
wake:
    IDLE_ANY(no_wake);
    if
    :: d_step { token -> TOUCH };
       goto no_wake
    :: d_step { !token -> TOUCH; token = true }
    fi;
wake_first:
    if
    :: some;
       DECIDE(WOKEN, wake_first);
       goto no_wake
    :: !some;
       clear_token();
       goto let_go
    fi;
no_wake:
    /* Who is woken looks again when he has taken it. */
    IDLE_ANY(order);
    goto let_go;
order:
    if
    :: d_step { openings < (burst -> hurried : line_n) -> TOUCH }
    :: d_step { openings >= (burst -> hurried : line_n) -> TOUCH };
       goto no_order
    fi;
#if BUG != 5
    if
    :: d_step { offers != 0 -> TOUCH };
       goto no_order
    :: d_step { offers == 0 -> TOUCH }
    fi;
    IDLE_ANY(wanted);
    goto no_order;
wanted:
#endif
    if
    :: d_step { openings >= window -> TOUCH };
       goto no_order
    :: d_step { openings < window -> TOUCH; openings++ }
    fi;
    if
#if BUG == 3
    :: d_step { taken < (burst -> MAX : SIZE) -> TOUCH };
       d_step { TOUCH; taken++; assert(taken <= MAX); RESERVED }
#else
    :: d_step { taken < (burst -> MAX : SIZE) -> TOUCH; taken++; assert(taken <= MAX); RESERVED }
#endif
    :: d_step { taken >= (burst -> MAX : SIZE) -> TOUCH };
       window_return();
#if BUG == 7
       pending = true;
#endif
       goto no_order
    fi;
#ifdef CLOSES
    if
    :: d_step { !closing -> TOUCH; PUBLISH }
    :: d_step { closing -> TOUCH; taken-- };
       window_return();
       goto no_order
    fi;
#endif
    goto order;
no_order:
#if SIZE < MAX
    if
    :: hurried > 0 && !burst -> burst = true; goto order
    :: hurried == 0 || burst -> burst = false
    fi;
#endif
let_go:
    if
    :: d_step { !pending -> TOUCH; holders--; locked = false; some = false }
#if BUG == 8
    :: d_step { pending -> TOUCH; holders--; locked = false; pending = false }
#else
    :: d_step { pending -> TOUCH };
       goto pass
#endif
    fi;
served:
    if
    :: atomic { again -> again = false; goto pond_look }
    :: d_step { !again && ring -> TOUCH; ring = false; rung = true }
    :: !again && !ring
    fi;
returned:
    skip
}
