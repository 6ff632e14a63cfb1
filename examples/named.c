/* SPDX-License-Identifier: MIT */
/* A pool is opened in one place and borrowed from by its name in others. */
#include <dewpond.h>
#include <stdio.h>
#include <string.h>

/* Two parts of a program that share no variable, only the word "shop". */

static int
count_orders(void)
{
    dew_conn conn = DEW_CONN_INIT;
    dew_error error;
    if (dew_acquire_named("shop", 2000, &conn, &error) != DEW_OK) {
        fprintf(stderr, "orders: %s\n", error.message);
        return 0;
    }
    const int fine = mysql_query(conn.mysql, "DO 1") == 0;
    dew_release(&conn);
    return fine;
}

static int
count_customers(void)
{
    dew_conn conn = DEW_CONN_INIT;
    dew_error error;
    if (dew_acquire_named("shop", 2000, &conn, &error) != DEW_OK) {
        fprintf(stderr, "customers: %s\n", error.message);
        return 0;
    }
    const int fine = mysql_query(conn.mysql, "DO 2") == 0;
    dew_release(&conn);
    return fine;
}

int
main(int argc, char **argv)
{
    dew_pool *pool = NULL;
    dew_error error = {.message = "usage: named URI"};
    char uri[1024];
    if (argc == 2) {
        snprintf(uri, sizeof uri, "%s%cname=shop", argv[1],
                 strchr(argv[1], '?') == NULL ? '?' : '&');
    }
    if (argc != 2 || dew_pool_open_uri(&pool, uri, &error) != DEW_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const int both = count_orders() && count_customers();
    if (dew_pool_close(pool, 5000, &error) != DEW_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    /* The name went with the pool: asking now is refused, not undefined. */
    dew_conn conn = DEW_CONN_INIT;
    const dew_code gone = dew_acquire_named("shop", 0, &conn, &error);
    printf("borrowed by name from two places; after close: %s\n",
           dew_code_name(gone));
    return both && gone == DEW_ENOTFOUND ? 0 : 1;
}
