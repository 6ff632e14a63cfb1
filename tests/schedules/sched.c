/* SPDX-License-Identifier: MIT */
/* Runs coroutines one at a time: switching, blocking, waking, one whole run. */
#include "sched_inside.h"

struct sched_state sched;

int64_t
sched_now_ns(void)
{
    return sched.now_ns;
}

uint32_t
sched_self(void)
{
    return sched.self;
}

/* --- switching ------------------------------------------------------------ */

static void
resume(uint32_t index)
{
    struct sched_coroutine *thread = &sched.threads[index];

    sched.self = index;
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
    struct sched_coroutine *from = &sched.threads[sched.self];

    if (next == sched.self) {
        return;
    }
    if (_setjmp(from->where) == 0) {
        resume(next);
    }
}

static _Noreturn void
go_home(void)
{
    sched.running = false;
    _longjmp(sched.home, 1);
}

void
sched_fail(const char *what)
{
    if (sched.failure == NULL) {
        sched.failure = what;
    }
    if (sched.running) {
        go_home();
    }
}

/* --- a thread's calls ----------------------------------------------------- */

void
sched_point(void)
{
    if (!sched.running) {
        return;
    }
    if (++sched.points > SCHED_POINTS) {
        sched_fail("livelock: it goes on and on");
    }
    switch_to(sched_pick());
}

void
sched_point_minor(void)
{
    if (sched.running && sched.search->minor) {
        sched_point();
    }
}

static void
leave_cpu(void)
{
    const uint32_t next = sched_pick();

    if (next == NOBODY) {
        go_home();
    }
    switch_to(next);
}

void
sched_block(const void *on, int64_t deadline_ns)
{
    struct sched_coroutine *self = &sched.threads[sched.self];

    self->blocked_on = on;
    self->deadline_ns = deadline_ns;
    leave_cpu();
    self->deadline_ns = INT64_MAX;
}

void
sched_wake(const void *on, uint32_t count)
{
    for (uint32_t i = 0; i < sched.count && count > 0; i++) {
        if (sched.threads[i].blocked_on == on) {
            sched.threads[i].blocked_on = NULL;
            count--;
        }
    }
}

/* --- a run ---------------------------------------------------------------- */

static void
thread_main(void)
{
    struct sched_coroutine *self = &sched.threads[sched.self];

    self->body(self->arg);
    self->done = true;
    leave_cpu();
}

void
sched_thread(void (*body)(void *arg), void *arg, bool daemon)
{
    struct sched_coroutine *thread = &sched.threads[sched.count++];

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
    sched.search = search;
    sched.count = 0;
    sched.self = NOBODY;
    sched.preemptions = sched.points = 0;
    sched.now_ns = SCHED_START_NS;
    sched.failure = NULL;
    search->depth = 0;
    sched_seed(search);
}

static bool
everyone_is_done(void)
{
    for (uint32_t i = 0; i < sched.count; i++) {
        if (!sched.threads[i].done && !sched.threads[i].daemon) {
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
    if (_setjmp(sched.home) == 0) {
        sched.running = true;
        resume(sched_pick());
    }
    if (sched.failure == NULL && !everyone_is_done()) {
        sched.failure = "somebody sleeps for ever (a lost wake-up)";
    }
    if (sched.failure == NULL) {
        inspect();
    }
    return sched.failure;
}
