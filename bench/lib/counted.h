/* SPDX-License-Identifier: MIT */
/* Counts dewpond's own system calls and allocations, at link level. */
/*
 * The linker's --wrap turns each call of syscall, poll, calloc, aligned_alloc
 * and free that stands in this program's objects, dewpond's among them, into a
 * call of ours, which counts and passes on. Shared libraries, so the C library,
 * the client library and the rivals, are not touched.
 */
#ifndef DEWPOND_BENCH_COUNTED_H
#define DEWPOND_BENCH_COUNTED_H

#include <cstdint>

namespace bench {

struct Counted {
    uint64_t wakes = 0;  /* FUTEX_WAKE */
    uint64_t parks = 0;  /* FUTEX_WAIT */
    uint64_t polls = 0;
};

/* What threads that began with counted_here() have counted since; without it
 * a thread counts nothing. The thread's own, so it costs no shared line. */
void counted_here(Counted *where);

/* Bytes that dewpond holds from the C library's allocator at this moment,
 * rounding and headers included. */
int64_t counted_bytes();

} // namespace bench

#endif
