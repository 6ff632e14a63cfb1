/* SPDX-License-Identifier: MIT */
/* Giving back: to the pool, to the keeper, or to the caller for good. */
#include "api/guard.h"
#include "api/single.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "keeper/lease.h"
#include "keeper/rebirth.h"

/* Takes *conn's loan back. NULL and *code: it was not a loan any more. */
static struct slot *
claim(const dew_conn *conn, dew_code *code)
{
    dew_pool *pool = conn->pool;

    *code = DEW_ESTALE;
    if (!pool_is_mine(pool)) {
        return NULL; /* this process's parent lent it */
    }
    reclaim_read_begin();
    struct slot *slot = pond_claim(&pool->pond, conn->ticket);
    if (slot == NULL) {
        tally_add(&pool->pond.tallies.stale_returns);
    } else {
        *code = DEW_OK;
    }
    reclaim_read_end();
    return slot;
}

static dew_conn
empty_out(dew_conn *conn)
{
    const dew_conn copy = *conn;

    *conn = (dew_conn)DEW_CONN_INIT;
    return copy;
}

static dew_code
give_back(dew_conn *conn, void (*give)(dew_pool *, struct slot *))
{
    dew_code code;

    if (conn == NULL || guard_callback(conn->pool, NULL) != DEW_OK) {
        return DEW_EINVAL;
    }
    const dew_conn mine = empty_out(conn);
    if (mine.ticket == 0) {
        return DEW_ESTALE;
    }
    if (mine.pool == NULL) {
        return single_hang_up(mine.ticket);
    }
    struct slot *slot = claim(&mine, &code);
    if (slot != NULL) {
        give(mine.pool, slot);
    }
    return code;
}

/* Whatever is not a loan of a pool that anybody may return. */
static __attribute__((noinline)) dew_code
release_slowly(dew_conn *conn)
{
    callback_note_thread();
    return give_back(conn, lease_return);
}

/* In a section, which it ends. */
static __attribute__((noinline)) dew_code
release_stale(dew_pool *pool)
{
    tally_add(&pool->pond.tallies.stale_returns);
    reclaim_read_end();
    return DEW_ESTALE;
}

/* In a section, which it ends; the slot is LEASED to us. */
static __attribute__((noinline)) dew_code
release_claimed(dew_pool *pool, struct slot *slot)
{
    const bool quick = lease_return_quickly(pool, slot);

    reclaim_read_end();
    if (!quick) {
        lease_return(pool, slot);
    }
    return DEW_OK;
}

/* In a section, which it ends. */
static __attribute__((noinline)) dew_code
release_beside(dew_pool *pool, struct slot *slot, enum pond_put how)
{
    pond_put_on(&pool->pond, slot, how);
    reclaim_read_end();
    return DEW_OK;
}

/* In a section, which it ends; `slot` (NULL: there is none) is where the ticket
 * points to. As in dew_acquire_at: no call but in the last place. */
static inline dew_code
release_in(dew_pool *pool, struct slot *slot, uint64_t ticket, dew_conn *conn,
           struct reclaim_mark mark)
{
    struct idle_shard *const own = idle_own_quickly(&pool->pond.idle);
    const bool claimed = slot != NULL && slot_claim(slot, ticket);

    *conn = (dew_conn)DEW_CONN_INIT;
    if (__builtin_expect(!claimed, 0)) {
        return release_stale(pool);
    }
    if (__builtin_expect(!lease_is_untouched(pool, slot), 0)) {
        return release_claimed(pool, slot);
    }
    const enum pond_put put = pond_put_warm(&pool->pond, own, slot);
    if (__builtin_expect(put != POND_PUT_DONE, 0)) {
        return release_beside(pool, slot, put);
    }
    reclaim_read_end_quickly(mark);
    return DEW_OK;
}

/* In a section, which it ends: a slot that a resize has added. */
static __attribute__((noinline)) dew_code
release_added(dew_pool *pool, uint64_t ticket, dew_conn *conn,
              struct reclaim_mark mark)
{
    if (MUTANT(66)) { reclaim_read_begin(); }
    return release_in(pool,
                      extents_find(&pool->pond.slots, slot_index_of(ticket)),
                      ticket, conn, mark);
}

dew_code
dew_release(dew_conn *conn)
{
    struct reclaim_mark mark;

    if (conn == NULL) {
        return DEW_EINVAL;
    }
    dew_pool *const pool = conn->pool;
    const uint64_t ticket = conn->ticket;
    const uint32_t index = slot_index_of(ticket);
    if (ticket == 0 || pool == NULL || thread_outside_id == 0 ||
        !pool_is_mine(pool) || !reclaim_read_begin_quickly(&mark)) {
        return release_slowly(conn);
    }
    if (__builtin_expect(!extents_is_first(&pool->pond.slots, index), 0)) {
        return release_added(pool, ticket, conn, mark);
    }
    return release_in(pool, &pool->pond.slots.first[index], ticket, conn, mark);
}

dew_code
dew_discard(dew_conn *conn)
{
    return give_back(conn, lease_discard);
}

MYSQL *
dew_detach(dew_conn *conn)
{
    dew_code code;

    if (conn == NULL || guard_callback(conn->pool, NULL) != DEW_OK) {
        return NULL;
    }
    const dew_conn mine = empty_out(conn);
    if (mine.ticket == 0) {
        return NULL;
    }
    if (mine.pool == NULL) {
        return single_detach(mine.ticket);
    }
    struct slot *slot = claim(&mine, &code);
    return slot == NULL ? NULL : lease_give_away(mine.pool, slot);
}
