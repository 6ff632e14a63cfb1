/* SPDX-License-Identifier: MIT */
/* Starting a thread that no signal of the program can hit. */
#define _GNU_SOURCE 1
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fault.h"

int
thread_start(pthread_t *thread, const char *name, void *(*body)(void *),
             void *arg)
{
    sigset_t all, before;

    if (fault(FAULT_THREAD)) {
        return EAGAIN;
    }
    /* The new thread inherits the mask: no window with open signals. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(thread, NULL, body, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0) {
        (void)pthread_setname_np(*thread, name);
    }
    return failed;
}

void
thread_is_prompt(void)
{
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

bool
thread_at_fork(void (*before)(void), void (*in_parent)(void),
               void (*in_child)(void))
{
    return !fault(FAULT_ONCE) &&
           pthread_atfork(before, in_parent, in_child) == 0;
}

_Thread_local uint32_t thread_known_id;
_Thread_local uint32_t thread_outside_id;

uint32_t
thread_ask_id(void)
{
    thread_known_id = (uint32_t)gettid();
    return thread_known_id;
}

void
thread_forget_id(void)
{
    thread_known_id = thread_outside_id = 0;
}

bool
thread_name(uint32_t id, char name[THREAD_NAME_BYTES])
{
    char path[64];

    name[0] = '\0';
    (void)snprintf(path, sizeof path, "/proc/self/task/%u/comm", id);
    const int fd =
        fault(FAULT_DESCRIPTOR) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    /* The name and a line break: never more than the room there is. */
    const ssize_t got = read(fd, name, THREAD_NAME_BYTES);
    (void)close(fd);
    name[got > 0 ? got - 1 : 0] = '\0';
    return got > 0;
}
