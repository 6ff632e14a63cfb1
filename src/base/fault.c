/* SPDX-License-Identifier: MIT */
/* Fault points and seeded yields: real in the testing twin, nothing else. */
/*
 * Everything shared here is relaxed on purpose: a fault or race point must
 * not order the code around it, or it would hide from ThreadSanitizer the
 * very races that it is there to provoke. Only the hook is published.
 */
#include "base/fault.h"

#ifdef DEWPOND_TESTING

#include "base/order.h"

#include <sched.h>
#include <stdlib.h>

struct point {
    order_u32 passes;   /* since the last arming */
    order_u32 nth;      /* the pass that fails; 0: none */
    order_u32 for_good; /* and all after it */
};

static struct point points[FAULT_POINTS];

#define SECOND_NS (UINT64_C(1000) * 1000 * 1000)
#define HOUR_NS (3600 * SECOND_NS)

static struct {
    order_u64 ahead_ns;   /* of the kernel's clock; never less than before */
    order_u64 last_ns[2]; /* said since the clock was armed: exact, coarse */
} time_told;

const char *
fault_name(enum fault_point point)
{
    static const char *const names[FAULT_POINTS] = {
        [FAULT_ALLOC] = "alloc",
        [FAULT_ONCE] = "once",
        [FAULT_CONNECT] = "connect",
        [FAULT_RESET] = "reset",
        [FAULT_PING] = "ping",
        [FAULT_THREAD] = "thread",
        [FAULT_DESCRIPTOR] = "fd",
        [FAULT_POLL] = "poll",
        [FAULT_SIGNAL] = "signal",
        [FAULT_FUTEX] = "futex",
        [FAULT_RANDOM] = "random",
        [FAULT_CLOCK_JUMP] = "jump",
        [FAULT_CLOCK_STILL] = "still",
    };

    return point < FAULT_POINTS ? names[point] : "unknown";
}

/* 0: it passes. 1: it is the pass that fails, 2: a later one, for good. */
static int
pass(enum fault_point point)
{
    struct point *const at = &points[point];
    /* ORDER fault.1 relaxed: a tally; which of two threads gets the n-th pass
     * is open anyway. */
    const uint32_t passes = order_add_relaxed_u32(&at->passes, 1) + 1;
    /* ORDER fault.2 relaxed: a lone number, nothing is read through it. */
    const uint32_t nth = order_load_relaxed_u32(&at->nth);

    if (nth == 0 || passes <= nth) {
        return nth != 0 && passes == nth ? 1 : 0;
    }
    /* ORDER fault.3 relaxed: as fault.2. */
    return order_load_relaxed_u32(&at->for_good) != 0 ? 2 : 0;
}

bool
fault(enum fault_point point)
{
    return pass(point) != 0;
}

void
fault_arm(enum fault_point point, uint32_t nth, bool for_good)
{
    struct point *const at = &points[point];

    /* ORDER fault.4 relaxed: disarmed first, so that a pass in between is
     * not taken for the n-th of the new plan by the old count. */
    order_store_relaxed_u32(&at->nth, 0);
    /* ORDER fault.5 relaxed: as fault.4. */
    order_store_relaxed_u32(&at->for_good, for_good ? 1 : 0);
    /* ORDER fault.6 relaxed: as fault.4. */
    order_store_relaxed_u32(&at->passes, 0);
    if (point == FAULT_CLOCK_STILL) {
        /* ORDER fault.9 relaxed: as fault.4. */
        order_store_relaxed_u64(&time_told.last_ns[0], 0);
        /* ORDER fault.10 relaxed: as fault.4. */
        order_store_relaxed_u64(&time_told.last_ns[1], 0);
    }
    /* ORDER fault.7 relaxed: as fault.4. */
    order_store_relaxed_u32(&at->nth, nth);
}

uint32_t
fault_passes(enum fault_point point)
{
    /* ORDER fault.8 relaxed: a tally. */
    return order_load_relaxed_u32(&points[point].passes);
}

static bool
is_armed(enum fault_point point)
{
    /* ORDER fault.11 relaxed: as fault.2. */
    return order_load_relaxed_u32(&points[point].nth) != 0;
}

/* The clock never goes back, nor stands still when it may not. */
static int64_t
tell(order_u64 *last_ns, uint64_t now_ns)
{
    /* ORDER fault.12 relaxed: a lone number. */
    uint64_t last = order_load_relaxed_u64(last_ns);

    if (fault(FAULT_CLOCK_STILL) && last != 0) {
        return (int64_t)last;
    }
    /* ORDER fault.13 seq_cst: the greatest of all; while armed only. */
    while (last < now_ns && !order_cas_seq_u64(last_ns, &last, now_ns)) {
    }
    return (int64_t)(last < now_ns ? now_ns : last);
}

