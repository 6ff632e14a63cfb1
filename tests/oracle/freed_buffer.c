/* SPDX-License-Identifier: MIT */
/* Shows that libmysqlclient 9.7 reads memory that it has freed; no dewpond. */
/*
 * A row that is longer than malloc's threshold for mmap makes the packet buffer
 * grow. The connection is lost while the answer to a non-blocking command is
 * due; the library frees the buffer, and then looks at its first byte:
 *     cc freed_buffer.c $(pkg-config --cflags --libs mysqlclient)
 *     ./a.out SOCKET USER PASSWORD
 * It should say "reset: 2013 ..."; with 9.7.4 it ends by SIGSEGV. What dewpond
 * does about it: src/session/flavour_oracle.c.
 */
#include <mysql.h>
#include <stdio.h>
#include <sys/socket.h>

int
main(int argc, char **argv)
{
    MYSQL *const mysql = mysql_init(NULL);
    enum net_async_status status;

    if (argc != 4 || mysql == NULL ||
        mysql_real_connect(mysql, NULL, argv[2], argv[3], NULL, 0, argv[1],
                           0) == NULL ||
        mysql_query(mysql, "SELECT REPEAT('x', 1000000)") != 0) {
        (void)fprintf(stderr, "%s\n",
                      mysql == NULL ? "no memory" : mysql_error(mysql));
        return 2;
    }
    mysql_free_result(mysql_store_result(mysql));
    (void)shutdown(mysql->net.fd, SHUT_RD); /* the answer will not come */
    do {
        status = mysql_reset_connection_nonblocking(mysql);
    } while (status == NET_ASYNC_NOT_READY);
    (void)printf("reset: %u %s\n", mysql_errno(mysql), mysql_error(mysql));
    mysql_close(mysql);
    return status == NET_ASYNC_ERROR ? 0 : 1;
}
