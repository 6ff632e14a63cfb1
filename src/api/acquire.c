/* SPDX-License-Identifier: MIT */
/* The doors to a borrow: by pool, by name, with and without the call site. */
#include "api/borrow.h"
#include "base/error.h"
#include "base/reclaim.h"

/* The header's macros add the call site; here are the functions. */
#undef dew_acquire
#undef dew_acquire_named

static dew_code
check(const void *subject, const char *name, dew_conn *conn, dew_error *error)
{
    if (conn == NULL) {
        return error_set(error, DEW_EINVAL, DEW_STAGE_NONE, "conn is NULL");
    }
    *conn = (dew_conn)DEW_CONN_INIT;
    return subject != NULL ? DEW_OK
                           : error_set(error, DEW_EINVAL, DEW_STAGE_NONE,
                                       "%s is NULL", name);
}

dew_code
dew_acquire_at(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
               dew_error *error, const char *file, int line)
{
    struct borrow borrow = {
        .file = file, .line = line, .conn = conn, .error = error};
    const dew_code code = check(pool, "pool", conn, error);

    if (code != DEW_OK) {
        return code;
    }
    reclaim_read_begin();
    return borrow_from(pool, timeout_ms, &borrow);
}

dew_code
dew_acquire(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
            dew_error *error)
{
    return dew_acquire_at(pool, timeout_ms, conn, error, NULL, 0);
}

static dew_pool *
pool_of(struct registry_entry *entry)
{
    return (dew_pool *)(void *)((char *)entry - offsetof(dew_pool, entry));
}

dew_code
dew_acquire_named_at(const char *name, int64_t timeout_ms, dew_conn *conn,
                     dew_error *error, const char *file, int line)
{
    struct borrow borrow = {
        .file = file, .line = line, .conn = conn, .error = error};
    const dew_code code = check(name, "name", conn, error);

    if (code != DEW_OK) {
        return code;
    }
    reclaim_read_begin();
    struct registry_entry *entry = registry_find(name);
    if (entry == NULL) {
        reclaim_read_end();
        return error_set(error, DEW_ENOTFOUND, DEW_STAGE_NONE,
                         "no open pool is named \"%.255s\"", name);
    }
    return borrow_from(pool_of(entry), timeout_ms, &borrow);
}

dew_code
dew_acquire_named(const char *name, int64_t timeout_ms, dew_conn *conn,
                  dew_error *error)
{
    return dew_acquire_named_at(name, timeout_ms, conn, error, NULL, 0);
}
