/* SPDX-License-Identifier: MIT */
/* The breaker: what is told to the pond, and who may hope. */
/*
 * OPENERS connect to a server that may be away, a keeper calls what is due, NT
 * borrowers wait for a session. The breaker is under its lock: each of its calls is
 * one step. What it says reaches the pond in several: the verdict is made, the
 * flag moves, the window moves. The pond's pass is one step here (see pond.pml).
 * Time (with PATIENT, fail_fast_after_ms off) is a bound that may have passed: the backoff, fail_fast_after_ms, and 5 s of
 * quiet.
 *
 * SHOWN: an older verdict is never told after a newer one (when nothing is being
 * told, the pond's window and flag are those of the last verdict); as long as connects
 * fail a try is under way, allowed or due; nobody waits for good (refused while
 * nothing lives and the breaker is open, served when the server is back); never
 * more openings begin than the window told.
 * LTL served_or_refused: if the server is back for good, whoever waits is served or
 * refused. (Its planted bug, 85, is for it alone: a keeper that always has
 * something to do never comes to the state that the assertions look at.)
 *
 * MAP
 *  failed     src/keeper/breaker.c:breaker_failed
 *             src/keeper/breaker.c:schedule
 *  succeeded  src/keeper/breaker.c:breaker_succeeded
 *             src/keeper/breaker.c:clear
 *  due        src/keeper/breaker.c:breaker_due
 *             src/keeper/breaker.c:forget_at
 *             src/keeper/breaker.c:forget
 *  apply      src/keeper/keeper.c:keeper_apply
 *             src/keeper/breaker.c:breaker_tell_begin
 *             src/keeper/breaker.c:is_broken
 *             src/keeper/breaker.c:breaker_tell_end
 *             src/core/pond_life.c:pond_raise pond.6:seq_cst
 *             src/core/pond_life.c:pond_lower pond.19:seq_cst
 *             src/core/pond_life.c:pond_set_window pond.13:seq_cst
 *  Opener     src/keeper/openers.c:opener_connect
 *             src/keeper/openers.c:connect_slot
 *             src/keeper/openers.c:tell_failure
 *  look       src/core/pond_serve.c:pass_open
 *             src/core/pond_serve.c:refuse
 *             src/core/pond_open.c:window_reserve pond.12:seq_cst
 *             src/core/pond_audit.c:pond_living
 *  Keeper     src/keeper/keeper.c:tell_what_is_due
 */
#ifndef BUG
#define BUG 0
#endif
#ifndef NT
#define NT 2
#endif
#ifndef OPENERS
#define OPENERS 2
#endif
#ifndef FAILURES
#define FAILURES 2
#endif
#define WINDOW_MAX OPENERS
/* What a planted bug leaves out. */
#define UNLESS(bug, step) if :: BUG == bug :: BUG != bug -> step fi

/* The breaker's, guarded by its lock. */
byte window = WINDOW_MAX, tries;
bool failing, due, stopped, long_enough, told_broken;
bool telling; /* the second mutex: who tells */
/* The pond's. */
byte pond_window = WINDOW_MAX, openings, orders, living;
bool pond_broken;
/* Waiters are alike: only their number counts. */
byte waiting, served, refused;
byte failures = FAILURES;
bool back_for_good;

/* A pass: as many openings as wait and as the window allows; then all are refused
 * if nothing lives and the breaker is open. */
inline order_one() {
    if
    :: waiting > openings && openings < pond_window && living + openings < NT ->
       openings++; orders++; assert(openings <= WINDOW_MAX)
    :: else
    fi
}

inline look() {
    d_step {
        order_one();
        order_one();
        if
        :: waiting > 0 && pond_broken && living == 0 -> refused = refused + waiting; waiting = 0
        :: else
        fi
    }
}

inline apply() {
    atomic { !telling || BUG == 81 -> telling = true };
    d_step { told_broken = failing && (stopped || long_enough); say_broken = told_broken; say_window = window };
    if
    :: say_broken -> pond_broken = true; look()
    :: !say_broken && pond_broken && say_window != 0 -> pond_broken = false; look()
    :: !say_broken && !(pond_broken && say_window != 0)
    fi;
    pond_window = say_window;
    UNLESS(82, look());
    d_step { telling = false; say_broken = false; say_window = 0 }
}

active [NT] proctype Borrower() {
    if
    :: d_step { pond_broken && living == 0 -> refused++ }
    :: d_step { !(pond_broken && living == 0) -> waiting++ };
       look()
    fi
}

active [OPENERS] proctype Opener() {
    byte say_window;
    bool say_broken;

end:
    do
    :: d_step { orders > 0 -> orders--; tries++ };
       if
       :: d_step { failures > 0 && !back_for_good -> failures--;
              failing = true; stopped = false; window = 0; due = BUG != 83;
              long_enough = false };
          apply();
          d_step { tries-- };
          d_step { openings-- };
          UNLESS(84, look())
       :: d_step { failures == 0 || back_for_good -> failing = false; due = false; stopped = false; long_enough = false;
              window = (window < WINDOW_MAX -> window + 1 : window) };
          apply();
          d_step { tries-- };
          d_step { openings--;
              if
              :: waiting > 0 -> waiting--; served++
              :: else
              fi;
              living++ };
          look()
       fi
    od
}

active proctype Keeper() {
    byte say_window;
    bool say_broken;

end:
    do
#if BUG == 85
    :: d_step { due -> due = true }; /* schedule() once more, no try */
#else
    :: d_step { due -> due = false; window = 1 };
#endif
       apply()
#ifndef PATIENT
    /* fail_fast_after_ms have passed. */
    :: d_step { failing && !long_enough -> long_enough = true };
       apply()
#endif
    /* A try has come due, and nobody wanted one for 5 s. */
    :: d_step { failing && tries == 0 && !due && waiting == 0 ->
           failing = false; long_enough = false; stopped = false;
           window = (window == 0 -> 1 : window) };
       apply()
    :: d_step { !back_for_good -> back_for_good = true }
    od
}

/* Nothing can go on: what was told last is what is so, and nobody waits. */
active proctype Judge() {
    d_step {
        timeout ->
        assert(waiting == 0 && served + refused == NT && openings == 0 && tries == 0);
        assert(pond_window == window && pond_broken == told_broken);
        assert(!failing || window > 0 || due)
    }
}

ltl served_or_refused { (<> back_for_good) -> [] (waiting > 0 -> <> (waiting == 0)) }
