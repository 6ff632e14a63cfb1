/* SPDX-License-Identifier: MIT */
/* Deferred reset against borrow: who reads the answer, and who watches for it. */
/*
 * NT borrowers borrow K times each from MAX sessions; a return sends the reset and
 * lets the session rest with its answer outstanding. The server answers when it
 * likes, FROZEN sessions never. One keeper watches the late ones and sweeps what
 * rests. The pond is a set here, and who waits for it blocks: pond.pml has that.
 *
 * A session's wire is what matters: nothing on it, a command without an answer,
 * an answer that nobody has read.
 *
 * SHOWN: I7 (a session is lent with its conversation at rest and no dirt left; no
 * command is sent and no answer is read but in turn), I2 (one holder), and that
 * nobody waits for good for an answer that does not come.
 *
 * MAP
 *  Borrower   src/api/borrow.c:borrow_slowly
 *             src/api/borrow.c:put_aside
 *             src/api/borrow.c:put_late_aside
 *             src/core/slot_steps.h:slot_take
 *             src/core/slot_steps.h:slot_move slot.5:release
 *  settle     src/keeper/lease.c:lease_make_ready
 *             src/keeper/lease.c:settle
 *             src/session/settle.c:session_settle
 *             src/core/slot_steps.h:slot_set_pending slot.13:relaxed
 *             src/core/slot_steps.h:slot_is_pending
 *             src/core/slot_steps.h:slot_word_of_mine slot.4:relaxed
 *  lend       src/core/slot_steps.h:slot_lend_as slot.8:release
 *  claim      src/core/slot_steps.h:slot_claim slot.7:acq_rel
 *  give_back  src/keeper/lease_return.c:lease_return
 *             src/keeper/lease_return.c:rest
 *             src/core/slot_steps.h:slot_rest
 *  lose       src/keeper/lease.c:lease_lose
 *             src/keeper/lease.c:lease_drop
 *  Keeper     src/keeper/late.c:late_collect
 *             src/keeper/late.c:late_judge
 *             src/keeper/late.c:let_go
 *  sweep      src/keeper/sweep.c:is_fit
 *             src/core/pond.c:pond_sweep_take
 *             src/core/pond.c:pond_sweep_put
 */
#ifndef BUG
#define BUG 0
#endif
#ifndef NT
#define NT 2
#endif
#ifndef MAX
#define MAX 2
#endif
#ifndef K
#define K 2
#endif
#ifndef FROZEN
#define FROZEN 1
#endif
#ifndef SWEEPS
#define SWEEPS 1
#endif
#define NIL 7
#define BIT(i) (1 << (i))
#define LOWEST(set) ((set) & 1 -> 0 : ((set) & 2 -> 1 : NIL))
#define POP(set, who) who = LOWEST(set); set = (who == NIL -> 0 : set & ~BIT(who))

#define IDLE 0
#define LEASED 1
#define LENT 2
#define QUIET 0
#define ASKED 1
#define ANSWERED 2
byte state[MAX], wire[MAX];
bool waits_for_answer[MAX]; /* SLOT_PENDING */
bool dirty[MAX];            /* left by the last loan, until a reset is answered */
bool overdue[MAX];          /* ping_timeout_ms since its return are over */
bool frozen[MAX];           /* its server does not answer any more */
byte rest = BIT(MAX) - 1, late, frozen_left = FROZEN, sweeps = SWEEPS, through;

inline send(s) { assert(wire[s] == QUIET); wire[s] = ASKED }
inline receive(s) { assert(wire[s] == ANSWERED); wire[s] = QUIET }
/* It is hung up, and a new one takes its place. */
inline lose(s) {
    wire[s] = QUIET; waits_for_answer[s] = false; dirty[s] = false;
    overdue[s] = false; frozen[s] = false; state[s] = IDLE; rest = rest | BIT(s)
}

