/* SPDX-License-Identifier: MIT */
/* The command `dewpond storm`: start the threads, watch them, tell the end. */
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CLOSE_GRACE_MS = 10000,
    TERMINAL_TICK_MS = 1000, /* one line, written over */
    LOG_TICK_MS = 5000,      /* a line of its own each */
};

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

static enum storm_exit run(struct storm *storm);
static bool prepare(struct storm *storm);
static bool start_worker(struct storm *storm, uint32_t number);
static bool start_all(struct storm *storm);
static void watch(struct storm *storm);
static void join_all(struct storm *storm);
static enum storm_exit finish(struct storm *storm);
static void dispose(struct storm *storm);
static void hold_signals(int how);
static bool listen_for_interrupt(struct storm *storm);

/* The end of the pipe that a signal handler may write to. */
static volatile sig_atomic_t interrupt_bell = -1;

enum storm_exit
storm_main(int argc, char **argv)
{
    struct storm_options options;
    if (!storm_options_read(&options, argc, argv)) {
        return STORM_USAGE;
    }
    if (options.help || options.version) {
        if (options.help) {
            storm_options_help();
        } else {
            dewpond_print_version();
        }
        storm_options_free(&options);
        return STORM_FINE;
    }
    struct storm storm = {.options = &options, .bell = {-1, -1}};
    const enum storm_exit outcome = run(&storm);
    dispose(&storm);
    storm_options_free(&options);
    return outcome;
}

static enum storm_exit
run(struct storm *storm)
{
    if (!prepare(storm)) {
        (void)fprintf(stderr, "dewpond storm: %s\n", strerror(errno));
        return STORM_TROUBLE;
    }
    const enum storm_exit opened = storm_pool_open(storm);
    if (opened != STORM_FINE) {
        return opened;
    }
    storm_report_head(storm);
    storm->began_ns = latency_now_ns();
    const bool started = start_all(storm);
    if (started) {
        hold_signals(SIG_UNBLOCK);
        watch(storm);
    }
    atomic_store(&storm->stop, true);
    join_all(storm);
    storm->ended_ns = latency_now_ns();
    const enum storm_exit outcome = finish(storm);
    return started || outcome == STORM_WRONG ? outcome : STORM_TROUBLE;
}

static bool
prepare(struct storm *storm)
{
    const char *const query = storm->options->query;
    storm->has_nonce =
        query == NULL || strstr(query, storm_ask_placeholder) != NULL;
    storm->compare_id = query == NULL || storm->options->dirty > 0;
    /* Any number parts two runs; this one is rarely the same. */
    storm->salt = (latency_now_ns() ^ (uint64_t)getpid() << 7) & 0x7fff;
    storm->owners = calloc(1, sizeof *storm->owners);
    storm->workers =
        calloc((size_t)storm->options->threads, sizeof(struct storm_worker *));
    if (storm->owners == NULL || storm->workers == NULL) {
        errno = ENOMEM;
        return false;
    }
    /* Blocked before any thread exists: only the watcher is interrupted. */
    hold_signals(SIG_BLOCK);
    return pipe(storm->bell) == 0 && listen_for_interrupt(storm);
}

static bool
start_all(struct storm *storm)
{
    const uint32_t threads = (uint32_t)storm->options->threads;
    /* One more than there are, so that a quick one is not the last one. */
    atomic_store(&storm->running, threads + 1);
    for (uint32_t i = 0; i < threads; i++) {
        if (!start_worker(storm, i)) {
            (void)fprintf(stderr,
                          "dewpond storm: thread %u of %u cannot be "
                          "started: %s\n",
                          i + 1, threads, strerror(errno));
            return false;
        }
    }
    if (atomic_fetch_sub(&storm->running, 1) == 1) {
        atomic_store(&storm->stop, true);
    }
    return true;
}

static bool
start_worker(struct storm *storm, uint32_t number)
{
    const char *const query = storm->options->query;
    struct storm_worker *const worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        errno = ENOMEM;
        return false;
    }
    worker->storm = storm;
    worker->number = number;
    worker->random = (storm->salt + 1) * UINT64_C(0x9e3779b97f4a7c15) + number;
    worker->text =
        malloc(storm_ask_room(query != NULL ? query : storm_ask_default));
    const int failed =
        worker->text == NULL
            ? ENOMEM
            : pthread_create(&worker->thread, NULL, storm_worker_main, worker);
    if (failed != 0) {
        free(worker->text);
        free(worker);
        errno = failed;
        return false;
    }
    storm->workers[storm->worker_count++] = worker;
    return true;
}

