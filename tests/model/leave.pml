/* SPDX-License-Identifier: MIT */
/* Giving against leaving: one node's word, its futex, its next life. */
/*
 * NT waiters wait K times each on nodes that are used again, one holder of the
 * list gives, wakes and reads mail, DEADLINES of the waits run out, NAPS who are
 * woken for nothing nap. Finer than pond.pml: the load before each CAS, the park's
 * loop, the kernel's comparison, and the futex wake on its own, which may hit the
 * node's next life.
 *
 * SHOWN: exactly one of "gave" and "left" wins, and what was given is what its
 * owner reads; I5 (a node that is FREE is never decided on, `given` is there
 * before the word is final); I6b (at most one is WOKEN, the token is back at the
 * end); nobody sleeps for good.
 *
 * MAP
 *  park       src/core/waiters_owner.c:waiter_park
 *             src/core/waiters_owner.c:sleep_as waiters.16:acquire
 *             src/core/waiters_owner.c:word_move waiters.14:acquire waiters.15:seq_cst
 *  sleep      src/base/park.c:futex_wait
 *  leave      src/core/waiters_owner.c:waiter_leave
 *  woken      src/core/pond_wait.c:look_when_woken
 *             src/core/waiters_owner.c:waiter_lost
 *             src/core/waiters_owner.c:waiter_nap waiters.42:relaxed
 *  clear      src/core/waiters_owner.c:waiters_clear_token waiters.17:seq_cst
 *  end        src/core/waiters.c:waiters_end
 *  Holder     src/core/waiters_list.c:decide waiters.28:acquire waiters.12:seq_cst
 *             src/core/waiters_list.c:waiters_grant
 *             src/core/waiters_list.c:end_nap waiters.44:acquire waiters.45:seq_cst
 *             src/core/waiters_list.c:owe_wake
 *  Waker      src/core/waiters.c:waiters_exit
 *             src/core/waiters_list.c:waiters_wake_first waiters.18:seq_cst waiters.29:seq_cst
 *             src/core/waiters_list.c:read_mail waiters.7:seq_cst
 *             src/core/waiters_list.c:make_free waiters.25:relaxed waiters.26:relaxed
 */
#ifndef BUG
#define BUG 0
#endif
#ifndef NT
#define NT 2
#endif
#ifndef NN
#define NN NT
#endif
#ifndef K
#define K 2
#endif
#ifndef DEADLINES
#define DEADLINES 2
#endif
#define NIL 7
#define BIT(i) (1 << (i))
#if NN > 3
#error Waiter and Holder choose among 3 nodes
#endif
#define HAS_WORK(i) (mail[i] != 0 || listed[i])
#define FREE 0
#define AWAKE 1
#define PARKED 2
#define WOKEN 3
#define GRANTED 4
#define LEFT 5
#define NAPPING 6
#define HAS_TOKEN(state) (state == WOKEN || state == NAPPING)
#define JOIN 1
#define LEAVE 2

byte word[NN], given[NN], mail[NN];
bool asleep[NN], listed[NN], owed[NN], token;
#ifndef NAPS
#define NAPS 0
#endif
byte nodes = BIT(NN) - 1, deadlines = DEADLINES, naps = NAPS, through;
/* Waiters are alike: the one with the lowest number begins first, any order of
 * theirs is this one with other numbers. */
byte begun;
/* Ghosts: whose turn a node is in, and what was promised to that turn. */
byte promised[NN];
byte woken;

inline count_woken(n, to) {
    woken = woken - (HAS_TOKEN(word[n]) -> 1 : 0) + (HAS_TOKEN(to) -> 1 : 0);
    assert(woken <= 1);
    word[n] = to
}

