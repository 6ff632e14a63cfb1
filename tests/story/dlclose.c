/* SPDX-License-Identifier: MIT */
/* Goal: unloading the shared library under a thread that used it is harmless.
 */
/* Method: in a process that has liburcu from nowhere else, load the library,
 * use it in a thread, unload it, and only then let the thread end. */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <dewpond.h>

#ifndef DEWPOND_SO_PATH
#error "define DEWPOND_SO_PATH: the path of libdewpond.so"
#endif

#define CANNOT_BE_TRIED 77

typedef dew_code acquire_named(const char *name, int64_t timeout_ms,
                               dew_conn *conn, dew_error *error);

static bool
is_mapped(const char *library)
{
    FILE *const maps = fopen("/proc/self/maps", "r");
    char line[512];
    bool found = false;

    if (maps == NULL) {
        return false;
    }
    while (!found && fgets(line, sizeof line, maps) != NULL) {
        found = strstr(line, library) != NULL;
    }
    (void)fclose(maps);
    return found;
}

/* The thread and its maker take turns at the two barriers. */
struct user {
    acquire_named *acquire;
    pthread_barrier_t used, unloaded;
    dew_code code;
};

static void *
use_and_outlive_the_library(void *arg)
{
    struct user *const user = arg;
    dew_conn conn = DEW_CONN_INIT;

    /* No such pool: but the look for it is a read-side section, and so
     * liburcu now has something to do when this thread ends. */
    user->code = user->acquire("no such pool", DEW_NO_WAIT, &conn, NULL);
    (void)pthread_barrier_wait(&user->used);
    (void)pthread_barrier_wait(&user->unloaded);
    return NULL;
}

enum {
    SURVIVED = 10,
    NO_LIBRARY,
    NO_FUNCTION,
    NOT_USED,
    NO_LIBURCU,
    UNLOADED,
};

static int
load_use_unload(void)
{
    struct user user;
    pthread_t thread;
    void *const library = dlopen(DEWPOND_SO_PATH, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        (void)fprintf(stderr, "dlclose: %s\n", dlerror());
        return NO_LIBRARY;
    }
    *(void **)&user.acquire = dlsym(library, "dew_acquire_named");
    if (user.acquire == NULL) {
        return NO_FUNCTION;
    }
    (void)pthread_barrier_init(&user.used, NULL, 2);
    (void)pthread_barrier_init(&user.unloaded, NULL, 2);
    if (pthread_create(&thread, NULL, use_and_outlive_the_library, &user)) {
        return NOT_USED;
    }
    (void)pthread_barrier_wait(&user.used);
    if (!is_mapped("liburcu-bp")) {
        return NO_LIBURCU; /* then this test would show nothing */
    }
    (void)dlclose(library);
    (void)pthread_barrier_wait(&user.unloaded);
    (void)pthread_join(thread, NULL);
    if (user.code != DEW_ENOTFOUND) {
        return NOT_USED;
    }
    return is_mapped("libdewpond") ? SURVIVED : UNLOADED;
}

static void
a_thread_outlives_the_library_that_it_used(void **state)
{
    int status = 0;
    const pid_t child = fork();

    (void)state;
    if (child == 0) {
        /* cmocka's handler would turn a crash into an exit status. */
        (void)signal(SIGSEGV, SIG_DFL);
        _exit(load_use_unload());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status)); /* a crash is what must not happen */
    assert_int_equal(WEXITSTATUS(status), SURVIVED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_outlives_the_library_that_it_used),
    };

    if (is_mapped("liburcu-bp")) {
        (void)fprintf(stderr, "dlclose: SKIPPED: this program is linked with "
                              "liburcu, which then stays mapped anyway\n");
        return CANNOT_BE_TRIED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
