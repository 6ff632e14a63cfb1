/* SPDX-License-Identifier: MIT */
/* Close against acquire: flags, guests, waiters, and the grace period. */
/*
 * NT callers find the pool by its name, borrow, and bring back; one thread closes
 * it meanwhile, a keeper hangs up, an opener opens. `gone` is the pool's memory
 * after it was freed: every step of the core asserts that it is still there.
 *
 * SHOWN: I6 (who calls after the close began gets nothing; nothing is touched
 * after the end; nothing is left then), I8, and that close ends: nobody may be
 * stuck, the closer least of all.
 *
 * MAP
 *  Caller     src/api/borrow.c:borrow_from
 *             src/core/pond_quick.h:pond_take
 *             src/api/borrow.c:borrow_slowly
 *             src/core/pond.c:pond_may_lend
 *             src/core/pond_life.c:pond_flags pond.18:seq_cst
 *             src/base/reclaim.h:reclaim_read_begin reclaim.1:seq_cst
 *             src/base/reclaim.h:reclaim_read_end reclaim.2:seq_cst
 *  guest      src/api/borrow.c:become_guest
 *             src/api/borrow.c:say_goodbye
 *             src/core/pond_life.c:pond_guest_comes pond.26:seq_cst
 *             src/core/pond_life.c:pond_guest_goes pond.27:seq_cst
 *  release    src/keeper/lease_return.c:rest
 *  Closer     src/api/close.c:shut
 *             src/core/pond_life.c:pond_raise pond.6:seq_cst
 *             src/api/close.c:wait_drained
 *             src/api/close.c:drain
 *             src/core/pond_life.c:pond_drain
 *             src/keeper/lease.c:lease_drop
 *             src/api/close.c:is_drained_for_good
 *             src/core/pond_life.c:pond_is_drained pond.20:seq_cst pond.28:seq_cst
 *             src/api/close.c:finish
 *  Keeper     src/core/pond_open.c:pond_vacate
 *  Opener     src/keeper/openers.c:open_ordered
 */
#define CLOSES
#ifndef KEEPERS
#define KEEPERS 0
#endif
#ifndef OPENERS
#define OPENERS 0
#endif
/* Who hangs up: a thread of its own, or the closer at once. */
#if KEEPERS
#define HANG_UP retirees = retirees | BIT(c); c = NIL
#else
#define HANG_UP MOVE(c, RETIRING, VACANT); vacant = vacant | BIT(c); c = NIL; taken--
#endif
#include "core.pml"
#include "wait.pml"

bool listed = true, stopping;
byte guests, ended;
byte readers, awaited; /* who is in a section; whom the closer waits for */

inline read_begin(me) { d_step { readers = readers | BIT(me) } }
inline read_end(me) { d_step { readers = readers & ~BIT(me); awaited = awaited & ~BIT(me) } }
inline wait_readers() {
    d_step { awaited = readers };
    awaited == 0
}

active [NT] proctype Caller() {
    CALLS;
    WAITS;
    bool doomed, guest, known;

    /* By name, or by a pointer that a loan keeps good at that moment. */
    d_step { readers = readers | BIT(_pid); doomed = closing; known = taken > 0 };
    if
    :: known || listed -> known = false
    :: !known && !listed -> goto leave_section
    fi;
    idle_take(c);
    CONFIRM_TAKE(11);
    if
    :: d_step { c != NIL -> MOVE(c, IDLE, LEASED); assert(!doomed) };
       read_end(_pid);
       goto loan
    :: c == NIL
    fi;
    UNLESS(36, d_step { TOUCH; guests++; guest = true });
    read_end(_pid);
wait:
    join();
    await();
have:
    read_begin(_pid);
    if
    :: d_step { closing -> TOUCH };
       CALL(pond_put, 9);
       read_end(_pid);
       goto wait
    :: d_step { !closing -> TOUCH; assert(!doomed) }
    fi;
    read_end(_pid);
refused:
timed_out:
    if
    :: guest -> guest = false;
       read_begin(_pid);
       d_step { TOUCH; guests-- };
       if
       :: d_step { closing -> TOUCH };
          d_step { TOUCH; rung = true }
       :: d_step { !closing -> TOUCH }
       fi;
       read_end(_pid)
    :: !guest
    fi;
    if
    :: c == NIL -> goto end
    :: c != NIL
    fi;
loan:
    UNLESS(39, read_begin(_pid));
    CALL(pond_put, 10);
leave_section:
    read_end(_pid);
    goto end;
    procedures();
    if
    RETURNS_OF_WAIT
    RETURNS_WHEN_CLOSING
    RETURN(9)
    RETURN(10)
    RETURN(11)
    fi;
end:
    doomed = false
}

