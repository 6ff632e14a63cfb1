/* SPDX-License-Identifier: MIT */
/* What a handle of Oracle's libmysqlclient looks like, and its commands. */
#include "session/flavour.h"

#if !FLAVOUR_MARIADB

#include <errmsg.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/forked.h"
#include "base/poll.h"

/* mysql_reset_connection_nonblocking came with 8.4. */
#define HAS_ASYNC_RESET (MYSQL_VERSION_ID >= 80400)

#define PEEK_BYTES 2048 /* the answer to a proof is a quarter of that */
#define PACKET_HEADER 4

int
flavour_socket(const MYSQL *mysql)
{
    return flavour_has_transport(mysql) ? (int)mysql->net.fd : -1;
}

bool
flavour_has_tls(const MYSQL *mysql)
{
    return mysql->net.vio != NULL &&
           mysql_get_ssl_cipher((MYSQL *)(uintptr_t)mysql) != NULL;
}

bool
flavour_is_wrapped(const MYSQL *mysql)
{
    return mysql->net.compress || flavour_has_tls(mysql);
}

bool
flavour_options_stand(const MYSQL *mysql)
{
    const char *local_dir = NULL;

    /* The directory lies in a part whose shape is private: this call reads it,
     * and asks nobody. */
    return (mysql->options.client_flag & CLIENT_LOCAL_FILES) == 0 &&
           mysql->options.local_infile_init == flavour_default_infile &&
           !mysql->reconnect &&
           mysql_get_option((MYSQL *)(uintptr_t)mysql,
                            MYSQL_OPT_LOAD_DATA_LOCAL_DIR, &local_dir) == 0 &&
           local_dir == NULL;
}

bool
flavour_reconnect_is_on(const MYSQL *mysql)
{
    return mysql->reconnect;
}

void
flavour_reconnect_off(MYSQL *mysql)
{
    /* Not by MYSQL_OPT_RECONNECT, which prints a warning to stderr. */
    mysql->reconnect = false;
}

void
flavour_local_infile_off(MYSQL *mysql)
{
    const unsigned int off = 0;

    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_options(mysql, MYSQL_OPT_LOAD_DATA_LOCAL_DIR, NULL);
    mysql_set_local_infile_default(mysql);
}

bool
flavour_has_init_command(const MYSQL *mysql)
{
    return mysql->options.init_commands != NULL;
}

/* ---- commands whose answer is read later ---- */

unsigned
flavour_can(void)
{
    return FLAVOUR_CAN_QUERY | (HAS_ASYNC_RESET ? FLAVOUR_CAN_RESET : 0u);
}

bool
flavour_send_simple(MYSQL *mysql, enum enum_server_command command,
                    const void *argument, size_t length)
{
    /* The methods of a handle are private: nothing to call. */
    (void)mysql;
    (void)command;
    (void)argument;
    (void)length;
    return false;
}

#if HAS_ASYNC_RESET
/* The command went out and nothing has come back: the packet counter stands
 * behind our one packet. It tells a reset that is answered within the first
 * call from one that is still to be read. */
static bool
is_unanswered(const MYSQL *mysql)
{
    return flavour_has_transport(mysql) && mysql->net.pkt_nr == 1;
}

bool
flavour_send_reset(MYSQL *mysql)
{
    return mysql_reset_connection_nonblocking(mysql) != NET_ASYNC_ERROR;
}

bool
flavour_has_answer(const MYSQL *mysql)
{
    return !is_unanswered(mysql);
}

/* When a simple command's answer cannot be read, 9.7 looks at its first byte in
 * a buffer that it has just freed. A small one is harmless; one that a long row
 * has made grow (128 KB) is no memory any more, and the program ends by SIGSEGV
 * (tests/oracle/freed_buffer.c). So the library is not asked to read where
 * there is nothing to be read. */
