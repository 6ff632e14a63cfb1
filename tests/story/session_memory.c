/* SPDX-License-Identifier: MIT */
/* Goal: a session keeps no memory that only its first question needed. Method:
 * the page faults of two threads with a heap each: one opens sessions, the other
 * plain handles, which ask nothing. */
#define _GNU_SOURCE 1
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/scripted_kit.h"
#include "session/inside.h"

/* The first ones learn, bind symbols and make the heap. */
#define FIRST 4
#define COUNTED 60
#define ALL (FIRST + COUNTED)

static struct {
    dew_script_server *server;
    struct settings settings;
    pthread_barrier_t turn;
} world;

struct opener {
    bool (*open)(void);
    int before, after; /* how many turns begin before and behind its own */
    long faults;
    bool failed;
};

static struct session_lore *lore;
static struct session *sessions[ALL];
static MYSQL *handles[ALL];
static uint32_t session_count, handle_count;

static bool
open_session(void)
{
    const struct io_limit limit = {clock_deadline_after_ms(KIT_PATIENCE_MS),
                                   -1};

    return session_open_among(&sessions[session_count++], lore,
                              &world.settings, &limit, NULL) == DEW_OK;
}

static bool
open_handle(void)
{
    MYSQL *const mysql = mysql_init(NULL);

    handles[handle_count++] = mysql;
    return mysql != NULL &&
           mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") == 0 &&
           mysql_real_connect(mysql, NULL, "app", NULL, NULL, 0,
                              world.settings.unix_socket, 0) != NULL;
}

static long
faults_of_this_thread(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
}

static void
take_turns(int count)
{
    for (int i = 0; i < count; i++) {
        (void)pthread_barrier_wait(&world.turn);
    }
}

/* Both live until both are done: neither gets the other's heap. */
static void *
run(void *arg)
{
    struct opener *const opener = arg;

    take_turns(opener->before);
    for (int i = 0; i < FIRST; i++) {
        opener->failed = !opener->open() || opener->failed;
    }
    const long before = faults_of_this_thread();
    for (int i = 0; i < COUNTED; i++) {
        opener->failed = !opener->open() || opener->failed;
    }
    opener->faults = faults_of_this_thread() - before;
    take_turns(opener->after);
    return NULL;
}

static void
end_all(void)
{
    for (uint32_t i = 0; i < session_count; i++) {
        loan_end(sessions[i]);
    }
    for (uint32_t i = 0; i < handle_count; i++) {
        mysql_close(handles[i]);
    }
}

/* Not that of a sanitizer or of valgrind. */
static bool
heap_is_of_libc(void)
{
    const size_t size = 100000, before = mallinfo2().uordblks;
    void *const block = malloc(size);
    const bool is = mallinfo2().uordblks >= before + size;

    free(block);
    return is;
}

static void
session_touches_no_more_memory_than_a_plain_handle(void **state)
{
    struct opener ours = {.open = open_session, .before = 0, .after = 2};
    struct opener plain = {.open = open_handle, .before = 1, .after = 1};
    pthread_t first, second;

    (void)state;
    if (!FLAVOUR_MARIADB || !heap_is_of_libc()) {
        print_message("a heap or a library that the room is not meant for\n");
        skip();
    }
    assert_int_equal(pthread_barrier_init(&world.turn, NULL, 2), 0);
    assert_int_equal(pthread_create(&first, NULL, run, &ours), 0);
    assert_int_equal(pthread_create(&second, NULL, run, &plain), 0);
    (void)pthread_join(first, NULL);
    (void)pthread_join(second, NULL);
    (void)pthread_barrier_destroy(&world.turn);
    end_all();
    assert_false(ours.failed || plain.failed);
    printf("page faults of %d sessions: %ld, of plain handles: %ld\n", COUNTED,
           ours.faults, plain.faults);
    /* What it keeps of its own is less than a page. */
    assert_true(ours.faults <= plain.faults + COUNTED);
}

static int
begin(void **state)
{
    (void)state;
    world.server = script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    lore = session_lore_new();
    assert_non_null(lore);
    assert_int_equal(session_library_init(NULL), DEW_OK);
    world.settings = (struct settings){
        .name = (char *)"test-pool",
        .user = (char *)"app",
        .charset = (char *)"utf8mb4",
        .unix_socket = (char *)(uintptr_t)dew_script_socket(world.server),
        .connect_timeout_ms = KIT_PATIENCE_MS,
        .buffer_max_kb = SETTINGS_OFF,
        .autocommit = true,
    };
    return 0;
}

static int
end(void **state)
{
    (void)state;
    session_lore_free(lore);
    script_stop(world.server);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            session_touches_no_more_memory_than_a_plain_handle, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