int64_t
fault_clock(int64_t kernel_ns, bool coarse)
{
    const int jump = is_armed(FAULT_CLOCK_JUMP) ? pass(FAULT_CLOCK_JUMP) : 0;

    if (jump != 0) {
        /* Later ones are shorter: who looks for the time in a busy loop would
         * else wear out 64 bits of it. */
        /* ORDER fault.14 relaxed: a lone number that only grows. */
        (void)order_add_relaxed_u64(&time_told.ahead_ns,
                                    jump == 1 ? HOUR_NS : SECOND_NS);
    }
    /* ORDER fault.15 relaxed: as fault.14. */
    const uint64_t ahead = order_load_relaxed_u64(&time_told.ahead_ns);
    const uint64_t now_ns = (uint64_t)kernel_ns + ahead;

    return is_armed(FAULT_CLOCK_STILL)
               ? tell(&time_told.last_ns[coarse ? 1 : 0], now_ns)
               : (int64_t)now_ns;
}

int64_t
fault_clock_kernel(int64_t ns)
{
    /* ORDER fault.16 relaxed: as fault.14. */
    return ns - (int64_t)order_load_relaxed_u64(&time_told.ahead_ns);
}

/* A hook and its argument, together behind one pointer. Never freed: a thread
 * may still be on its way into it. */
struct hook {
    void (*call)(const char *name, void *arg);
    void *arg;
    struct hook *older; /* keeps every record reachable */
};

static struct {
    order_ptr hook;
    order_u64 seed;
    order_u32 one_in;
    order_u32 sowing; /* counts race_seed calls: threads start again */
    order_u32 next_number;
} race;

/* A thread's own stream of random numbers, a function of seed and number. */
static _Thread_local struct {
    uint64_t state;
    uint32_t sowing;
    uint32_t number;
    bool numbered;
} stream;

void
race_seed(uint64_t seed, uint32_t one_in)
{
    /* ORDER race.1 relaxed: a thread that sees some of these late draws a few
     * numbers from the seed before; nothing depends on it. */
    order_store_relaxed_u64(&race.seed, seed);
    /* ORDER race.2 relaxed: as race.1. */
    order_store_relaxed_u32(&race.next_number, 1);
    /* ORDER race.3 relaxed: as race.1. */
    (void)order_add_relaxed_u32(&race.sowing, 1);
    /* ORDER race.4 relaxed: as race.1. */
    order_store_relaxed_u32(&race.one_in, one_in);
}

void
race_thread(uint32_t number)
{
    stream.number = number;
    stream.numbered = true;
    stream.sowing = 0;
}

void
race_hook(void (*hook)(const char *name, void *arg), void *arg)
{
    static struct hook *newest;
    struct hook *record = NULL;

    if (hook != NULL) {
        record = malloc(sizeof *record);
        if (record == NULL) {
            abort();
        }
        *record = (struct hook){hook, arg, newest};
        newest = record;
    }
    /* ORDER race.5 release <-> race.6: the record is whole before a thread
     * can find it. */
    order_store_release_ptr(&race.hook, record);
}

static void
start_stream(uint32_t sowing)
{
    uint64_t number = stream.number;

    if (!stream.numbered) {
        /* ORDER race.7 relaxed: only uniqueness counts. */
        number = order_add_relaxed_u32(&race.next_number, 1);
        number |= UINT64_C(1) << 32;
    }
    /* ORDER race.8 relaxed: as race.1. */
    stream.state = order_load_relaxed_u64(&race.seed) ^
                   (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    if (stream.state == 0) {
        stream.state = 1; /* xorshift would stay at zero */
    }
    stream.sowing = sowing;
}

/* xorshift64* */
static uint64_t
draw(void)
{
    stream.state ^= stream.state >> 12;
    stream.state ^= stream.state << 25;
    stream.state ^= stream.state >> 27;
    return (stream.state * UINT64_C(0x2545F4914F6CDD1D)) >> 32;
}

bool
race_draw(void)
{
    /* ORDER race.9 relaxed: as race.1. */
    const uint32_t one_in = order_load_relaxed_u32(&race.one_in);

    if (one_in == 0) {
        return false;
    }
    /* ORDER race.10 relaxed: as race.1. */
    const uint32_t sowing = order_load_relaxed_u32(&race.sowing);
    if (stream.sowing != sowing) {
        start_stream(sowing);
    }
    return draw() % one_in == 0;
}

void
race_point(const char *name)
{
    /* ORDER race.6 acquire <-> race.5: calls a whole record. */
    const struct hook *const hook = order_load_acquire_ptr(&race.hook);

    if (hook != NULL) {
        hook->call(name, hook->arg);
    } else if (race_draw()) {
        (void)sched_yield();
    }
}

#endif
