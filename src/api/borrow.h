/* SPDX-License-Identifier: MIT */
/* One borrow: what the caller wants and how far it has come. */
#ifndef DEWPOND_API_BORROW_H
#define DEWPOND_API_BORROW_H

#include "keeper/pool.h"

/* Dead sessions that a borrow meets; then only a new one will do. */
#define BORROW_DEAD_MAX 3

struct borrow {
    dew_pool *pool;
    int64_t since_ns, deadline_ns;
    const char *file;
    int line;
    dew_conn *conn;
    dew_error *error;
    uint32_t dead; /* sessions that turned out dead */
    bool waited;
    bool is_guest;
};

/* Lends a session of the pool, or tells why not; borrow->file to error are
 * set. Inside a read-side section at entry (which found the pool), outside at
 * return: the last touch of the pool is before that. */
dew_code borrow_from(dew_pool *pool, int64_t timeout_ms, struct borrow *borrow);

/* The same for who has taken `slot` (LEASED), or has found nothing at rest
 * (NULL). */
dew_code borrow_taken(dew_pool *pool, struct slot *slot, int64_t timeout_ms,
                      struct borrow *borrow);

static inline bool
borrow_is_time_up(const struct borrow *borrow)
{
    return borrow->deadline_ns <= pool_now_ns(borrow->pool);
}

/* borrow_wait.c: one try to get a session where nothing rests. False: one
 * more. True: *slot is a session to look at, or NULL and *code is the answer.
 * The caller is a guest of the pond. */
bool borrow_try_next(struct borrow *borrow, struct slot **slot, dew_code *code);

/* refusal.c: why a borrow ended without a session, with what to do about it.
 * DEW_OK: connects had failed and do so no more; his time is not up, go on.
 * The caller is a guest of the pond. */
dew_code borrow_refused(const struct borrow *borrow, enum pond_end end);

/* remarks.c: asked before a borrow waits. Counts and warns, at most once a
 * second, when its thread holds a loan of this pool; with DEW_REFUSE_NESTED
 * that is the end. The caller is a guest of the pond. */
dew_code borrow_may_wait(const struct borrow *borrow);

/* remarks.c: warns, at most once a second, when the borrow took longer than
 * slow_acquire_ms. The caller is a guest of the pond or holds a slot. */
void borrow_remark_slow(const struct borrow *borrow, int64_t now_ns);

#endif
