/* SPDX-License-Identifier: MIT */
/* The stack: CK's push and pop at single accesses, with its generation. */
/*
 * NT threads pop and push ROUNDS times each; ELEMENTS are on the stack. The
 * generation counts modulo 16, more than one run can pop.
 *
 * SHOWN: I2 (no element in two hands, none lost): the stack is a set to whoever
 * uses it, which is what the other models take it for.
 *
 * MAP
 *  push      src/core/stack.h:stack_push stack.1:release
 *  pop       src/core/stack.h:stack_pop stack.2:acquire stack.3:relaxed
 */
#ifndef BUG
#define BUG 0
#endif
#ifndef NT
#define NT 3
#endif
#ifndef ELEMENTS
#define ELEMENTS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define NIL 7
byte head = 0, generation, next[ELEMENTS], hands[ELEMENTS], through;

inline pop(mine) {
    do
    :: atomic { head == NIL -> mine = NIL; break }
    :: atomic { head != NIL -> seen = head; count = generation };
       after = next[seen];
       if
       :: d_step { head == seen && (generation == count || BUG == 71) ->
              head = after; generation = (generation + 1) % 16; mine = seen;
              hands[mine]++; assert(hands[mine] == 1) };
          break
       :: head != seen || generation != count
       fi
    od;
    atomic { seen = 0; count = 0; after = 0 }
}

inline push(mine) {
    do
    :: seen = head;
       next[mine] = seen;
       if
       :: atomic { head == seen || BUG == 72 -> hands[mine]--; head = mine; break }
       :: head != seen
       fi
    od;
    atomic { seen = 0; mine = NIL }
}

init {
    byte i;

    d_step {
        do
        :: i < ELEMENTS -> next[i] = (i + 1 == ELEMENTS -> NIL : i + 1); i++
        :: else -> break
        od
    };
    atomic {
        i = 0;
        do
        :: i < NT -> run Thread(); i++
        :: else -> i = 0; break
        od
    };
    through == NT;
    atomic {
        do
        :: head != NIL && i <= ELEMENTS -> i++; head = next[head]
        :: else -> break
        od;
        assert(i == ELEMENTS)
    }
}

proctype Thread() {
    byte mine = NIL, another = NIL, seen, count, after, k;

    do
    :: k == ROUNDS -> break
    :: k < ROUNDS -> k++;
       pop(mine);
       if
       :: mine != NIL -> pop(another)
       :: mine != NIL
       :: mine == NIL
       fi;
       if
       :: mine != NIL -> push(mine)
       :: mine == NIL
       fi;
       if
       :: another != NIL -> push(another)
       :: another == NIL
       fi
    od;
    through++
}
