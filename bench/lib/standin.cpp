/* SPDX-License-Identifier: MIT */
/* Where sessions without work connect to: a server of ours that only listens. */
#include "lib/standin.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <unistd.h>

#include "lib/machine.h"

extern char **environ;

namespace bench {

static void
give_up(const char *what)
{
    perror(what);
    exit(1);
}

/* Our end of its stdin stays open as long as we live: that is its life, too. */
static std::string
start()
{
    int to[2], from[2];
    char program[] = DEWPOND_BENCH_STANDIN;
    char *const argv[] = {program, nullptr};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) {
        give_up("stand-in: pipe");
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    if (posix_spawn(&pid, program, &actions, nullptr, argv, environ) != 0) {
        give_up(program);
    }
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    std::string path;
    char byte;
    while (read(from[0], &byte, 1) == 1 && byte != '\n') {
        path += byte;
    }
    close(from[0]);
    if (path.empty()) {
        give_up("stand-in: it did not start");
    }
    return path;
}

const char *
standin_socket()
{
    static const std::string path = start();
    return path.c_str();
}

unsigned
most_sessions()
{
    static const unsigned most = [] {
        const uint64_t files = raise_file_limit();
        const uint64_t fit = files < 1000 ? 100 : (files - 200) / 2;
        if (fit < 10000) {
            fprintf(stderr, "note: only %llu open files are allowed: %llu "
                    "sessions in place of 10 000\n",
                    static_cast<unsigned long long>(files),
                    static_cast<unsigned long long>(fit));
        }
        return static_cast<unsigned>(std::min<uint64_t>(fit, 10000));
    }();
    return most;
}

} // namespace bench
