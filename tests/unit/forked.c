/* SPDX-License-Identifier: MIT */
/* Goal: a child knows that it is one and has none of the sockets that were
 * noted, and nothing else is taken from it. Method: fork and bare clone with
 * sockets noted, forgotten, and replaced behind the note's back. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/forked.h"
#include "fixture/fork_kit.h"
#include "keeper/rebirth.h"
#include "unit/line.h"

static struct line line, other;
static order_u32 stamp; /* the generation that a thing of ours was made in */

static int
is_the_parents(void)
{
    FORK_EXPECT(!forked_is_mine(&stamp));
    const uint32_t mine = forked_generation();
    FORK_EXPECT(mine != 0 && mine == forked_generation());
    FORK_EXPECT(!forked_is_mine(&stamp));
    return 0;
}

static int
has_a_child_of_its_own(void)
{
    FORK_EXPECT(is_the_parents() == 0);
    order_store_release_u32(&stamp, forked_generation());
    FORK_EXPECT(forked_is_mine(&stamp));
    FORK_EXPECT(fork_kit_ended_well(fork_kit_child(is_the_parents)));
    FORK_EXPECT(forked_is_mine(&stamp));
    return 0;
}

static void
made_by_a_parent_is_not_made_by_its_child(void **state)
{
    (void)state;
    assert_true(rebirth_init());
    order_store_release_u32(&stamp, forked_generation());
    fork_kit_await(fork_kit_child(is_the_parents));
    fork_kit_await(fork_kit_child(has_a_child_of_its_own));
    const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        fork_kit_run(is_the_parents);
    }
    fork_kit_await(child);
    assert_true(forked_is_mine(&stamp));
}

/* As on a kernel that cannot wipe: in a process that has no page yet. */
static int
goes_without_a_page(void)
{
    fault_arm(FAULT_ONCE, 1, false);
    FORK_EXPECT(rebirth_init());
    FORK_EXPECT(fault_passes(FAULT_ONCE) > 1);
    order_store_release_u32(&stamp, forked_generation());
    FORK_EXPECT(forked_is_mine(&stamp));
    FORK_EXPECT(fork_kit_ended_well(fork_kit_child(has_a_child_of_its_own)));
    FORK_EXPECT(forked_is_mine(&stamp));
    return 0;
}

static void
without_a_page_the_handler_tells_a_child(void **state)
{
    (void)state;
    fork_kit_await(fork_kit_child(goes_without_a_page));
}

/* --- sockets -------------------------------------------------------------------- */

static bool
is_socket(int fd)
{
    struct stat found;

    return fstat(fd, &found) == 0 && S_ISSOCK(found.st_mode);
}

static bool
is_null(int fd)
{
    struct stat found, null;

    return fstat(fd, &found) == 0 && stat("/dev/null", &null) == 0 &&
           found.st_rdev == null.st_rdev && S_ISCHR(found.st_mode);
}

static int
has_null_and_nothing_more(void)
{
    FORK_EXPECT(is_null(line.ours));
    FORK_EXPECT((fcntl(line.ours, F_GETFD) & FD_CLOEXEC) != 0);
    FORK_EXPECT(write(line.ours, "x", 1) == 1);
    FORK_EXPECT(is_socket(line.theirs) && is_socket(other.ours));
    return 0;
}

static int
has_it_still(void)
{
    FORK_EXPECT(is_socket(line.ours));
    return 0;
}

static int
has_lost_it(void)
{
    FORK_EXPECT(fcntl(line.ours, F_GETFD) < 0);
    return 0;
}

