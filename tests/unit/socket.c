/* SPDX-License-Identifier: MIT */
/* Goal: only the very socket that was meant is cut, whatever a number names by
 * now. Method: cut pairs of sockets by the right identity, by another's, by
 * none; ask for the identity of what is no socket. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/socket.h"

static bool
hears_the_end(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void
socket_is_cut_by_its_own_identity_only(void **state)
{
    int one[2], other[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, one), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    const uint64_t identity = socket_identity(one[0]);
    assert_int_not_equal(identity, 0);
    assert_int_not_equal(identity, socket_identity(other[0]));
    assert_false(socket_cut_if_same(one[0], 0));
    assert_false(socket_cut_if_same(other[0], identity));
    assert_false(hears_the_end(one[1]));
    assert_false(hears_the_end(other[1]));
    assert_true(socket_cut_if_same(one[0], identity));
    assert_true(hears_the_end(one[1]));
    assert_false(hears_the_end(other[1]));
    for (int i = 0; i < 2; i++) {
        (void)close(one[i]);
        (void)close(other[i]);
    }
}

static void
what_is_no_socket_has_no_identity(void **state)
{
    const int file = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(socket_identity(file), 0);
    (void)close(file);
    assert_int_equal(socket_identity(file), 0);
    assert_int_equal(socket_identity(-1), 0);
    assert_false(socket_cut_if_same(-1, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_is_cut_by_its_own_identity_only),
        cmocka_unit_test(what_is_no_socket_has_no_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
