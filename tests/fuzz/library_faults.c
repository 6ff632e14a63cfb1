/* SPDX-License-Identifier: MIT */
/* Goal: what fuzzing found in the client library itself is known, and known to
 * be its own. Method: children that call the library and nothing of ours meet
 * each fault and must crash. Where a fault is gone this is red: then what
 * spares us of it (wire_peer.c, session/learn.c) may go, too. */
/*
 * Seen with MariaDB Connector/C 3.3 (Debian 12). With another library nothing
 * is claimed: what was seen is printed, and the test counts as skipped.
 */
#define _GNU_SOURCE 1
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
#define PATIENCE_S 20
#define LIBRARY_SEEN "3.3."

/* An error packet with number 65535 in place of the greeting stands for a
 * report of progress, if the server is a MariaDB: so the library looks at the
 * version of the server, which is not there yet. strstr(NULL). */
static void
hear_of_progress_before_the_greeting(void)
{
    static const char packet[] = "\x09\x00\x00\x00\xff\xff\xffnobody";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MYSQL mysql;

    (void)snprintf(address.sun_path, sizeof address.sun_path,
                   "/tmp/dewpond-fault-%ld.sock", (long)getpid());
    if (listener < 0 ||
        bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 1) != 0) {
        perror("a socket");
        _exit(0);
    }
    if (fork() == 0) {
        (void)alarm(PATIENCE_S);
        const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        (void)unlink(address.sun_path);
        (void)send(fd, packet, sizeof packet - 1, MSG_NOSIGNAL);
        _exit(0);
    }
    (void)mysql_init(&mysql);
    (void)mysql_real_connect(&mysql, NULL, "u", "", NULL, 0, address.sun_path,
                             0);
    fprintf(stderr, "    %u %s\n", mysql_errno(&mysql), mysql_error(&mysql));
}

/* A version of fewer than three numbers is read past its end: here nothing is
 * mapped behind it. */
static void
ask_for_a_short_version(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *const pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MYSQL mysql;

    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0) {
        perror("two pages");
        _exit(0);
    }
    (void)mysql_init(&mysql);
    mysql.server_version = memcpy(pages + page - sizeof "8", "8", sizeof "8");
    fprintf(stderr, "    %lu\n", mysql_get_server_version(&mysql));
}

static const struct fault {
    const char *name;
    void (*meet)(void);
} faults[] = {
    {"progress_before_the_greeting", hear_of_progress_before_the_greeting},
    {"short_version", ask_for_a_short_version},
};
#define FAULTS (sizeof faults / sizeof faults[0])

/* Whether it ends who meets it: by a signal, or a sanitizer's exit status. */
static bool
is_there(const struct fault *fault)
{
    const struct rlimit no_core = {0, 0};
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        fault->meet();
        _exit(0);
    }
    (void)waitpid(child, &status, 0);
    return WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
}

int
main(void)
{
    const char *const library = mysql_get_client_info();
    int gone = 0;

    (void)setvbuf(stderr, NULL, _IOLBF, 0);
    fprintf(stderr, "client library %s\n", library);
    for (size_t i = 0; i < FAULTS; i++) {
        const bool there = is_there(&faults[i]);
        fprintf(stderr, "%s: %s\n", faults[i].name,
                there ? "still there" : "GONE");
        gone += !there;
    }
    if (strncmp(library, LIBRARY_SEEN, strlen(LIBRARY_SEEN)) != 0) {
        fprintf(stderr, "SKIPPED: they were seen with %sx\n", LIBRARY_SEEN);
        return SKIPPED;
    }
    return gone == 0 ? 0 : 1;
}