static void
nothing_came_and_the_line_is_whole(void)
{
    char byte = 0;

    assert_int_equal(recv(line.theirs, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(write(line.ours, "p", 1), 1);
    assert_int_equal(read(line.theirs, &byte, 1), 1);
    assert_int_equal(byte, 'p');
}

static void
child_has_null_where_the_socket_was(void **state)
{
    struct forked_socket note = {0};
    const int before = open_descriptors();

    (void)state;
    line = open_line();
    other = open_line();
    forked_note(&note, line.ours);
    fork_kit_await(fork_kit_child(has_null_and_nothing_more));
    nothing_came_and_the_line_is_whole();
    forked_forget(&note);
    close_line(&line);
    close_line(&other);
    assert_int_equal(open_descriptors(), before);
}

static void
forgotten_socket_is_the_childs_as_well(void **state)
{
    struct forked_socket notes[3] = {{0}};

    (void)state;
    line = open_line();
    other = open_line();
    /* From the middle, the end and the beginning of the list. */
    forked_note(&notes[0], other.ours);
    forked_note(&notes[1], line.ours);
    forked_note(&notes[2], other.theirs);
    forked_forget(&notes[1]);
    fork_kit_await(fork_kit_child(has_it_still));
    forked_note(&notes[1], line.ours);
    forked_forget(&notes[1]);
    forked_forget(&notes[0]);
    forked_forget(&notes[2]);
    forked_forget(&notes[2]); /* nothing is noted there */
    fork_kit_await(fork_kit_child(has_it_still));
    close_line(&line);
    close_line(&other);
}

/* The client library may close its socket at any time, and the number is the
 * program's next one. */
static void
number_that_names_another_file_now_is_left_alone(void **state)
{
    struct forked_socket note = {0};

    (void)state;
    line = open_line();
    other = open_line();
    forked_note(&note, line.ours);
    assert_int_equal(dup2(other.ours, line.ours), line.ours);
    fork_kit_await(fork_kit_child(has_it_still));
    forked_forget(&note);
    close_line(&line);
    close_line(&other);
}

/* The fault points are armed before the fork: its handlers pass them. */
static void
without_a_descriptor_the_socket_is_closed_and_its_number_serves(void **state)
{
    struct forked_socket note = {0};

    (void)state;
    line = open_line();
    other = open_line();
    forked_note(&note, line.ours);
    fault_arm(FAULT_DESCRIPTOR, 1, false);
    const pid_t at_first = fork_kit_child(has_null_and_nothing_more);
    fault_arm(FAULT_DESCRIPTOR, 1, true);
    const pid_t for_good = fork_kit_child(has_lost_it);
    fault_arm(FAULT_DESCRIPTOR, 0, false);
    fork_kit_await(at_first);
    fork_kit_await(for_good);
    nothing_came_and_the_line_is_whole();
    forked_forget(&note);
    close_line(&line);
    close_line(&other);
}

/* --- a fork between two steps of a duplicate's life ---------------------------------- */

static void
check_fork_at(const char *where)
{
    struct forked_socket note = {0};

    if (fork_kit_not_here()) {
        skip();
    }
    line = open_line();
    fork_kit_fork_at(where, fork_kit_sockets);
    const int mine = forked_duplicate(&note, line.ours);
    assert_true(is_socket(mine));
    forked_close(&note);
    forked_close(&note); /* nothing is noted there */
    assert_false(is_socket(mine));
    fork_kit_child_had_nothing_more();
    close_line(&line);
}

/* Else the session lives on with the child when its parent has died. */
static void
a_child_that_is_forked_as_a_duplicate_is_made_has_none(void **state)
{
    (void)state;
    check_fork_at("forked.duplicated");
}

static void
a_child_that_is_forked_as_a_duplicate_is_closed_has_none(void **state)
{
    (void)state;
    check_fork_at("forked.closing");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_page_the_handler_tells_a_child),
        cmocka_unit_test(made_by_a_parent_is_not_made_by_its_child),
        cmocka_unit_test(child_has_null_where_the_socket_was),
        cmocka_unit_test(forgotten_socket_is_the_childs_as_well),
        cmocka_unit_test(number_that_names_another_file_now_is_left_alone),
        cmocka_unit_test(
            without_a_descriptor_the_socket_is_closed_and_its_number_serves),
        cmocka_unit_test(
            a_child_that_is_forked_as_a_duplicate_is_made_has_none),
        cmocka_unit_test(
            a_child_that_is_forked_as_a_duplicate_is_closed_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
