/* SPDX-License-Identifier: MIT */
/* Runs coroutines one at a time and tries the orders in which they can run. */
#include "sched.h"

#include <setjmp.h>
#include <stddef.h>
#include <ucontext.h>

#define STACK_BYTES 65536
#define NOBODY SCHED_THREADS

struct thread {
    void (*body)(void *arg);
    void *arg;
    const void *blocked_on; /* NULL: it can run */
    int64_t deadline_ns;
    bool daemon, started, done;
    jmp_buf where;
    ucontext_t first;
    _Alignas(16) char stack[STACK_BYTES];
};

static struct {
    struct thread threads[SCHED_THREADS + 1]; /* the last one is NOBODY */
    uint32_t count, self;
    struct sched_search *search;
    uint64_t random;
    uint32_t switch_one_in;
    uint32_t preemptions, points, random_depth;
    int64_t now_ns;
    bool running;
    const char *failure;
    jmp_buf home;
} run;

int64_t
sched_now_ns(void)
{
    return run.now_ns;
}

uint32_t
sched_self(void)
{
    return run.self;
}

static uint32_t
draw(uint32_t below)
{
    run.random ^= run.random << 13;
    run.random ^= run.random >> 7;
    run.random ^= run.random << 17;
    return (uint32_t)(run.random >> 33) % below;
}

/* --- switching ------------------------------------------------------------ */

static void
resume(uint32_t index)
{
    struct thread *thread = &run.threads[index];

    run.self = index;
    if (thread->started) {
        _longjmp(thread->where, 1);
    }
    thread->started = true;
    (void)setcontext(&thread->first);
}

/* The registers of one thread are saved with setjmp and another's restored:
 * ucontext alone makes a system call for each switch. */
static void __attribute__((noinline)) switch_to(uint32_t next)
{
    struct thread *from = &run.threads[run.self];

    if (next == run.self) {
        return;
    }
    if (_setjmp(from->where) == 0) {
        resume(next);
    }
}

static _Noreturn void
go_home(void)
{
    run.running = false;
    _longjmp(run.home, 1);
}

void
sched_fail(const char *what)
{
    if (run.failure == NULL) {
        run.failure = what;
    }
    if (run.running) {
        go_home();
    }
}

/* --- who may go on -------------------------------------------------------- */

struct ways {
    uint32_t to[SCHED_THREADS + 1];
    uint32_t count;
    uint32_t unforced; /* the first so many cost no preemption */
};

static bool
can_run(uint32_t index)
{
    const struct thread *thread = &run.threads[index];

    return index < run.count && !thread->done && thread->blocked_on == NULL;
}

static uint32_t
earliest_sleeper(void)
{
    uint32_t earliest = NOBODY;

    for (uint32_t i = 0; i < run.count; i++) {
        const struct thread *thread = &run.threads[i];

        if (!thread->done && thread->blocked_on != NULL &&
            thread->deadline_ns != INT64_MAX &&
            (earliest == NOBODY ||
             thread->deadline_ns < run.threads[earliest].deadline_ns)) {
            earliest = i;
        }
    }
    return earliest;
}

static struct ways
ways_on(void)
{
    struct ways ways = {.count = 0};
    const bool self_runs = can_run(run.self);

    if (self_runs) {
        ways.to[ways.count++] = run.self;
    }
    for (uint32_t i = 0; i < run.count; i++) {
        if (i != run.self && can_run(i)) {
            ways.to[ways.count++] = i;
        }
    }
    ways.unforced = self_runs ? 1 : ways.count;
    const uint32_t sleeper = earliest_sleeper();
    if (sleeper != NOBODY) {
        ways.to[ways.count++] = sleeper;
        ways.unforced += ways.unforced == 0;
    }
    return ways;
}

static void
wake_by_clock(uint32_t index)
{
    if (run.threads[index].deadline_ns > run.now_ns) {
        run.now_ns = run.threads[index].deadline_ns;
    }
    for (uint32_t i = 0; i < run.count; i++) {
        if (run.threads[i].deadline_ns <= run.now_ns) {
            run.threads[i].blocked_on = NULL;
        }
    }
}

/* --- choosing ------------------------------------------------------------- */

static uint32_t
choose_freely(const struct ways *ways)
{
    if (can_run(run.self) && draw(run.switch_one_in) != 0) {
        return 0;
    }
    return draw(ways->count);
}

