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
    /* Without waiting: a loan that is still out would be told. */
    const int all_back = dew_pool_close(pool, DEW_NO_WAIT, &error) == DEW_OK;
    printf("%d loans, %s\n", LOANS, all_back ? "all are back" : error.message);
    return all_back && as_expected == LOANS ? 0 : 1;
}