/* Until the time is up, the last worker left, or somebody interrupts. */
static void
watch(struct storm *storm)
{
    const struct storm_options *const options = storm->options;
    const bool terminal = isatty(STDERR_FILENO) != 0;
    const uint64_t tick_ns =
        (terminal ? TERMINAL_TICK_MS : LOG_TICK_MS) * NS_PER_MS;
    const uint64_t end_ns =
        options->seconds == STORM_UNSET
            ? UINT64_MAX
            : storm->began_ns + (uint64_t)options->seconds * NS_PER_S;
    struct storm_pace pace = {.last_ns = storm->began_ns};
    struct pollfd bell = {.fd = storm->bell[0], .events = POLLIN};
    uint64_t next_ns = options->quiet ? UINT64_MAX : storm->began_ns + tick_ns;

    while (!atomic_load(&storm->stop)) {
        const uint64_t now_ns = latency_now_ns();
        if (now_ns >= end_ns) {
            break;
        }
        if (now_ns >= next_ns) {
            storm_report_live(storm, &pace, terminal);
            next_ns += tick_ns;
            continue;
        }
        const uint64_t until_ns = next_ns < end_ns ? next_ns : end_ns;
        const uint64_t left_ms = (until_ns - now_ns) / NS_PER_MS + 1;
        const int wait_ms = left_ms < LOG_TICK_MS ? (int)left_ms : LOG_TICK_MS;
        if (poll(&bell, 1, wait_ms) > 0) {
            break;
        }
    }
    if (terminal && !options->quiet) {
        (void)fputc('\n', stderr);
    }
}

static void
join_all(struct storm *storm)
{
    for (uint32_t i = 0; i < storm->worker_count; i++) {
        (void)pthread_join(storm->workers[i]->thread, NULL);
    }
}

static enum storm_exit
finish(struct storm *storm)
{
    dew_error error = {.code = DEW_OK};
    enum storm_exit outcome = storm_report_end(storm);
    /* Busy: an opener is still at work, so there was no still moment. */
    const dew_code check = dew_pool_check(storm->pool, &error);
    const bool checked = check == DEW_OK || check == DEW_EBUSY;
    if (!checked ||
        dew_pool_close(storm->pool, CLOSE_GRACE_MS, &error) != DEW_OK) {
        (void)fprintf(stderr, "dewpond storm: the pool's %s failed: %s\n",
                      checked ? "close" : "self-check", error.message);
        outcome = outcome == STORM_FINE ? STORM_TROUBLE : outcome;
    }
    storm->pool = NULL;
    return outcome;
}

static void
dispose(struct storm *storm)
{
    if (storm->pool != NULL) {
        (void)dew_pool_close(storm->pool, CLOSE_GRACE_MS, NULL);
    }
    for (uint32_t i = 0; i < storm->worker_count; i++) {
        free(storm->workers[i]->text);
        free(storm->workers[i]);
    }
    free(storm->workers);
    free(storm->owners);
    interrupt_bell = -1;
    for (int i = 0; i < 2; i++) {
        if (storm->bell[i] >= 0) {
            (void)close(storm->bell[i]);
        }
    }
}

static void
hold_signals(int how)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)pthread_sigmask(how, &set, NULL);
}

static void
on_interrupt(int number)
{
    const int saved = errno;
    (void)number;
    if (interrupt_bell >= 0) {
        const ssize_t rung = write((int)interrupt_bell, "i", 1);
        (void)rung; /* a full pipe has rung already */
    }
    errno = saved;
}

/* The second interrupt finds the default again, and ends the program. */
static bool
listen_for_interrupt(struct storm *storm)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    for (int i = 0; i < 2; i++) {
        (void)fcntl(storm->bell[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(storm->bell[i], F_SETFL, O_NONBLOCK);
    }
    interrupt_bell = storm->bell[1];
    action.sa_flags = (int)SA_RESETHAND;
    return sigaction(SIGINT, &action, NULL) == 0 &&
           sigaction(SIGTERM, &action, NULL) == 0;
}