static uint32_t
choose(const struct ways *ways)
{
    struct sched_search *search = run.search;
    const uint32_t at = search->depth;
    struct sched_choice *choice = &search->choices[at];

    if (at == SCHED_DEPTH - 1) {
        sched_fail("too many choices in one schedule");
    }
    search->depth++;
    choice->options = (uint8_t)ways->count;
    if (search->kind == SCHED_DFS && run.preemptions >= search->bound) {
        choice->options = (uint8_t)ways->unforced;
    }
    if (at >= search->prefix) {
        choice->taken =
            search->kind == SCHED_RANDOM ? (uint8_t)choose_freely(ways) : 0;
    }
    if (choice->taken >= ways->count) {
        sched_fail("this schedule is of another program");
    }
    run.preemptions += choice->taken >= ways->unforced;
    return choice->taken;
}

/* NOBODY: nobody can go on. */
static uint32_t
pick(void)
{
    const struct ways ways = ways_on();

    if (ways.count == 0) {
        return NOBODY;
    }
    const uint32_t next = ways.to[ways.count > 1 ? choose(&ways) : 0];
    if (!can_run(next)) {
        wake_by_clock(next);
    }
    return next;
}

/* --- a thread's calls ----------------------------------------------------- */

void
sched_point(void)
{
    if (!run.running) {
        return;
    }
    if (++run.points > SCHED_POINTS) {
        sched_fail("livelock: it goes on and on");
    }
    switch_to(pick());
}

void
sched_point_minor(void)
{
    if (run.running && run.search->minor) {
        sched_point();
    }
}

static void
leave_cpu(void)
{
    const uint32_t next = pick();

    if (next == NOBODY) {
        go_home();
    }
    switch_to(next);
}

void
sched_block(const void *on, int64_t deadline_ns)
{
    struct thread *self = &run.threads[run.self];

    self->blocked_on = on;
    self->deadline_ns = deadline_ns;
    leave_cpu();
    self->deadline_ns = INT64_MAX;
}

void
sched_wake(const void *on, uint32_t count)
{
    for (uint32_t i = 0; i < run.count && count > 0; i++) {
        if (run.threads[i].blocked_on == on) {
            run.threads[i].blocked_on = NULL;
            count--;
        }
    }
}

/* --- a run ---------------------------------------------------------------- */

static void
thread_main(void)
{
    struct thread *self = &run.threads[run.self];

    self->body(self->arg);
    self->done = true;
    leave_cpu();
}

void
sched_thread(void (*body)(void *arg), void *arg, bool daemon)
{
    struct thread *thread = &run.threads[run.count++];

    thread->body = body;
    thread->arg = arg;
    thread->daemon = daemon;
    thread->blocked_on = NULL;
    thread->deadline_ns = INT64_MAX;
    thread->started = thread->done = false;
    (void)getcontext(&thread->first);
    thread->first.uc_stack.ss_sp = thread->stack;
    thread->first.uc_stack.ss_size = sizeof(thread->stack);
    thread->first.uc_link = NULL;
    makecontext(&thread->first, thread_main, 0);
}

static void
begin(struct sched_search *search)
{
    run.search = search;
    run.count = 0;
    run.self = NOBODY;
    run.preemptions = run.points = 0;
    run.now_ns = SCHED_START_NS;
    run.failure = NULL;
    search->depth = 0;
    if (search->kind == SCHED_RANDOM) {
        /* Some bugs want many switches, some want few. */
        run.random = search->seed++ * UINT64_C(0x9e3779b97f4a7c15) + 1;
        run.switch_one_in = 2u << draw(6);
    }
}

static bool
everyone_is_done(void)
{
    for (uint32_t i = 0; i < run.count; i++) {
        if (!run.threads[i].done && !run.threads[i].daemon) {
            return false;
        }
    }
    return true;
}

const char *
sched_run(struct sched_search *search, void (*setup)(void),
          void (*inspect)(void))
{
    begin(search);
    setup();
    if (_setjmp(run.home) == 0) {
        run.running = true;
        resume(pick());
    }
    if (run.failure == NULL && !everyone_is_done()) {
        run.failure = "somebody sleeps for ever (a lost wake-up)";
    }
    if (run.failure == NULL) {
        inspect();
    }
    return run.failure;
}

bool
sched_next(struct sched_search *search)
{
    uint32_t at = search->depth;

    while (at > 0) {
        struct sched_choice *choice = &search->choices[--at];

        if (choice->taken + 1 < choice->options) {
            choice->taken++;
            search->prefix = at + 1;
            return true;
        }
    }
    return false;
}