/* Goes on when nothing seems left, else jumps. Guests first: one who goes on to
 * wait has his node before he stops being one. */
#define IS_DRAINED(not_yet)                                                    \
    if                                                                         \
    :: guests == 0                                                             \
    :: guests != 0 -> goto not_yet                                             \
    fi;                                                                        \
    if                                                                         \
    :: nodes_out == 0                                                          \
    :: nodes_out != 0 -> goto not_yet                                          \
    fi;                                                                        \
    if                                                                         \
    :: taken == 0                                                              \
    :: taken != 0 -> goto not_yet                                              \
    fi

active proctype Closer() {
    CALLS;
    byte n;

    listed = false;
    closing = true;
    CALL(pond_serve, 1);
    do
    :: rung = false;
       /* drain */
       do
       :: d_step { offers != 0 -> POP(offers, c); MOVE(c, HANDED, RETIRING); HANG_UP };
          CALL(pond_look, 2)
       :: d_step { offers == 0 && rest != 0 -> POP(rest, c); MOVE(c, IDLE, RETIRING); HANG_UP };
          CALL(pond_look, 3)
#if OPENERS
       :: d_step { orders != 0 -> POP(orders, c); MOVE(c, OPENING, VACANT); vacant = vacant | BIT(c); c = NIL };
          window_return();
          d_step { taken-- };
          CALL(pond_look, 4)
#endif
       :: d_step { offers == 0 && rest == 0 && orders == 0 } -> break
       od;
       IS_DRAINED(not_drained);
       UNLESS(37, wait_readers());
#if BUG != 40
       IS_DRAINED(not_drained);
#endif
       break;
not_drained:
       rung
    od;
    stopping = true;
    ended == KEEPERS + OPENERS;
    UNLESS(37, wait_readers());
    d_step {
        gone = true;
        assert(guests == 0 && nodes_out == 0 && nodes == BIT(NN) - 1 && taken == 0);
        assert(count == 0 && !locked && !token && inbox_n == 0 && openings == 0);
        do
        :: n < MAX -> assert(slot[n] == VACANT); n++
        :: else -> n = 0; break
        od
    };
    goto end;
    procedures();
    if
    RETURN(1)
    RETURN(2)
    RETURN(3)
#if OPENERS
    RETURN(4)
#endif
    fi;
end:
    skip
}

#if KEEPERS
active proctype Keeper() {
    CALLS;
    do
    :: d_step { retirees != 0 -> TOUCH; POP(retirees, c); MOVE(c, RETIRING, VACANT); vacant = vacant | BIT(c); c = NIL };
       d_step { TOUCH; taken-- };
       CALL(pond_look, 1)
    :: d_step { retirees == 0 && stopping -> TOUCH; ended++ } -> goto end
    od;
    procedures();
    if
    RETURN(1)
    fi;
end:
    skip
}

#endif

#if OPENERS
active proctype Opener() {
    CALLS;
    do
    :: d_step { orders != 0 -> TOUCH; POP(orders, c) };
       if
       :: d_step { !closing -> TOUCH };
          read_begin(_pid);
          d_step { MOVE(c, OPENING, LEASED); is_new = true };
          CALL(pond_put, 1);
          window_return();
          CALL(pond_look, 2)
       :: read_begin(_pid); /* shut, or the connect failed */
          d_step { TOUCH; MOVE(c, OPENING, VACANT); vacant = vacant | BIT(c); c = NIL };
          window_return();
          UNLESS(42, d_step { TOUCH; taken-- });
          CALL(pond_look, 3)
       fi;
       d_step { TOUCH; rung = true };
       read_end(_pid)
    :: d_step { orders == 0 && stopping -> TOUCH; ended++ } -> goto end
    od;
    procedures();
    if
    RETURN(1)
    RETURN(2)
    RETURN(3)
    fi;
end:
    skip
}
#endif
