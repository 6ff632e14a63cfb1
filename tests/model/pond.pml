/* SPDX-License-Identifier: MIT */
/* Quota, stack and waiters: join, look again, park against push, look. */
/*
 * NT borrowers borrow K times each from a pond of MAX sessions that openers open
 * when somebody waits. FAILS connects fail, RETIRED loans are given up; with
 * KEEPS nobody brings anything back.
 *
 * SHOWN: I1 and I4 (the quota's assertions), I2 (each move asserts the state that
 * it leaves, `held` the one holder), I3, I6b and deadlock (a state that cannot go
 * on while somebody waits is an invalid end), I8 (nothing is taken at the end but
 * what rests). One waiter never causes two orders (ONE_ORDER_EACH). No cycle
 * without progress (run: the pond that makes no progress).
 *
 * MAP
 *  take      src/core/pond_quick.h:pond_take pond.5:relaxed
 *            src/core/pond_quick.h:pond_may_take
 *            src/core/slot_steps.h:slot_take
 *  Hasty     src/api/borrow_wait.c:order_and_go
 *            src/core/pond_open.c:pond_order_own
 *  retire    src/core/pond.c:pond_retire
 *            src/core/quota.c:quota_leave quota.8:seq_cst
 *            src/core/pond.c:pond_retire_left
 *  Opener    src/core/pond_open.c:pond_next_order
 *            src/core/pond_open.c:pond_opened
 *            src/core/pond_open.c:pond_open_failed
 *            src/core/quota.c:quota_return quota.3:seq_cst
 *  Keeper    src/core/pond_open.c:pond_next_retiree
 *            src/core/pond_open.c:pond_vacate
 *            src/core/quota.c:quota_left quota.11:seq_cst
 */
#ifndef K
#define K 1
#endif
#ifndef FAILS
#define FAILS 0
#endif
#ifndef RETIRED
#define RETIRED 0
#endif
#ifndef OPENERS
#define OPENERS 1
#endif
#include "core.pml"
#include "wait.pml"

#ifdef KEEPS
#define LAST_STATE LEASED
#else
#define LAST_STATE IDLE
#endif

byte fails = FAILS, retired = RETIRED;

active [NT] proctype Borrower() {
    CALLS;
    WAITS;
    byte k;

    do
    :: k == K -> break
    :: k < K -> k++;
#if OVERDUE == 1
        /* In strict order a newcomer does not pass those who wait. */
        if
        :: count == 0
        :: count > 0 -> goto wait
        fi;
#endif
        idle_take(c);
        if
        :: d_step { c != NIL -> MOVE(c, IDLE, LEASED) };
           goto have
        :: c == NIL
        fi;
wait:
        join();
        await();
have:
progress:
#ifdef KEEPS
        break;
#endif
        if
        :: CALL(pond_put, 9)
#if RETIRED
        :: d_step { retired > 0 -> retired--; MOVE(c, LEASED, RETIRING); retirees = retirees | BIT(c); c = NIL };
           CALL(pond_look, 10)
#endif
        fi;
refused:
timed_out:
        skip
    od;
    goto end;
    procedures();
    if
    RETURNS_OF_WAIT
    RETURNS_WHEN_CLOSING
    RETURN(9)
#if RETIRED
    RETURN(10)
#endif
    fi;
end:
    skip
}

#if OPENERS
active [OPENERS] proctype Opener() {
    CALLS;
end:
    do
    :: d_step { orders != 0 -> POP(orders, c) };
       if
       :: d_step { MOVE(c, OPENING, LEASED); is_new = true };
#if BUG == 5
          window_return();
#endif
          CALL(pond_put, 1);
#if BUG != 5
          window_return();
          UNLESS(15, CALL(pond_look, 2))
#endif
#if FAILS
       :: d_step { fails > 0 -> fails--; failed++; MOVE(c, OPENING, VACANT); vacant = vacant | BIT(c); c = NIL };
          UNLESS(16, window_return());
          d_step { TOUCH; taken-- };
          UNLESS(14, CALL(pond_look, 3))
#endif
       fi;
       goto end
    od;
    procedures();
    if
    RETURN(1)
#if BUG != 5
    RETURN(2)
#endif
#if FAILS
    RETURN(3)
#endif
    fi
}

#endif

#ifdef HASTY
/* Who does not wait orders one for whoever comes next; so does the keeper. His
 * place in the window may have hidden it from a waiter's pass. */
active [HASTY] proctype Hasty() {
    CALLS;

    if
    :: d_step { openings >= window }; goto end
    :: d_step { openings < window -> openings++ }
    fi;
    if
#if BUG == 3
    :: d_step { taken < SIZE };
       d_step { taken++; assert(taken <= MAX); PUBLISH }
#else
    :: d_step { taken < SIZE -> taken++; PUBLISH }
#endif
    :: d_step { taken >= SIZE };
       window_return();
       UNLESS(6, CALL(pond_look, 1))
    fi;
    goto end;
    procedures();
    if
    RETURN(1)
    fi;
end:
    skip
}
#endif

#if RETIRED
active proctype Keeper() {
    CALLS;
end:
    do
    :: d_step { retirees != 0 -> POP(retirees, c); MOVE(c, RETIRING, VACANT); vacant = vacant | BIT(c); c = NIL; taken-- };
       UNLESS(17, CALL(pond_look, 1));
       goto end
    od;
    procedures();
    if
    RETURN(1)
    fi
}
#endif

/* When nothing can go on: nobody waits, and what is taken rests (I3, I4, I8). */
active proctype Judge() {
    byte n, left;

    d_step {
        timeout ->
        assert(count == 0 && nodes_out == 0 && nodes == BIT(NN) - 1);
        assert(!locked && !token && openings == 0 && offers == 0 && orders == 0);
        do
        :: n < MAX -> assert(slot[n] == VACANT || slot[n] == LAST_STATE);
           left = left + (slot[n] == VACANT -> 0 : 1); n++
        :: else -> break
        od;
        assert(taken == left)
    }
}