static enum flavour_result
what_is_to_be_read(const MYSQL *mysql)
{
    char byte;
    const ssize_t got = recv(flavour_socket(mysql), &byte, 1,
                             MSG_PEEK | MSG_DONTWAIT);

    if (got > 0) {
        return FLAVOUR_DONE;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? FLAVOUR_WAIT
                                                          : FLAVOUR_FAILED;
}

/* As the library would leave the handle, had it read the end. */
static void
note_loss(MYSQL *mysql)
{
    NET *const net = &mysql->net;

    net->error = NET_ERROR_SOCKET_UNUSABLE;
    net->last_errno = CR_SERVER_LOST;
    memcpy(net->sqlstate, "HY000", sizeof("HY000"));
    (void)snprintf(net->last_error, sizeof(net->last_error),
                   "Lost connection before the answer to a reset");
}

enum flavour_result
flavour_read_reset(MYSQL *mysql)
{
    enum flavour_result there;

    if (flavour_is_dead(mysql)) {
        return FLAVOUR_FAILED;
    }
    if (!is_unanswered(mysql)) {
        return FLAVOUR_DONE;
    }
    there = what_is_to_be_read(mysql);
    if (there == FLAVOUR_FAILED) {
        note_loss(mysql);
    }
    if (there != FLAVOUR_DONE) {
        return there;
    }
    switch (mysql_reset_connection_nonblocking(mysql)) {
    case NET_ASYNC_COMPLETE:
        return FLAVOUR_DONE;
    case NET_ASYNC_NOT_READY:
        return FLAVOUR_WAIT;
    case NET_ASYNC_ERROR:
    case NET_ASYNC_COMPLETE_NO_MORE_RESULTS:
        break;
    }
    return FLAVOUR_FAILED;
}
#else
bool
flavour_send_reset(MYSQL *mysql)
{
    (void)mysql;
    return false;
}

bool
flavour_has_answer(const MYSQL *mysql)
{
    (void)mysql;
    return false;
}

enum flavour_result
flavour_read_reset(MYSQL *mysql)
{
    (void)mysql;
    return FLAVOUR_FAILED;
}
#endif

unsigned
flavour_packets_there(const MYSQL *mysql)
{
    unsigned char bytes[PEEK_BYTES];
    struct pollfd socket = {.fd = flavour_socket(mysql), .events = POLLIN};
    unsigned packets = 0;

    if (socket.fd < 0 || poll_until(&socket, 1, CLOCK_NEVER) <= 0) {
        return 0;
    }
    const ssize_t got =
        recv(socket.fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    for (size_t at = 0; got > 0 && at < (size_t)got; packets++) {
        const unsigned char *const header = bytes + at;

        if (at + PACKET_HEADER > (size_t)got) {
            return packets + 1; /* it has begun */
        }
        at += PACKET_HEADER + ((size_t)header[0] | (size_t)header[1] << 8 |
                               (size_t)header[2] << 16);
    }
    return packets;
}

bool
flavour_read_answer(MYSQL *mysql)
{
    return !mysql_read_query_result(mysql);
}

/* ---- parting ---- */

/* mysql_close shuts the socket down, for every duplicate of it; and while a
 * reset's answer is due it takes COM_QUIT for the rest of that reset and sends
 * nothing. So where packets are bytes we say it, and the library is left with
 * a socket that leads nowhere. */
static bool
quit_without_library(MYSQL *mysql)
{
    static const char quit[] = {1, 0, 0, 0, COM_QUIT};
    const int fd = flavour_socket(mysql);

    return fd >= 0 &&
           send(fd, quit, sizeof(quit), MSG_DONTWAIT | MSG_NOSIGNAL) ==
               (ssize_t)sizeof(quit) &&
           forked_replace_by_null(fd);
}

/* mysql_close would go on with what is under way, and read (see above what that
 * may end in). A send that must fail, since the socket is shut down or none,
 * makes the library drop it without a look at anything. */
static void
drop_transport(MYSQL *mysql)
{
    mysql->status = MYSQL_STATUS_READY;
    mysql->server_status &= ~(unsigned)FLAVOUR_MORE_RESULTS;
    mysql->net.error = NET_ERROR_UNSET; /* else it does not even try */
    if (flavour_has_transport(mysql)) {
        (void)mysql_send_query(mysql, "", 0);
    }
}

/* The answer to a reset is due and does not come, or not to its end. */
static bool
cut_what_is_under_way(MYSQL *mysql)
{
    const int fd = flavour_socket(mysql);

    if (flavour_read_reset(mysql) == FLAVOUR_DONE) {
        return false;
    }
    if (fd >= 0) {
        (void)shutdown(fd, SHUT_RDWR);
    }
    return true;
}

void
flavour_part(MYSQL *mysql, unsigned how)
{
    if ((how & FLAVOUR_CUT) != 0 ||
        ((how & FLAVOUR_PLAIN) != 0 && quit_without_library(mysql)) ||
        ((how & FLAVOUR_RESET_DUE) != 0 && cut_what_is_under_way(mysql))) {
        drop_transport(mysql);
    }
    mysql_close(mysql);
}

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_oracle_is_chosen_by_the_preprocessor;
