/* SPDX-License-Identifier: MIT */
/* Where those who wait and those who bring sessions back meet. */
/*
 * WHAT. The lock-free heart of a pool: the slots, where idle ones rest, how
 * many there may be, who waits, and what is to be opened or hung up. It never
 * talks to a server and never sleeps but in pond_await.
 *
 * PLACES of a slot (I2: always exactly one):
 *
 *     vacant --order--> orders --opener--> [opener] --opened--+
 *       ^                                      |              v
 *       |                                  failed        put: idle <-> [borrower]
 *       +<--------------------------------------+             |  \
 *       |                                                  offers -> waiter
 *       +<-- vacate -- [keeper] <-- retirees <-- retire --[anyone's hands]
 *
 * INVARIANTS. I1, I4 (quota.h), I2 (above), I3: no stable state has an idle
 * session, or a free place that a waiter could use, and a waiter. I5, I6b
 * (waiters.h). I6: after pond_shut no take succeeds. I8: every path out of
 * OPENING ends in pond_opened or pond_open_failed.
 *
 * LINEARIZATION. take: idle's take, confirmed by the flags read after it.
 * put: idle's put, or the grant. shut: setting the flag.
 *
 * THE ONE RACE: the lost wake-up.
 *
 *     wrong:  borrower: looks, nothing       returner: puts, nobody waits
 *             borrower: joins, parks                   -> sleeps beside a
 *                                                         session at rest
 *     right:  borrower: joins, LOOKS, parks  returner: puts, LOOKS
 *
 * Both looks come after the other's write in the single order of seq_cst
 * operations (pond.1, pond.2): at least one of the two sees the other. The
 * borrower's look is a pass over everything that could serve it or end its
 * wait: offers, idle, quota, flags. Every event that changes one of these ends
 * with pond_look: put, vacate, failed connect, a changed limit or window,
 * resume, shut.
 *
 * RECLAMATION. Slots and nodes live as long as the pond. The pond lives while
 * a slot is not vacant or a waiter's node is in use; calls that hold neither
 * are inside a read-side section (base/reclaim.h), which the end waits for.
 * TOGETHER: everything but init and destroy. PROGRESS: taking and putting are
 * lock-free; a pass is done by one thread while the others leave notes.
 */
#ifndef DEWPOND_CORE_POND_H
#define DEWPOND_CORE_POND_H

#include "core/extents.h"
#include "core/idle.h"
#include "core/pace.h"
#include "core/quota.h"
#include "core/tallies.h"
#include "core/waiters.h"

/* Flags in the high half of waiters.front. */
#define POND_CLOSING (UINT64_C(1) << 32)
#define POND_SUSPENDED (UINT64_C(1) << 33)
#define POND_BROKEN (UINT64_C(1) << 34) /* connects have failed for long */
#define POND_UNREADY (UINT64_C(1) << 35) /* still being opened */
/* Nothing is lent, but sessions are opened, come back and are looked after. */
#define POND_PAUSED (POND_SUSPENDED | POND_UNREADY)

/* Who is told. The calls must not block and may come from any thread, also
 * from several at once, inside read-side sections and during a pass. */
struct pond_bells {
    void (*ordered)(void *arg);  /* an order waits for an opener */
    void (*retired)(void *arg);  /* a retiree waits for the keeper */
    void (*shutting)(void *arg); /* something the closer waits for moved */
    void *arg;
};

/* What a resize changes. waiters_max: UINT32_MAX no limit, 0 nobody queues. */
struct pond_sizes {
    uint32_t size, maxsize, waiters_max;
};

struct pond_plan {
    struct pond_sizes sizes; /* to begin with; later see pond_sizes */
    int64_t handoff_ns;   /* 0: strict order; INT64_MAX: never by age */
    int64_t burst_ns;     /* INT64_MAX: never beyond size */
    uint32_t window;      /* openings at once */
    bool self_service;    /* no opener threads: a waiter is let open itself */
    const struct parker *parker;
    struct pond_bells bells;
};

struct pond {
    struct waiters waiters;
    struct idle idle;
    struct stack offers;   /* HANDED slots on their way to a waiter */
    struct stack vacant;   /* VACANT slots */
    struct stack orders;   /* OPENING slots nobody works on yet */
    struct stack retirees; /* RETIRING slots to be hung up */
    struct quota quota;
    struct pace pace;
    /* Written by opening and closing only. */
    _Alignas(MEMORY_LINE) order_u32 openings; /* OPENING slots */
    order_u32 window;                         /* how many there may be */
    order_u64 stamp;                          /* see stamps below */
    _Alignas(MEMORY_LINE) order_u32 guests;   /* counted references */
    struct pond_plan plan;                    /* never changes */
    struct extents slots;
    order_ptr sizes;    /* struct pond_sizes; owner: the pond; resize's */
    order_u32 overhang; /* taken may be so many above the limit; resize's */
    struct tallies tallies;
};