active [NT] proctype Waiter() {
    byte n = NIL, k;
    bool late, took;

    do
    :: k == K -> break
    :: k < K -> k++; late = false; took = false;
       d_step {
           nodes != 0 && (k > 1 || begun == _pid) ->
           begun = begun + (k == 1 -> 1 : 0);
           n = (nodes & 1 -> 0 : (nodes & 2 -> 1 : 2));
           nodes = nodes & ~BIT(n);
           assert(word[n] == FREE)
       };
       word[n] = AWAKE;
       mail[n] = mail[n] | JOIN;
park:
       if
       :: d_step { word[n] == AWAKE -> count_woken(n, PARKED) }
       :: word[n] != AWAKE -> goto step
       fi;
look:
       if
       :: late -> goto awake
       :: !late && word[n] != PARKED -> goto step
       :: !late && word[n] == PARKED
       fi;
#if BUG == 54
       asleep[n] = true;
#else
       if
       :: d_step { word[n] == PARKED -> asleep[n] = true }
       :: word[n] != PARKED -> goto look
       fi;
#endif
       if
       :: !asleep[n] -> goto look
       :: d_step { asleep[n] && deadlines > 0 -> deadlines--; asleep[n] = false; late = true }
       fi;
awake:
       if
       :: d_step { word[n] == PARKED -> count_woken(n, AWAKE) }
       :: word[n] != PARKED
       fi;
step:
       if
       :: word[n] == GRANTED -> goto done
       :: word[n] == WOKEN -> goto look_when_woken
       :: word[n] == AWAKE && !late -> goto park
       :: word[n] == AWAKE && late
       fi;
leave:
#if BUG == 52
       if
       :: word[n] == AWAKE;
          d_step { count_woken(n, LEFT) }
#else
       if
       :: d_step { word[n] == AWAKE -> count_woken(n, LEFT) }
#endif
       :: d_step { word[n] == WOKEN -> count_woken(n, LEFT) };
#if BUG != 57
          token = false
#endif
       :: word[n] == GRANTED -> took = false; goto step
       fi;
       goto done;
look_when_woken:
       if
       :: took = true; /* found one at rest */
          goto leave
       :: if
          :: d_step { word[n] == WOKEN -> count_woken(n, AWAKE) };
             token = false;
             goto park
#if NAPS
          :: d_step { word[n] == WOKEN && naps > 0 -> naps--; count_woken(n, NAPPING) };
             if
             :: d_step { word[n] == NAPPING -> asleep[n] = true };
                if
                :: !asleep[n]
                :: d_step { asleep[n] -> asleep[n] = false }
                fi
             :: word[n] != NAPPING
             fi;
             if
             :: d_step { word[n] == NAPPING -> count_woken(n, WOKEN) }
             :: word[n] != NAPPING
             fi;
             goto step
#endif
          :: word[n] != WOKEN -> goto step
          fi
       fi;
done:
       atomic {
           if
           :: word[n] == GRANTED -> assert(given[n] == promised[n] && given[n] != 0); given[n] = 0
           :: else -> assert(word[n] == LEFT && promised[n] == 0)
           fi;
           promised[n] = 0
       };
#if BUG == 56
       d_step { count_woken(n, FREE); nodes = nodes | BIT(n) };
#else
       mail[n] = mail[n] | LEAVE;
#endif
       n = NIL
    od;
    through++
}

active proctype Holder() {
    byte n, from, post;

end:
    /* Any node with mail or in the list; at rest only when no node has either. */
    if
    :: d_step { HAS_WORK(0) -> n = 0 }
#if BUG != 58
    :: d_step { HAS_WORK(NN / 2) -> n = NN / 2 }
#endif
    :: d_step { HAS_WORK(NN - 1) -> n = NN - 1 }
    fi;
    if
    :: mail[n] != 0 ->
       d_step { post = mail[n]; mail[n] = 0 };
       listed[n] = listed[n] || (post & JOIN);
       if
       :: post & LEAVE -> listed[n] = false;
          d_step { assert(word[n] >= GRANTED); word[n] = FREE; nodes = nodes | BIT(n) }
       :: else
       fi
    :: listed[n] ->
       if
       :: from = GRANTED
       :: !token -> token = true; from = WOKEN
#if NAPS
       :: d_step { token && word[n] == NAPPING -> count_woken(n, WOKEN) };
          owed[n] = true;
          n = 0;
          goto end
#endif
       fi;
       post = from;
#if BUG != 53
       given[n] = (post == GRANTED -> 1 : given[n]);
#endif
again:
       from = word[n];
       if
       :: from == LEFT -> listed[n] = false;
          token = (post == WOKEN -> false : token)
       :: from != LEFT ->
          assert(from != FREE);
#if BUG == 51
          d_step { promised[n] = (post == GRANTED -> 1 : promised[n]); count_woken(n, post) };
#else
          if
          :: d_step { word[n] == from -> promised[n] = (post == GRANTED -> 1 : promised[n]); count_woken(n, post) }
          :: word[n] != from -> goto again
          fi;
#endif
#if BUG == 53
          given[n] = (post == GRANTED -> 1 : given[n]);
#endif
          if
          :: post == GRANTED -> listed[n] = false;
             if
             :: HAS_TOKEN(from) -> token = false
             :: else
             fi
          :: else
          fi;
          if
          :: (from == PARKED || from == NAPPING) && BUG != 55 -> owed[n] = true
          :: else
          fi
       fi
    fi;
    from = 0; post = 0; n = 0;
    goto end
}

/* The list is let go first, and the sleeper woken then: at any later moment. */
active proctype Waker() {
end:
    do
    :: d_step { owed[0] -> owed[0] = false; asleep[0] = false }
#if NN > 1
    :: d_step { owed[NN - 1] -> owed[NN - 1] = false; asleep[NN - 1] = false }
#endif
#if NN > 2
    :: d_step { owed[1] -> owed[1] = false; asleep[1] = false }
#endif
    od
}

active proctype Judge() {
    d_step {
        timeout ->
        assert(through == NT && !token && woken == 0 && nodes == BIT(NN) - 1)
    }
}
