/* SPDX-License-Identifier: MIT */
/* Giving back: to the pool, to the keeper, or to the caller for good. */
#include "api/guard.h"
#include "api/single.h"
#include "base/reclaim.h"
#include "keeper/lease.h"
#include "keeper/rebirth.h"

/* Takes *conn's loan back. NULL and *code: it was not a loan any more, or DEW_OK:
 * `quickly` did all there was to do. */
static inline __attribute__((always_inline)) struct slot *
claim(const dew_conn *conn, bool (*quickly)(dew_pool *, struct slot *),
      dew_code *code)
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
        if (quickly != NULL && quickly(pool, slot)) {
            slot = NULL;
        }
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

static inline __attribute__((always_inline)) dew_code
give_back(dew_conn *conn, bool (*quickly)(dew_pool *, struct slot *),
          void (*give)(dew_pool *, struct slot *))
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
    struct slot *slot = claim(&mine, quickly, &code);
    if (slot != NULL) {
        give(mine.pool, slot);
    }
    return code;
}

dew_code
dew_release(dew_conn *conn)
{
    return give_back(conn, lease_return_quickly, lease_return);
}

dew_code
dew_discard(dew_conn *conn)
{
    return give_back(conn, NULL, lease_discard);
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
    struct slot *slot = claim(&mine, NULL, &code);
    return slot == NULL ? NULL : lease_give_away(mine.pool, slot);
}