active [NT] proctype Borrower() {
    byte c = NIL, k;

    do
    :: k == K -> break
    :: k < K -> k++;
take:
       atomic { rest != 0 -> POP(rest, c); assert(state[c] == IDLE); state[c] = LEASED };
       if
       :: !waits_for_answer[c] -> goto lend
       :: waits_for_answer[c]
       fi;
       if
       :: wire[c] == ANSWERED;
          atomic { receive(c); dirty[c] = false };
#if BUG != 65
          waits_for_answer[c] = false
#endif
       /* His patience is over; others may rest. */
       :: wire[c] != ANSWERED && !overdue[c] ->
#if BUG == 61
          waits_for_answer[c] = false;
          goto lend
#else
          atomic { assert(state[c] == LEASED); late = late | BIT(c) };
#if BUG == 67
          goto lend
#else
          c = NIL;
          goto take
#endif
#endif
       :: wire[c] != ANSWERED && overdue[c] ->
          atomic { assert(state[c] == LEASED); lose(c); c = NIL };
          goto take
       fi;
lend:
       atomic { assert(state[c] == LEASED); assert(!waits_for_answer[c] && wire[c] == QUIET && !dirty[c]); state[c] = LENT };
       /* The loan: a query and its answer, and something is left behind. */
       if
       :: send(c);
          wire[c] == ANSWERED || frozen[c];
          if
          :: atomic { wire[c] == ANSWERED -> receive(c); dirty[c] = true }
          :: atomic { wire[c] == ASKED -> assert(state[c] == LENT); lose(c); c = NIL }
          fi
       :: skip
       fi;
       if
       :: c == NIL -> goto over
       :: c != NIL
       fi;
       atomic { assert(state[c] == LENT); state[c] = LEASED }; /* the claim */
       if
       :: atomic { dirty[c] -> send(c); waits_for_answer[c] = BUG != 68 }
       :: !dirty[c]
       fi;
       atomic { assert(state[c] == LEASED); state[c] = IDLE; rest = rest | BIT(c); c = NIL };
over:  skip
    od;
    through++
}

active proctype Server() {
end:
    do
    :: d_step { wire[0] == ASKED && !frozen[0] -> wire[0] = ANSWERED }
    :: d_step { wire[MAX - 1] == ASKED && !frozen[MAX - 1] -> wire[MAX - 1] = ANSWERED }
    :: d_step { frozen_left > 0 && wire[0] == ASKED && !frozen[0] -> frozen_left--; frozen[0] = true }
    od
}

/* A bound passes, at the earliest when the answer has not come. */
active proctype Time() {
end:
    do
    :: d_step { waits_for_answer[0] && wire[0] == ASKED && !overdue[0] -> overdue[0] = true }
    :: d_step { waits_for_answer[MAX - 1] && wire[MAX - 1] == ASKED && !overdue[MAX - 1] -> overdue[MAX - 1] = true }
    od
}

active proctype Keeper() {
    byte c = NIL, s, watched;

end:
    do
    :: d_step { late != 0 -> watched = watched | late; late = 0 }
    :: d_step { (watched & BIT(s)) && wire[s] == ANSWERED -> assert(state[s] == LEASED);
           watched = watched & ~BIT(s);
#if BUG == 63
           waits_for_answer[s] = false;
#endif
           overdue[s] = false; state[s] = IDLE; rest = rest | BIT(s) }
#if BUG != 66
    :: d_step { (watched & BIT(s)) && wire[s] == ASKED && overdue[s] -> assert(state[s] == LEASED);
           watched = watched & ~BIT(s); lose(s) }
#endif
    :: d_step { watched & ~BIT(s) -> s = 1 - s }
    :: d_step { sweeps > 0 && rest != 0 -> sweeps--; POP(rest, c); assert(state[c] == IDLE); state[c] = LEASED };
       if
       /* Only one that owes no answer is asked whether it lives. */
       :: !waits_for_answer[c] || BUG == 64;
          send(c);
          if
          :: wire[c] == ANSWERED;
             receive(c)
          :: atomic { wire[c] == ASKED && frozen[c] -> assert(state[c] == LEASED); lose(c); c = NIL }
          fi
       :: waits_for_answer[c] && wire[c] == ANSWERED && BUG != 64;
          atomic { receive(c); dirty[c] = false; waits_for_answer[c] = false }
       :: waits_for_answer[c] && wire[c] == ASKED && BUG != 64
       fi;
       if
       :: atomic { c != NIL -> assert(state[c] == LEASED); state[c] = IDLE; rest = rest | BIT(c); c = NIL }
       :: c == NIL
       fi
    od
}

active proctype Judge() {
    d_step {
        timeout ->
        assert(through == NT && late == 0 && rest == BIT(MAX) - 1)
    }
}
