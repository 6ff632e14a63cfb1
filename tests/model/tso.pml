/* SPDX-License-Identifier: MIT */
/* Put-then-look against join-then-look where stores wait in a buffer (x86-TSO). */
/*
 * RETURNS return a session each, NT borrowers find nothing, join and park. Each
 * thread's stores go into its own buffer, first in first out, and reach memory when
 * they like; it reads its own youngest store first; a locked instruction waits for
 * its buffer to be empty. That is x86-TSO. Which access is a plain store or load and
 * which a locked instruction is what the compiler makes of the notes below: seq_cst
 * read-modify-writes and CK's CAS are locked, all loads are plain, and so are
 * release and relaxed stores.
 *
 * SHOWN: nobody parks beside a session at rest (I3), no note is lost, and who finds
 * a session or a node finds what was written to it before.
 *
 * MAP
 *  put       src/core/slot_steps.h:slot_move slot.5:release
 *            src/core/idle.h:idle_warm_put idle.2:seq_cst
 *            src/core/idle.c:push_and_fence idle.6:fence
 *            src/core/stack.h:stack_push stack.1:release
 *  look      src/core/pond_quick.h:pond_look pond.2:seq_cst
 *  join      src/core/waiters.c:count_in pond.1:seq_cst
 *            src/core/waiters.c:waiters_join waiters.13:relaxed
 *            src/core/waiters.c:post waiters.6:seq_cst waiters.9:seq_cst
 *  serve     src/core/waiters.c:waiters_enter waiters.19:seq_cst
 *            src/core/waiters_list.c:waiters_collect waiters.21:seq_cst waiters.10:seq_cst
 *            src/core/idle.c:idle_any idle.5:seq_cst
 *            src/core/stack.h:stack_any stack.4:relaxed
 *            src/core/waiters.c:unlock waiters.20:seq_cst
 */
#ifndef BUG
#define BUG 0
#endif
#ifndef NT
#define NT 1
#endif
#ifndef RETURNS
#define RETURNS 1
#endif
#define THREADS (NT + RETURNS)
#define DEPTH 4

/* Memory: a word for each. */
#define COUNT 0
#define WARM 1  /* or, ON_STACK, the stack's head: sessions + 1 at rest */
#define LOCK 2  /* LOCKED 1, PENDING 2 */
#define INBOX 3 /* a set of nodes */
#define SLOT 4  /* + i: the fields of session i */
#define NODE 6  /* + i: the fields of node i, its wish and word */
byte memory[8];
/* The buffers. */
byte where[THREADS * DEPTH], what[THREADS * DEPTH], held[THREADS];
bool done[NT];
byte line; /* the holder's list, a set; the lock hands it on */
byte through;

#define AT(i) (_pid * DEPTH + i)
inline store(address, value) {
    d_step { assert(held[_pid] < DEPTH); where[AT(held[_pid])] = address; what[AT(held[_pid])] = value; held[_pid]++ }
}
inline load(address, into) {
    d_step {
        into = memory[address];
        i = 0;
        do
        :: i < held[_pid] -> into = (where[AT(i)] == address -> what[AT(i)] : into); i++
        :: else -> i = 0; break
        od
    }
}
#define EMPTY held[_pid] == 0

active [THREADS] proctype Thread() {
    byte i, seen, front;

    if
    :: _pid < RETURNS -> goto put
    :: else -> goto join
    fi;
put:
    skip;
    store(SLOT + _pid, 1);
#if BUG == 91
    load(WARM, seen);
    store(WARM, seen | (1 << _pid));
#else
    d_step { EMPTY -> memory[WARM] = memory[WARM] | (1 << _pid) };
#endif
    load(COUNT, front);
    if
    :: front == 0 -> goto end
    :: front != 0 -> front = 0; seen = 0; goto serve
    fi;
join:
    skip;
#if BUG == 92
    store(COUNT, 1);
    store(NODE, 1);
    store(INBOX, 1);
    load(WARM, front);
    if
    :: front == 0 -> goto served
    :: front != 0 -> goto serve
    fi;
#else
    d_step { EMPTY -> memory[COUNT]++ };
#endif
    store(NODE + _pid - RETURNS, 1);
#if BUG == 95
    load(INBOX, seen);
    store(INBOX, seen | (1 << (_pid - RETURNS)));
#else
    d_step { EMPTY -> memory[INBOX] = memory[INBOX] | (1 << (_pid - RETURNS)) };
#endif
    seen = 0;
serve:
    skip;
#if BUG == 94
    load(LOCK, seen);
    store(LOCK, 3);
#else
    atomic { EMPTY -> seen = memory[LOCK]; memory[LOCK] = 3 };
#endif
    if
    :: seen & 1 -> seen = 0; goto served
    :: !(seen & 1)
    fi;
pass:
    atomic { EMPTY -> memory[LOCK] = 1 };
    d_step { EMPTY -> seen = memory[INBOX]; memory[INBOX] = 0; line = line | seen };
    /* What was mailed is there. */
    if
    :: seen & 1 -> load(NODE, front); assert(front == 1)
    :: !(seen & 1)
    fi;
    load(COUNT, front);
#ifdef ON_STACK
    /* An empty warm slot is looked at before the stack. */
    load(SLOT + 1, front);
#endif
    load(WARM, front);
    if
    :: line == 0 || front == 0
    :: d_step { line != 0 && front != 0 && EMPTY -> seen = memory[WARM];
           memory[WARM] = (seen & 1 -> seen - 1 : 0) };
       if
       :: seen != 0 ->
          load(SLOT + (seen & 1 -> 0 : 1), front);
          assert(front == 1); /* what its holder wrote before the put */
          d_step { EMPTY -> seen = (line & 1 -> 0 : 1); line = line & ~(1 << seen);
              done[seen] = true; memory[COUNT]-- };
          seen = 0; front = 0;
          goto pass
       :: seen == 0
       fi
    fi;
    seen = 0; front = 0;
#if BUG == 93
    load(LOCK, seen);
    if
    :: seen == 1 -> seen = 0; store(LOCK, 0)
    :: seen != 1 -> seen = 0; goto pass
    fi;
#else
    if
    :: d_step { EMPTY && memory[LOCK] == 1 -> memory[LOCK] = 0 }
    :: atomic { EMPTY && memory[LOCK] != 1 -> goto pass }
    fi;
#endif
served:
    if
    :: _pid < RETURNS
    :: _pid >= RETURNS && done[(_pid < RETURNS -> 0 : _pid - RETURNS)]
    :: _pid >= RETURNS && RETURNS < NT /* more wait than come back */
    fi;
end:
    through++
}

/* One step of the machine: the oldest store of one thread reaches memory. */
#define FLUSH(t)                                                               \
    :: d_step { held[t] > 0 ->                                                 \
           memory[where[t * DEPTH]] = what[t * DEPTH];                         \
           held[t]--; i = 0;                                                   \
           do                                                                  \
           :: i < held[t] -> where[t * DEPTH + i] = where[t * DEPTH + i + 1];  \
              what[t * DEPTH + i] = what[t * DEPTH + i + 1]; i++               \
           :: else -> where[t * DEPTH + i] = 0; what[t * DEPTH + i] = 0;       \
              i = 0; break                                                     \
           od }

active proctype Memory() {
    byte i;

end:
    do
    FLUSH(0)
    FLUSH(1)
#if THREADS > 2
    FLUSH(2)
#endif
#if THREADS > 3
    FLUSH(3)
#endif
    od
}

active proctype Judge() {
    d_step {
        timeout ->
        assert(through == THREADS && memory[COUNT] == 0 && memory[LOCK] == 0)
    }
}
