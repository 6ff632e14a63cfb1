/* SPDX-License-Identifier: MIT */
/* Threads of ours: all signals blocked, named, joined by their owner. */
#ifndef DEWPOND_BASE_THREAD_H
#define DEWPOND_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/inner.h"

/* Starts body(arg) with every signal blocked and a name (at most 15 bytes)
 * for debuggers. 0, or an errno value and no thread. */
int thread_start(pthread_t *thread, const char *name, void *(*body)(void *),
                 void *arg);

/* The calling thread, one of ours, wakes from short sleeps when they end, and not
 * within the 50 us that others have: what it does is waited for. */
void thread_is_prompt(void);

/* pthread_atfork, whose handlers stay for good. False: no memory. */
bool thread_at_fork(void (*before)(void), void (*in_parent)(void),
                    void (*in_child)(void));

/* The kernel's id of the calling thread; cached. */
extern _Thread_local uint32_t thread_known_id INNER;
uint32_t thread_ask_id(void);

/* The same while the thread is in no callback of ours; 0 in one, and until it was
 * noted (callback_note_thread), even if thread_known_id is there already: two
 * questions of every borrow in one word. */
extern _Thread_local uint32_t thread_outside_id INNER;

static inline uint32_t
thread_id(void)
{
    return thread_known_id != 0 ? thread_known_id : thread_ask_id();
}

/* For a fork's child: the thread that it has is another one. */
void thread_forget_id(void);

#define THREAD_NAME_BYTES 16
/* The name of the thread of this process with that id. False, and `name` is
 * "": it has ended, or /proc cannot be read. */
bool thread_name(uint32_t id, char name[THREAD_NAME_BYTES]);

#endif