/* False without memory. */
bool pond_init(struct pond *pond, const struct pond_plan *plan);
/* False: pond_init failed, or was not called on a pond that is all zero. */
bool pond_is_made(const struct pond *pond);
/* After pond_is_drained, and a grace period. */
void pond_destroy(struct pond *pond);

/* --- borrow and return: inside a read-side section --------------------------- */
/* Its quick half (take, put, lend, claim, look) is in pond_quick.h. */

/* Asked by a holder that was outside sections since it got its session, in the
 * section in which it lends it. False: the pond was paused or shut meanwhile;
 * put it back and wait. */
bool pond_may_lend(const struct pond *pond);

/* The slot of a loan that is out, for its borrower; NULL: a stale ticket. */
struct slot *pond_find(struct pond *pond, uint64_t ticket);
/* The holder gives it up: the keeper hangs it up. */
void pond_retire(struct pond *pond, struct slot *slot);

/* The holder took the session out of it: the place is free at once. */
void pond_forsake(struct pond *pond, struct slot *slot);

/* The keeper's round over what rests: LEASED, or NULL when it has seen all. */
struct slot *pond_sweep_take(struct pond *pond, uint32_t round);
/* It may stay: to a waiter, or to where this round does not look again; or as
 * pond_put. */
bool pond_sweep_put(struct pond *pond, struct slot *slot, uint32_t round);

/* --- waiting ------------------------------------------------------------------ */

enum pond_end {
    POND_SLOT,  /* *slot is LEASED to the caller */
    POND_LEAVE, /* *slot is OPENING: open it yourself (self_service) */
    POND_TIMED_OUT,
    POND_SHUT,  /* the pond is closing */
    POND_BROKE, /* nothing can come: connects fail, nothing is lent */
    POND_FULL,  /* too many wait already */
    POND_NO_MEMORY,
};

struct pond_wait {
    struct waiter_wish wish;
    int64_t deadline_ns; /* INT64_MAX: no limit */
    struct waiter *node; /* pond_join's */
    struct slot *slot;   /* pond_await's */
};

/* Inside a section, as pond_take: for a moment, if that is likely to help. */
struct slot *pond_spin(struct pond *pond);

/* Inside a section: counts as a waiter from here on. POND_SLOT: joined, go on
 * to pond_await; else POND_FULL, POND_NO_MEMORY, POND_SHUT, or POND_BROKE (a
 * try was ordered if one is due), and nothing else happened. */
enum pond_end pond_join(struct pond *pond, struct pond_wait *wait);

/* Outside a section. Sleeps until served, refused or timed out. */
enum pond_end pond_await(struct pond *pond, struct pond_wait *wait);

/* A caller outside sections that holds neither slot nor node: the pond is not
 * drained while it is here. comes: inside a section; goes: likewise, and the
 * last thing the guest does. */
void pond_guest_comes(struct pond *pond);
void pond_guest_goes(struct pond *pond);

/* --- opening and hanging up ----------------------------------------------------- */

/* Reserves a place below min(limit, ceiling) and orders a session for it.
 * False: no room now, or closing. */
bool pond_order(struct pond *pond, uint32_t ceiling);
/* The same, but the OPENING slot is the caller's to open; NULL: no room. */
struct slot *pond_order_own(struct pond *pond, uint32_t ceiling);
/* OPENING slots now: ordered, or being worked on. */
uint32_t pond_openings(const struct pond *pond);
/* For openers: an OPENING slot to work on, or NULL. */
struct slot *pond_next_order(struct pond *pond);
/* The slot has its session now: to whoever waits, or to idle. One that was
 * begun under an older epoch, or is one too many by now, is hung up on arrival.
 * Inside a section. */
void pond_opened(struct pond *pond, struct slot *slot);
/* The same, but the caller keeps it: LEASED (and looks at the epoch himself).
 * False: it is one too many, as in pond_put. Inside a section. */
bool pond_opened_own(struct pond *pond, struct slot *slot);
void pond_open_failed(struct pond *pond, struct slot *slot);
/* For the keeper: a RETIRING slot to hang up, or NULL. */
struct slot *pond_next_retiree(struct pond *pond);
/* RETIRING, its session is gone: the place is free again. */
void pond_vacate(struct pond *pond, struct slot *slot);

