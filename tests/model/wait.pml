/* SPDX-License-Identifier: MIT */
/* A borrower's wait: join and look, sleep, and every end of it. */
/*
 * Parameters: LATE, how many deadlines may pass (once for each wait); HURRIES,
 * likewise the times after which the burst places may be used; NAPS, how many
 * naps there may be, which end at any moment.
 *
 * MAP
 *  join       src/core/pond_wait.c:pond_join pond.23:seq_cst
 *             src/core/waiters_nodes.c:waiters_node waiters.4:seq_cst
 *             src/core/waiters.c:count_in pond.1:seq_cst
 *             src/core/waiters.c:waiters_join waiters.13:relaxed
 *  park       src/core/waiters_owner.c:waiter_park
 *             src/core/waiters_owner.c:sleep_as waiters.16:acquire
 *             src/core/waiters_owner.c:word_move waiters.14:acquire waiters.15:seq_cst
 *  hurry      src/core/waiters.c:waiters_hurry
 *             src/core/pond_wait.c:pond_await
 *  step       src/core/pond_wait.c:step
 *             src/core/pond_wait.c:end_given
 *             src/core/pond_wait.c:end_granted
 *  woken      src/core/pond_wait.c:look_when_woken
 *             src/core/pond_quick.h:pond_allow pond.7:seq_cst
 *             src/core/pond_wait.c:lose
 *             src/core/waiters_owner.c:waiter_nap waiters.42:relaxed
 *             src/core/waiters_owner.c:waiter_lost
 *  leave      src/core/waiters_owner.c:waiter_leave
 *  finish     src/core/pond_wait.c:finish
 *             src/core/waiters.c:waiters_end
 */
#ifndef LATE
#define LATE 0
#endif
#ifndef HURRIES
#define HURRIES 0
#endif
byte deadlines = LATE, hurries = HURRIES, naps = NAPS;
#define WAITS byte node = NIL; bool late, fast, fetched

/* The flags are read after a take: a pond that is shut gives nothing (I6). */
#ifdef CLOSES
#define CONFIRM_TAKE(k)                                                        \
    if                                                                         \
    :: d_step { c == NIL || !closing || BUG == 31 -> TOUCH }                   \
    :: d_step { c != NIL && closing && BUG != 31 -> TOUCH };                   \
       CALL(idle_and_look, k)                                                  \
    fi
#define RETURNS_WHEN_CLOSING RETURN(1) RETURN(4) RETURN(6)
#else
#define CONFIRM_TAKE(k) skip
#define RETURNS_WHEN_CLOSING
#endif

/* Goes on as a waiter, or at `refused`. */
inline join() {
#ifdef CLOSES
    d_step { TOUCH; POP(nodes, node); assert(node != NIL); nodes_out++ };
    if
    :: d_step { !closing -> TOUCH }
    :: d_step { closing -> TOUCH; nodes = nodes | BIT(node); node = NIL };
       d_step { TOUCH; nodes_out-- };
       CALL(pond_look, 1);
       goto refused
    fi;
#endif
#if BUG == 9
    CALL(pond_serve, 2);
#endif
    d_step {
        TOUCH;
#ifndef CLOSES
        POP(nodes, node); assert(node != NIL); nodes_out++;
#endif
        count++; word[node] = AWAKE; JOINED
    };
    post(node, JOIN);
#if BUG != 9
    CALL(pond_serve, 2);
#endif
    skip
}

