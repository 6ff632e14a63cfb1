/* SPDX-License-Identifier: MIT */
/* The atomics of this library: every access says its order in its name. */
/*
 * WHY A DOOR. Shared fields are wrapped in a struct, so that `=` on one does
 * not compile, and no access gets the silent seq_cst default of C11. The note
 * `ORDER name.n` on the line above a call names the partner access.
 *
 * THREADSANITIZER cannot see Concurrency Kit's inline assembly. The macros at
 * the end tell it which edge a hand-over gives, for one object at a time
 * (never for a whole stack: that would hide real races), and which reads and
 * writes inside a CK call to leave out. Outside such builds they are nothing.
 */
#ifndef DEWPOND_BASE_ORDER_H
#define DEWPOND_BASE_ORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct order_u32 { _Atomic uint32_t raw; } order_u32;
typedef struct order_u64 { _Atomic uint64_t raw; } order_u64;
typedef struct order_ptr { void *_Atomic raw; } order_ptr;

#define ORDER_INLINE static inline __attribute__((always_inline))

/* For memory that nobody else can reach yet: no order is needed. */
#define ORDER_ACCESSORS(NAME, BOX, TYPE)                                      \
    ORDER_INLINE void order_init_##NAME(BOX *box, TYPE value)                 \
    {                                                                         \
        atomic_init(&box->raw, value);                                        \
    }                                                                         \
    ORDER_INLINE TYPE order_load_relaxed_##NAME(const BOX *box)               \
    {                                                                         \
        return atomic_load_explicit(&((BOX *)(uintptr_t)box)->raw,            \
                                    memory_order_relaxed);                    \
    }                                                                         \
    ORDER_INLINE TYPE order_load_acquire_##NAME(const BOX *box)               \
    {                                                                         \
        return atomic_load_explicit(&((BOX *)(uintptr_t)box)->raw,            \
                                    memory_order_acquire);                    \
    }                                                                         \
    ORDER_INLINE TYPE order_load_seq_##NAME(const BOX *box)                   \
    {                                                                         \
        return atomic_load_explicit(&((BOX *)(uintptr_t)box)->raw,            \
                                    memory_order_seq_cst);                    \
    }                                                                         \
    ORDER_INLINE void order_store_relaxed_##NAME(BOX *box, TYPE value)        \
    {                                                                         \
        atomic_store_explicit(&box->raw, value, memory_order_relaxed);        \
    }                                                                         \
    ORDER_INLINE void order_store_release_##NAME(BOX *box, TYPE value)        \
    {                                                                         \
        atomic_store_explicit(&box->raw, value, memory_order_release);        \
    }                                                                         \
    ORDER_INLINE void order_store_seq_##NAME(BOX *box, TYPE value)            \
    {                                                                         \
        atomic_store_explicit(&box->raw, value, memory_order_seq_cst);        \
    }                                                                         \
    ORDER_INLINE TYPE order_swap_seq_##NAME(BOX *box, TYPE value)             \
    {                                                                         \
        return atomic_exchange_explicit(&box->raw, value,                     \
                                        memory_order_seq_cst);                \
    }                                                                         \
    ORDER_INLINE bool order_cas_seq_##NAME(BOX *box, TYPE *seen, TYPE value)  \
    {                                                                         \
        return atomic_compare_exchange_strong_explicit(                       \
            &box->raw, seen, value, memory_order_seq_cst,                     \
            memory_order_seq_cst);                                            \
    }                                                                         \
    ORDER_INLINE bool order_cas_acq_rel_##NAME(BOX *box, TYPE *seen,          \
                                               TYPE value)                    \
    {                                                                         \
        return atomic_compare_exchange_strong_explicit(                       \
            &box->raw, seen, value, memory_order_acq_rel,                     \
            memory_order_acquire);                                            \
    }

ORDER_ACCESSORS(u32, order_u32, uint32_t)
ORDER_ACCESSORS(u64, order_u64, uint64_t)
ORDER_ACCESSORS(ptr, order_ptr, void *)

#define ORDER_ARITHMETIC(NAME, BOX, TYPE)                                     \
    ORDER_INLINE TYPE order_add_seq_##NAME(BOX *box, TYPE value)              \
    {                                                                         \
        return atomic_fetch_add_explicit(&box->raw, value,                    \
                                         memory_order_seq_cst);               \
    }                                                                         \
    ORDER_INLINE TYPE order_sub_seq_##NAME(BOX *box, TYPE value)              \
    {                                                                         \
        return atomic_fetch_sub_explicit(&box->raw, value,                    \
                                         memory_order_seq_cst);               \
    }                                                                         \
    ORDER_INLINE TYPE order_add_relaxed_##NAME(BOX *box, TYPE value)          \
    {                                                                         \
        return atomic_fetch_add_explicit(&box->raw, value,                    \
                                         memory_order_relaxed);               \
    }                                                                         \
    ORDER_INLINE TYPE order_or_seq_##NAME(BOX *box, TYPE value)               \
    {                                                                         \
        return atomic_fetch_or_explicit(&box->raw, value,                     \
                                        memory_order_seq_cst);                \
    }                                                                         \
    ORDER_INLINE TYPE order_and_seq_##NAME(BOX *box, TYPE value)              \
    {                                                                         \
        return atomic_fetch_and_explicit(&box->raw, value,                    \
                                         memory_order_seq_cst);               \
    }

ORDER_ARITHMETIC(u32, order_u32, uint32_t)
ORDER_ARITHMETIC(u64, order_u64, uint64_t)

/* A tally with one writer at a time (the holder of the object it lives in). */
ORDER_INLINE void
order_bump_owned_u64(order_u64 *box, uint64_t by)
{
    order_store_relaxed_u64(box, order_load_relaxed_u64(box) + by);
}

/* The one fence of the library, on both sides of one race: push-then-look against
 * join-then-look. It stands behind a CAS, on x86-64 a full barrier already. */
ORDER_INLINE void
order_fence_after_cas(void)
{
#if defined(__x86_64__)
    atomic_signal_fence(memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

ORDER_INLINE void
order_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ORDER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define ORDER_TSAN 1
#endif

#ifdef ORDER_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#define ORDER_HAPPENS_BEFORE(object) __tsan_release((void *)(object))
#define ORDER_HAPPENS_AFTER(object) __tsan_acquire((void *)(object))
#define ORDER_UNSEEN_BEGIN()                                                  \
    do {                                                                      \
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);                         \
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);                        \
    } while (0)
#define ORDER_UNSEEN_END()                                                    \
    do {                                                                      \
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);                          \
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);                           \
    } while (0)
#else
#define ORDER_HAPPENS_BEFORE(object) ((void)(object))
#define ORDER_HAPPENS_AFTER(object) ((void)(object))
#define ORDER_UNSEEN_BEGIN() ((void)0)
#define ORDER_UNSEEN_END() ((void)0)
#endif

#endif
