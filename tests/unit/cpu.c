/* SPDX-License-Identifier: MIT */
/* Goal: the CPU number is the one this thread runs on, with rseq or not. */
/* Method: pin the thread to each CPU it may use and ask; the same again in a
 * process where a glibc tunable keeps rseq from being registered. */
#define _GNU_SOURCE 1
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cpu.h"

#define RSEQ_OFF_ARGUMENT "--without-rseq"

/* The number of CPUs on which both answers were right, or -1. */
static int
count_cpus_told_right(void)
{
    cpu_set_t allowed;
    cpu_set_t one;
    int told = 0;

    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return -1;
    }
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed)) {
            continue;
        }
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof one, &one) != 0 ||
            cpu_current() != cpu || cpu_from_system() != cpu) {
            told = -1;
            break;
        }
        told++;
    }
    (void)sched_setaffinity(0, sizeof allowed, &allowed);
    return told;
}

static void
the_number_is_that_of_the_cpu_the_thread_is_pinned_to(void **state)
{
    (void)state;
    assert_true(count_cpus_told_right() > 0);
}

#ifdef CPU_HAS_RSEQ
/* Runs this program again with rseq switched off; its exit status. */
static int
run_without_rseq(const char *tunables)
{
    char program[] = "/proc/self/exe";
    char argument[] = RSEQ_OFF_ARGUMENT;
    char setting[64];
    char *const arguments[] = {program, argument, NULL};
    char *const environment[] = {setting, NULL};
    int status = -1;
    pid_t child;

    (void)snprintf(setting, sizeof setting, "GLIBC_TUNABLES=%s", tunables);
    child = fork();
    if (child == 0) {
        (void)execve(program, arguments, environment);
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

enum { TOLD_RIGHT = 10, TOLD_WRONG = 11, HAS_RSEQ = 12 };

static int
main_without_rseq(void)
{
    if (__rseq_size != 0) {
        return HAS_RSEQ;
    }
    return count_cpus_told_right() > 0 ? TOLD_RIGHT : TOLD_WRONG;
}

static void
without_rseq_the_system_is_asked(void **state)
{
    (void)state;
    assert_int_equal(run_without_rseq("glibc.pthread.rseq=0"), TOLD_RIGHT);
}

static void
with_rseq_the_fast_way_is_taken(void **state)
{
    (void)state;
    if (__rseq_size == 0) {
        (void)fprintf(stderr, "cpu: rseq is not registered here, skipped\n");
        skip();
    }
    /* The same answer as the system's, from an area that is filled in. */
    assert_true(cpu_from_rseq() < CPU_SETSIZE);
    assert_int_equal(run_without_rseq("glibc.pthread.rseq=1"), HAS_RSEQ);
}
#endif

static void
the_count_is_that_of_the_cpus_online(void **state)
{
    (void)state;
    assert_true(cpu_count() >= 1);
    assert_int_equal(cpu_count(), get_nprocs());
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_is_that_of_the_cpu_the_thread_is_pinned_to),
#ifdef CPU_HAS_RSEQ
        cmocka_unit_test(without_rseq_the_system_is_asked),
        cmocka_unit_test(with_rseq_the_fast_way_is_taken),
#endif
        cmocka_unit_test(the_count_is_that_of_the_cpus_online),
    };

#ifdef CPU_HAS_RSEQ
    if (argc == 2 && strcmp(argv[1], RSEQ_OFF_ARGUMENT) == 0) {
        return main_without_rseq();
    }
#endif
    (void)argc;
    (void)argv;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
