/* SPDX-License-Identifier: MIT */
/* A server that only listens: it prints its socket, and ends with its stdin. */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fixture/scripted/scripted_server.h"

int
main(void)
{
    static const dew_script_options options = {.listen = DEW_SCRIPT_UNIX};
    struct rlimit files = {65536, 65536};
    char why[256], byte;

    if (setrlimit(RLIMIT_NOFILE, &files) != 0 &&
        getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    dew_script_server *const server =
        dew_script_start(&options, why, sizeof why);
    if (server == NULL) {
        fprintf(stderr, "stand-in: %s\n", why);
        return 1;
    }
    printf("%s\n", dew_script_socket(server));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    dew_script_stop(server);
    return 0;
}