/* Goes on at `have` with the session in c, at `refused` or at `timed_out`. */
inline await() {
    skip;
park:
    /* Parked and asleep in one step: nobody is woken who is not PARKED. */
    if
    :: d_step { !late && word[node] == AWAKE -> TOUCH; word[node] = PARKED; asleep[node] = true }
#if BUG == 10
    :: d_step { word[node] == WOKEN -> TOUCH; word[node] = PARKED; asleep[node] = true }
#endif
    :: d_step { late || word[node] != AWAKE -> TOUCH };
       goto step
    fi;
    if
    :: !asleep[node] -> goto step
    :: d_step { asleep[node] && deadlines > 0 -> deadlines--; late = true; asleep[node] = false }
    :: d_step { asleep[node] && hurries > 0 && !fast -> hurries--; fast = true; asleep[node] = false };
       if
       :: d_step { word[node] == PARKED -> TOUCH; word[node] = AWAKE }
       :: d_step { word[node] != PARKED -> TOUCH };
          goto step
       fi;
       post(node, HURRY);
       CALL(pond_serve, 3);
       goto park
    fi;
    if
    :: d_step { word[node] == PARKED -> TOUCH; word[node] = AWAKE }
    :: d_step { word[node] != PARKED -> TOUCH }
    fi;
step:
    if
    :: d_step { word[node] == GRANTED -> TOUCH; c = given[node]; given[node] = 0;
#ifndef CLOSES
           MOVE(c, HANDED, LEASED)
#endif
       };
#ifdef CLOSES
       if
       :: d_step { !closing -> TOUCH; MOVE(c, HANDED, LEASED) }
       :: d_step { closing -> TOUCH; MOVE(c, HANDED, IDLE) };
          CALL(idle_and_look, 4)
       fi;
#endif
       goto finish
    :: d_step { word[node] == REFUSED -> TOUCH };
       goto finish
    :: d_step { word[node] == WOKEN -> TOUCH };
       goto woken
    :: d_step { word[node] == AWAKE && !late -> TOUCH };
       goto park
    :: d_step { word[node] == AWAKE && late -> TOUCH }
    fi;
leave:
    if
    :: d_step { word[node] == AWAKE -> TOUCH; word[node] = LEFT }
    :: d_step { word[node] == WOKEN -> TOUCH; word[node] = LEFT; fetched = true }
    :: d_step { word[node] > WOKEN -> TOUCH };
       if
       :: c == NIL -> goto step
       :: c != NIL; /* granted or refused meanwhile */
          CALL(idle_and_look, 5);
          goto step
       fi
    fi;
#if BUG == 24
    clear_token();
#endif
    d_step {
        TOUCH; count--;
        if
        :: c != NIL -> MOVE(c, IDLE, LEASED)
        :: else
        fi
    };
    if
    :: !fetched
    :: fetched -> fetched = false;
#if BUG != 22 && BUG != 24
       clear_token() /* not before he is uncounted: see UNSERVED */
#endif
    fi;
    goto finish;
woken:
    idle_take(c);
    CONFIRM_TAKE(6);
    if
    :: c != NIL -> goto leave
    :: d_step { c == NIL && word[node] == WOKEN -> TOUCH; word[node] = AWAKE };
       UNLESS(11, clear_token());
       UNLESS(12, CALL(pond_serve, 7));
       goto park
#if NAPS
    :: d_step { c == NIL && word[node] == WOKEN && naps > 0 -> TOUCH; naps--; word[node] = NAPPING; asleep[node] = true };
       if
       :: !asleep[node]
       :: d_step { asleep[node] -> asleep[node] = false };
          if
          :: d_step { word[node] == NAPPING -> TOUCH; word[node] = WOKEN }
          :: d_step { word[node] != NAPPING -> TOUCH }
          fi
       fi;
       goto step
#endif
    :: d_step { c == NIL && word[node] > WOKEN -> TOUCH };
       goto step
    fi;
finish:
    fast = false;
#if BUG == 23
    d_step { TOUCH; word[node] = FREE; nodes = nodes | BIT(node); nodes_out-- };
#else
    post(node, LEAVE);
#endif
    node = NIL;
    CALL(pond_serve, 8);
    if
    :: c != NIL -> late = false; goto have
    :: c == NIL && late -> late = false; goto timed_out
    :: c == NIL && !late -> goto refused
    fi
}

#define RETURNS_OF_WAIT RETURN(2) RETURN(3) RETURN(5) RETURN(7) RETURN(8)
