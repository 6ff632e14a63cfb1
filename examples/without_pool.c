/* SPDX-License-Identifier: MIT */
/* One connection without a pool: opened as a pool would, closed by release. */
#include <dewpond.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* dew_connect takes a dew_config; this reads the few parts of a URI that the
 * example needs: mysql://user:password@host:port/database?socket=path */
static int
read_uri(char *uri, dew_config *config)
{
    char *const socket = strstr(uri, "?socket=");
    if (strncmp(uri, "mysql://", 8) != 0) {
        return 0;
    }
    if (socket != NULL) {
        *socket = '\0';
        config->unix_socket = socket + strlen("?socket=");
    }
    char *const user = uri + 8;
    char *const at = strchr(user, '@');
    char *const database = strchr(at == NULL ? user : at, '/');
    if (at == NULL || database == NULL) {
        return 0;
    }
    *at = '\0';
    *database = '\0';
    config->user = user;
    config->host = at[1] == '\0' ? NULL : at + 1;
    config->database = database + 1;
    char *const password = strchr(user, ':');
    if (password != NULL) {
        *password = '\0';
        config->password = password + 1;
    }
    char *const port = strchr(at + 1, ':');
    if (port != NULL) {
        *port = '\0';
        config->port = (uint32_t)strtoul(port + 1, NULL, 10);
    }
    return 1;
}

int
main(int argc, char **argv)
{
    dew_config config = DEW_CONFIG_INIT;
    dew_conn conn = DEW_CONN_INIT;
    dew_error error;
    if (argc != 2 || !read_uri(argv[1], &config)) {
        fprintf(stderr, "usage: without_pool URI\n");
        return 1;
    }
    if (dew_connect(&config, &conn, &error) != DEW_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const int fine = mysql_query(conn.mysql, "DO 1") == 0;
    printf("session %lu, no pool\n", mysql_thread_id(conn.mysql));
    return dew_release(&conn) == DEW_OK && fine ? 0 : 1;
}
