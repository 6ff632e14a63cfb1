/* SPDX-License-Identifier: MIT */
/* A loan that ends with its scope, on every way out (GCC and Clang). */
#include <dewpond.h>
#include <stdio.h>

enum { LOANS = 20 };

/* Leaves early when anything fails; the session goes back all the same. */
static int
visit(dew_pool *pool, int fail)
{
    DEW_SCOPED dew_conn conn = DEW_CONN_INIT;
    dew_error error;
    if (dew_acquire(pool, 2000, &conn, &error) != DEW_OK) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    if (mysql_query(conn.mysql, fail ? "NO SUCH SQL" : "DO 1") != 0) {
        return 1;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    dew_pool *pool = NULL;
    dew_error error = {.message = "usage: scoped URI"};
    if (argc != 2 || dew_pool_open_uri(&pool, argv[1], &error) != DEW_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int as_expected = 0;
    for (int i = 0; i < LOANS; i++) {
        as_expected += visit(pool, i % 2) == i % 2;
    }
    dew_stats stats = {.struct_size = (uint32_t)sizeof stats};
    dew_stats_read(pool, &stats);
    printf("%d loans, %u still out\n", LOANS, (unsigned)stats.conns_leased);
    const int closed = dew_pool_close(pool, 5000, &error) == DEW_OK;
    return closed && as_expected == LOANS && stats.conns_leased == 0 ? 0 : 1;
}
