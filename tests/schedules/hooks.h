/* SPDX-License-Identifier: MIT */
/* Put before the core's sources: a point before every shared access. */
/*
 * The compiler includes this first (-include), so the real files are compiled
 * as they are. A macro that calls the function of its own name is not expanded
 * again: order_x(...) becomes SCHED_POINT(), then order_x(...). The accesses of
 * Concurrency Kit are caught at its own primitives, inside its loops. The
 * headers whose guards are set here are stood in for by stand_ins.c.
 */
#ifndef TESTS_SCHEDULES_HOOKS_H
#define TESTS_SCHEDULES_HOOKS_H

#include "sched.h"

/* What is searched may have a planted bug (base/mutant.h). */
#define DEWPOND_SCHEDULES 1

#ifndef SCHED_POINT
#define SCHED_POINT sched_point
#endif

/* --- stand-ins ------------------------------------------------------------ */

#define DEWPOND_BASE_CPU_H
uint32_t cpu_count(void);
uint32_t cpu_current(void);
uint32_t cpu_hint(long where);
long cpu_where(void);

#define DEWPOND_BASE_RECLAIM_H
void reclaim_read_begin(void);
void reclaim_read_end(void);
void reclaim_wait_readers(void);

/* --- Concurrency Kit ------------------------------------------------------ */

#include <ck_pr.h>

static inline void *
hook_load_ptr(const void *from)
{
    SCHED_POINT();
    return ck_pr_md_load_ptr(from);
}

static inline bool
hook_cas_ptr_value(void *at, void *seen, void *value, void *now)
{
    SCHED_POINT();
    return ck_pr_cas_ptr_value(at, seen, value, now);
}

static inline bool
hook_cas_ptr_2_value(void *at, void *seen, void *value, void *now)
{
    SCHED_POINT();
    return ck_pr_cas_ptr_2_value(at, seen, value, now);
}

#undef ck_pr_load_ptr
#define ck_pr_load_ptr(from) hook_load_ptr(from)
#define ck_pr_cas_ptr_value(a, b, c, d) hook_cas_ptr_value(a, b, c, d)
#define ck_pr_cas_ptr_2_value(a, b, c, d) hook_cas_ptr_2_value(a, b, c, d)

/* --- ours ----------------------------------------------------------------- */

#include "base/fault.h"
#include "base/order.h"

/* One of the named places is a point, too: a plain read follows, of what only
 * a section protects. */
#undef race_point
#define race_point(name)                                                       \
    (__builtin_strcmp(name, "sizes.read") == 0 ? SCHED_POINT() : (void)0)

#define HOOKED(name, ...) (SCHED_POINT(), name(__VA_ARGS__))

#define order_load_relaxed_u32(...) HOOKED(order_load_relaxed_u32, __VA_ARGS__)
#define order_load_acquire_u32(...) HOOKED(order_load_acquire_u32, __VA_ARGS__)
#define order_load_seq_u32(...) HOOKED(order_load_seq_u32, __VA_ARGS__)
#define order_store_relaxed_u32(...)                                           \
    HOOKED(order_store_relaxed_u32, __VA_ARGS__)
#define order_store_release_u32(...)                                           \
    HOOKED(order_store_release_u32, __VA_ARGS__)
#define order_store_seq_u32(...) HOOKED(order_store_seq_u32, __VA_ARGS__)
#define order_swap_seq_u32(...) HOOKED(order_swap_seq_u32, __VA_ARGS__)
#define order_cas_seq_u32(...) HOOKED(order_cas_seq_u32, __VA_ARGS__)
#define order_cas_acq_rel_u32(...) HOOKED(order_cas_acq_rel_u32, __VA_ARGS__)
#define order_add_seq_u32(...) HOOKED(order_add_seq_u32, __VA_ARGS__)
#define order_sub_seq_u32(...) HOOKED(order_sub_seq_u32, __VA_ARGS__)
#define order_or_seq_u32(...) HOOKED(order_or_seq_u32, __VA_ARGS__)
#define order_and_seq_u32(...) HOOKED(order_and_seq_u32, __VA_ARGS__)

#define order_load_relaxed_u64(...) HOOKED(order_load_relaxed_u64, __VA_ARGS__)
#define order_load_acquire_u64(...) HOOKED(order_load_acquire_u64, __VA_ARGS__)
#define order_load_seq_u64(...) HOOKED(order_load_seq_u64, __VA_ARGS__)
#define order_store_relaxed_u64(...)                                           \
    HOOKED(order_store_relaxed_u64, __VA_ARGS__)
#define order_store_release_u64(...)                                           \
    HOOKED(order_store_release_u64, __VA_ARGS__)
#define order_store_seq_u64(...) HOOKED(order_store_seq_u64, __VA_ARGS__)
#define order_swap_seq_u64(...) HOOKED(order_swap_seq_u64, __VA_ARGS__)
#define order_cas_seq_u64(...) HOOKED(order_cas_seq_u64, __VA_ARGS__)
#define order_cas_acq_rel_u64(...) HOOKED(order_cas_acq_rel_u64, __VA_ARGS__)
#define order_add_seq_u64(...) HOOKED(order_add_seq_u64, __VA_ARGS__)
#define order_sub_seq_u64(...) HOOKED(order_sub_seq_u64, __VA_ARGS__)
#define order_or_seq_u64(...) HOOKED(order_or_seq_u64, __VA_ARGS__)
#define order_and_seq_u64(...) HOOKED(order_and_seq_u64, __VA_ARGS__)

#define order_load_relaxed_ptr(...) HOOKED(order_load_relaxed_ptr, __VA_ARGS__)
#define order_load_acquire_ptr(...) HOOKED(order_load_acquire_ptr, __VA_ARGS__)
#define order_load_seq_ptr(...) HOOKED(order_load_seq_ptr, __VA_ARGS__)
#define order_store_relaxed_ptr(...)                                           \
    HOOKED(order_store_relaxed_ptr, __VA_ARGS__)
#define order_store_release_ptr(...)                                           \
    HOOKED(order_store_release_ptr, __VA_ARGS__)
#define order_store_seq_ptr(...) HOOKED(order_store_seq_ptr, __VA_ARGS__)
#define order_swap_seq_ptr(...) HOOKED(order_swap_seq_ptr, __VA_ARGS__)
#define order_cas_seq_ptr(...) HOOKED(order_cas_seq_ptr, __VA_ARGS__)
#define order_cas_acq_rel_ptr(...) HOOKED(order_cas_acq_rel_ptr, __VA_ARGS__)

/* A slot's own word moves between two hands that exclude each other already:
 * its steps are points for chance, not for the search. */
#pragma push_macro("SCHED_POINT")
#undef SCHED_POINT
#define SCHED_POINT sched_point_minor
#include "core/slot.h"
#pragma pop_macro("SCHED_POINT")

#endif
