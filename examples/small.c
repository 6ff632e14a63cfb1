/* SPDX-License-Identifier: MIT */
/* One session is borrowed from a pool, asked and returned. */
#include <dewpond.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
    dew_pool *pool = NULL;
    dew_conn conn = DEW_CONN_INIT;
    dew_error error = {.message = "usage: small URI"};
    int failed = 1;
    if (argc != 2 || dew_pool_open_uri(&pool, argv[1], &error) != DEW_OK) {
        fprintf(stderr, "open: %s\n", error.message);
        return 1;
    }
    if (dew_acquire(pool, 1000, &conn, &error) != DEW_OK) {
        fprintf(stderr, "acquire: %s\n", error.message);
    } else if (mysql_query(conn.mysql, "SELECT VERSION()") != 0) {
        fprintf(stderr, "query: %s\n", mysql_error(conn.mysql));
    } else {
        MYSQL_RES *result = mysql_store_result(conn.mysql);
        MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
        failed = row == NULL || printf("server %s\n", row[0]) < 0;
        mysql_free_result(result);
    }
    dew_release(&conn); /* harmless if nothing was borrowed */
    return dew_pool_close(pool, 5000, NULL) != DEW_OK || failed;
}
