/* SPDX-License-Identifier: MIT */
/* Counts dewpond's own system calls and allocations, at link level. */
#include "lib/counted.h"

#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <linux/futex.h>
#include <malloc.h>
#include <poll.h>
#include <sys/syscall.h>

/* What malloc keeps in front of each block. */
#define HEADER_BYTES 8

static thread_local bench::Counted *here;
static std::atomic<int64_t> bytes;

void
bench::counted_here(Counted *where)
{
    here = where;
}

int64_t
bench::counted_bytes()
{
    return bytes.load();
}

static void
count_futex(long operation)
{
    const long command = operation & FUTEX_CMD_MASK;
    if (here == nullptr) {
        return;
    }
    if (command == FUTEX_WAKE) {
        here->wakes++;
    } else if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) {
        here->parks++;
    }
}

static void *
given(void *memory)
{
    if (memory != nullptr) {
        bytes += static_cast<int64_t>(malloc_usable_size(memory)) +
                 HEADER_BYTES;
    }
    return memory;
}

extern "C" {

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_poll(struct pollfd *polls, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polls, nfds_t count, int timeout_ms);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
void __wrap_free(void *memory);

long
__wrap_syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (long &argument : a) {
        argument = va_arg(arguments, long);
    }
    va_end(arguments);
    if (number == SYS_futex) {
        count_futex(a[1]);
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
__wrap_poll(struct pollfd *polls, nfds_t count, int timeout_ms)
{
    if (here != nullptr) {
        here->polls++;
    }
    return __real_poll(polls, count, timeout_ms);
}

void *
__wrap_malloc(size_t size)
{
    return given(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return given(__real_calloc(count, size));
}

void *
__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return given(__real_aligned_alloc(alignment, size));
}

void
__wrap_free(void *memory)
{
    if (memory != nullptr) {
        bytes -= static_cast<int64_t>(malloc_usable_size(memory)) +
                 HEADER_BYTES;
    }
    __real_free(memory);
}
}