/* Sessions are to go, because the limit shrank below what stays. */
bool pond_has_excess(const struct pond *pond);
/* The OPENING slot, not begun yet, is one of them: the place is free again.
 * False: it is not, go on. */
bool pond_cancel_excess(struct pond *pond, struct slot *slot);

/* --- sizes ------------------------------------------------------------------------ */

struct pond_sizes pond_sizes(const struct pond *pond);
/* Replaces them; waits for readers. The limits hold at once, the excess goes
 * bit by bit; whoever looks after what rests is to be rung afterwards. False
 * without memory: nothing has changed. One at a time, outside sections, by a
 * guest. */
bool pond_resize(struct pond *pond, const struct pond_sizes *sizes);

/* --- stamps ---------------------------------------------------------------------- */
/*
 * Two numbers in one word, taken when a connect begins and compared at every
 * hand-out. The high half is the epoch: older sessions are replaced at their next
 * touch. The low half is the suspicion: older ones are probed at their next touch,
 * then stamped anew.
 */
#define POND_EPOCH_SHIFT 32
void pond_stamp(const struct pond *pond, struct slot *slot);
void pond_clear_suspicion(const struct pond *pond, struct slot *slot);
void pond_next_epoch(struct pond *pond);
/* All that are as old as this one are outdated, and it with them: true for the
 * first who says so of a generation. */
bool pond_outdate(struct pond *pond, const struct slot *slot);
/* The same, but this one is as good as new. */
bool pond_outlive(struct pond *pond, struct slot *slot);
/* A session with this slot's stamp was found dead: all as old are suspect.
 * Only the first one of a generation counts. */
void pond_suspect(struct pond *pond, const struct slot *dead);

/* --- the sockets of loans, for who must cut them --------------------------------------- */

void slot_note_socket(struct slot *slot, int fd, uint64_t identity);
/* Calls cut(fd, identity) for every loan that is out now. */
void pond_each_loan_socket(const struct pond *pond,
                           bool (*cut)(int fd, uint64_t identity));

/* --- loans, for who lists them ----------------------------------------------------------- */

/* A loan that is out, by the notes of its slot: they belong together. */
struct pond_loan {
    uint64_t number;  /* never 0, and of no other loan of the process */
    const char *file; /* NULL: the borrower did not say */
    int line;
    uint32_t thread; /* who borrowed it; it may be used by another by now */
    int64_t since_ms; /* when, coarse clock */
    uint64_t server_thread;
};

void slot_note_server_thread(struct slot *slot, uint64_t id);
/* Slots have the indices below; never less than before. */
uint32_t pond_slot_count(const struct pond *pond);
/* The loan of the slot with this index; false: none is out. */
bool pond_loan_at(const struct pond *pond, uint32_t index,
                  struct pond_loan *loan);
/* A loan that this thread borrowed and that is still out; false: none. Looks
 * at every slot: for slow paths. */
bool pond_loan_of(const struct pond *pond, uint32_t thread,
                  struct pond_loan *loan);

/* --- the pool's word -------------------------------------------------------------- */

void pond_raise(struct pond *pond, uint64_t flag);
void pond_lower(struct pond *pond, uint64_t flag);
bool pond_has(const struct pond *pond, uint64_t flag); /* any of them */
/* All flags of one moment (and the number of waiters). */
uint64_t pond_flags(const struct pond *pond);
void pond_set_window(struct pond *pond, uint32_t window);

/* While closing: a slot that rests or is offered, LEASED to the caller. */
struct slot *pond_drain(struct pond *pond);
/* After POND_CLOSING was raised: no session, no opening, no waiter's node is
 * left, and none will be. */
bool pond_is_drained(const struct pond *pond);

/* --- looking at it (pond_audit.c) --------------------------------------------------- */

struct pond_gauges {
    uint32_t open, idle, leased, opening, retiring, waiters;
    uint64_t loans;
};
void pond_gauge(const struct pond *pond, struct pond_gauges *gauges);

/* The self-audit. NULL: all invariants hold. "" : the pond moved too much to
 * tell. Otherwise a sentence, in `text`, about what is wrong. */
const char *pond_audit(const struct pond *pond, char *text, size_t size);

/* The keeper's safety net: wakes who should have been woken long ago. True
 * if there was somebody, which is a bug that the tallies count. */
#define POND_STUCK_NS INT64_C(200000000) /* no thread is kept off so long */
struct pond_stuck {
    int64_t since_ns, pause_ns; /* first seen so; when to look again */
    uint64_t passes;            /* as the last look found it */
    bool seen;
};
bool pond_rescue(struct pond *pond, struct pond_stuck *stuck);

#include "core/pond_lend.h"
#include "core/pond_quick.h"

#endif
