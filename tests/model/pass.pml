/* SPDX-License-Identifier: MIT */
/* Put, look and the pass: the procedures of the core that the models share. */
/*
 * MAP
 *  pond_put          src/core/pond_quick.h:pond_put_staying pond.8:relaxed
 *                    src/core/pond.c:rest_beside_waiters
 *                    src/core/waiters.c:waiters_one_comes waiters.36:seq_cst
 *                    src/core/pond.c:offer
 *                    src/core/pond_open.c:pond_opened
 *  pond_look         src/core/pond_quick.h:pond_look pond.2:seq_cst
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
 *                    src/core/waiters_list.c:end_nap waiters.44:acquire waiters.45:seq_cst
 *  order             src/core/pond_serve.c:order_for_waiters
 *                    src/core/pond_serve.c:wants_opening
 *                    src/core/pond_open.c:pond_openings pond.15:seq_cst
 *                    src/core/waiters_list.c:waiters_unserved
 *                    waiters.34:seq_cst waiters.35:seq_cst
 *                    src/core/pond_open.c:window_reserve pond.11:seq_cst
 *                    src/core/quota.c:quota_reserve quota.2:seq_cst
 *                    src/core/pond_open.c:reserve pond.24:seq_cst
 *  window_return     src/core/pond_open.c:pond_window_return pond.14:seq_cst
 *  let_go            src/core/waiters.c:unlock waiters.20:seq_cst
 */
/*
 * The procedures, once in each process that calls them. A caller sets `back` and
 * jumps; at the end stands `returned`, where the process goes on by it. pond_put
 * wants the slot in c, and `is_new`.
 */
#define CALLS                                                                  \
    byte c = NIL, back, from, i, got[NN], got_n, hand = NIL, hnode = NIL;      \
    bool is_new, past, again, ring, some, overdue_turn, burst
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
    :: d_step { count > 0 && !is_new && OVERDUE != 1 -> TOUCH; MOVE(c, LEASED, IDLE) };
#if BUG == 2
       d_step { TOUCH; past = token }
#else
       past = true
#endif
    :: d_step { count == 0 -> TOUCH; is_new = false; MOVE(c, LEASED, IDLE) }
    fi;
idle_and_look:
    idle_put(c);
    c = NIL;
#if BUG == 1
    goto returned;
#endif
    /* Who was woken looks when he has been there. Beside a nap it may be spare. */
    if
    :: !past
    :: d_step { past && (token || BUG == 2) -> TOUCH; past = false };
       goto returned
    :: d_step { past && (!token || NAPS > 0) -> TOUCH; past = false }
    fi;
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
#ifndef CLOSES
               ; nodes_out--
#endif
           :: else
           fi;
           hnode = NIL; some = line_n > 0 };
#ifdef CLOSES
       if
       :: d_step { from & LEAVE -> TOUCH; nodes_out--; from = 0 }
       :: d_step { !(from & LEAVE) -> from = 0 }
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
    :: d_step { token -> TOUCH;
           if
           :: word[line[0]] == NAPPING -> word[line[0]] = WOKEN; asleep[line[0]] = false
           :: else
           fi };
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
    :: d_step { TOUCH; from = openings }
    fi;
    d_step { TOUCH; i = token };
    if
    :: d_step { from < UNSERVED -> TOUCH; from = 0; i = 0 }
    :: d_step { from >= UNSERVED -> TOUCH; from = 0; i = 0 };
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
    :: d_step { !closing -> TOUCH; PUBLISH; COUNTED }
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
