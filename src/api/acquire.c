/* SPDX-License-Identifier: MIT */
/* The doors to a borrow: by pool, by name, with and without the call site. */
#include "api/borrow.h"
#include "api/guard.h"
#include "base/error.h"
#include "base/callback.h"
#include "base/reclaim.h"
#include "keeper/lease.h"
#include "keeper/rebirth.h"

/* The header's macros add the call site; here are the functions. */
#undef dew_acquire
#undef dew_acquire_named

static dew_code
check(const void *subject, const char *name, dew_conn *conn, dew_error *error)
{
    if (conn == NULL) {
        return guard_null(conn, "conn", error);
    }
    *conn = (dew_conn)DEW_CONN_INIT;
    return guard_null(subject, name, error);
}

static __attribute__((noinline)) dew_code
acquire_slowly(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
               dew_error *error, const char *file, int line)
{
    struct borrow borrow = {
        .file = file, .line = line, .conn = conn, .error = error};
    const dew_code code = check(pool, "pool", conn, error);

    if (code != DEW_OK) {
        return code;
    }
    const dew_code entered = pool_enter(pool, error);
    if (entered != DEW_OK) {
        return entered;
    }
    /* Behind it: in a child of a bare clone the id was its parent's until then. */
    callback_note_thread();
    reclaim_read_begin();
    return borrow_from(pool, timeout_ms, &borrow);
}

/* In a section that the rest of the borrow ends. conn->ticket is the address of
 * the slot, which was taken warm and is still IDLE: a seventh argument would lie
 * on the stack, and the call could not be the last thing that the caller does. */
static __attribute__((noinline)) dew_code
acquire_taken(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
              dew_error *error, const char *file, int line)
{
    struct borrow borrow = {
        .file = file, .line = line, .conn = conn, .error = error};
    struct slot *slot = (struct slot *)(uintptr_t)conn->ticket;

    *conn = (dew_conn)DEW_CONN_INIT;
    slot = pond_take_up(&pool->pond, slot);
    return borrow_taken(pool, slot, timeout_ms, &borrow);
}

/* The same, and the own warm slot was empty. */
static __attribute__((noinline)) dew_code
acquire_beside(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
               dew_error *error, const char *file, int line)
{
    struct borrow borrow = {
        .file = file, .line = line, .conn = conn, .error = error};

    *conn = (dew_conn)DEW_CONN_INIT;
    return borrow_taken(pool, pond_take(&pool->pond), timeout_ms, &borrow);
}

dew_code
dew_acquire_at(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
               dew_error *error, const char *file, int line)
{
    struct reclaim_mark mark;

    /* All that is rare is a call in the last place: what is common calls nobody,
     * and keeps everything in registers. */
    if (pool == NULL || conn == NULL || thread_outside_id == 0 ||
        !pool_is_mine(pool) || !reclaim_read_begin_quickly(&mark)) {
        return acquire_slowly(pool, timeout_ms, conn, error, file, line);
    }
    /* Not beside conn->mysql, which comes late, behind the take: one store of both
     * would keep the return waiting that reads this one. */
    conn->pool = pool;
    struct slot *slot = pond_take_warm(&pool->pond);
    if (__builtin_expect(slot == NULL, 0)) {
        return acquire_beside(pool, timeout_ms, conn, error, file, line);
    }
    if (__builtin_expect(
            !pond_is_calm(&pool->pond) ||
                !lease_begin_quickly(pool, slot, file, line, conn),
            0)) {
        conn->ticket = (uintptr_t)slot;
        return acquire_taken(pool, timeout_ms, conn, error, file, line);
    }
    reclaim_read_end_quickly(mark);
    return DEW_OK;
}

dew_code
dew_acquire(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
            dew_error *error)
{
    return dew_acquire_at(pool, timeout_ms, conn, error, NULL, 0);
}

/* The open pool of this name, with the read-side section open that keeps it;
 * or NULL, outside, and the code is the answer. */
static dew_code
find(const char *name, dew_pool **pool, dew_error *error)
{
    dew_code code = DEW_OK;

    *pool = NULL;
    while (code == DEW_OK) {
        reclaim_read_begin();
        struct registry_entry *entry = registry_find(name);
        if (entry == NULL) {
            reclaim_read_end();
            return error_set(error, DEW_ENOTFOUND, DEW_STAGE_NONE,
                             "no open pool is named \"%.255s\"", name);
        }
        if (pool_is_mine(pool_of_entry(entry))) {
            *pool = pool_of_entry(entry);
            return DEW_OK;
        }
        reclaim_read_end();
        code = rebirth_named(name, error);
    }
    return code;
}

dew_code
dew_acquire_named_at(const char *name, int64_t timeout_ms, dew_conn *conn,
                     dew_error *error, const char *file, int line)
{
    struct borrow borrow = {
        .file = file, .line = line, .conn = conn, .error = error};
    dew_pool *pool;
    dew_code code = check(name, "name", conn, error);

    if (code == DEW_OK) {
        code = find(name, &pool, error);
    }
    return code != DEW_OK ? code : borrow_from(pool, timeout_ms, &borrow);
}

dew_code
dew_acquire_named(const char *name, int64_t timeout_ms, dew_conn *conn,
                  dew_error *error)
{
    return dew_acquire_named_at(name, timeout_ms, conn, error, NULL, 0);
}
