/* SPDX-License-Identifier: MIT */
/* Looks at a handle: untouched, quiet, suspect, drainable or flawed. */
/*
 * THE MARK: see session/quick.h.
 *
 * THE COUNTER otherwise. 1 after a return says "the last thing on the wire
 * was a command of ours": its reply is unread, unless the command has none.
 * The command byte is still in the buffer. It cannot tell everything (a
 * second reply in flight, a reply behind a COM_STMT_CLOSE, a counter that
 * wrapped at 256): that is what the proof is for (parts.h).
 */
#define _GNU_SOURCE 1 /* POLLRDHUP */

#include <assert.h>
#include <stddef.h>

#include "base/poll.h"
#include "session/parts.h"
#include "session/quick.h"

#define COM_BYTE_LONG_DATA 0x18  /* COM_STMT_SEND_LONG_DATA: no reply */
#define COM_BYTE_STMT_CLOSE 0x19 /* COM_STMT_CLOSE: no reply */
#define COM_BYTE_LAST 0x1f       /* above: a packet header we read, or rare */
#define COM_BYTE_AT 4            /* behind the header in the packet buffer */

static bool
is_overgrown(const MYSQL *mysql, const struct settings *settings)
{
    return settings->buffer_max_kb >= 0 &&
           mysql->net.max_packet > (uint64_t)settings->buffer_max_kb * 1024;
}

/* FNV-1a. A hash, so that a session has no other text to own. */
static uint32_t
hash_of_login(const MYSQL *mysql)
{
    uint32_t hash = 2166136261u;

    for (const char *at = mysql->user; at != NULL && *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    }
    return hash;
}

void
inspect_note_login(struct session *session)
{
    session->login = hash_of_login(session->mysql);
}

static_assert(offsetof(struct session, mysql) ==
                  offsetof(struct session_front, mysql),
              "quick.h reads the handle of a session there");

/* Whatever is unusual is session_give_back's to judge. */
static inline bool
is_quiet_structure(const MYSQL *mysql, const struct settings *settings)
{
    return mysql->status == MYSQL_STATUS_READY &&
           mysql->net.last_errno == 0 && mysql->net.pkt_nr != 1 &&
           !flavour_more_results(mysql) &&
           flavour_unread_bytes(mysql) != FLAVOUR_SOME &&
           !is_overgrown(mysql, settings);
}

bool
session_rests(const struct session *session, const struct settings *settings)
{
    const MYSQL *const mysql = session->mysql;

    return settings->reset == DEW_RESET_NEVER &&
           mysql->net.pkt_nr != SESSION_LENT_MARK &&
           session_handle_stands(mysql) &&
           is_quiet_structure(mysql, settings);
}

bool
inspect_untouched(struct session *session)
{
    MYSQL *const mysql = session->mysql;

    if (mysql->net.pkt_nr != SESSION_LENT_MARK) {
        return false;
    }
    mysql->net.pkt_nr = 0;
    return mysql->status == MYSQL_STATUS_READY &&
           !flavour_more_results(mysql) && !flavour_is_dead(mysql);
}

/* What a counter of 1 means: see THE COUNTER. */
static enum look
look_at_last_command(const MYSQL *mysql, enum session_flaw *flaw)
{
    if (mysql->net.pkt_nr != 1 || mysql->net.buff == NULL) {
        return LOOK_QUIET;
    }
    const unsigned char command = mysql->net.buff[COM_BYTE_AT];
    if (command == COM_BYTE_STMT_CLOSE || command == COM_BYTE_LONG_DATA ||
        command == 0 || command > COM_BYTE_LAST) {
        return LOOK_SUSPECT;
    }
    *flaw = SESSION_UNREAD;
    return LOOK_FLAWED;
}

static bool
has_fatal_errno(const struct session *session)
{
    return session_errno_is_fatal(mysql_errno(session->mysql),
                                  session->server.is_mariadb,
                                  mysql_sqlstate(session->mysql));
}

enum look
inspect_structure(const struct session *session,
                  const struct settings *settings, enum session_flaw *flaw)
{
    const MYSQL *const mysql = session->mysql;
    if (flavour_is_dead(mysql) || has_fatal_errno(session)) {
        *flaw = SESSION_DEAD;
        return LOOK_FLAWED;
    }
    if (is_overgrown(mysql, settings)) {
        *flaw = SESSION_OVERGROWN;
        return LOOK_FLAWED;
    }
    /* No reset brings the user back that mysql_change_user took away. */
    if (session->login != hash_of_login(mysql)) {
        *flaw = SESSION_OTHER_USER;
        return LOOK_FLAWED;
    }
    if (mysql->status == MYSQL_STATUS_GET_RESULT) {
        return LOOK_DRAINABLE;
    }
    if (mysql->status != MYSQL_STATUS_READY) {
        *flaw = SESSION_MID_RESULT;
        return LOOK_FLAWED;
    }
    if (flavour_more_results(mysql)) {
        return LOOK_DRAINABLE;
    }
    if (flavour_unread_bytes(mysql) == FLAVOUR_SOME) {
        *flaw = SESSION_UNREAD;
        return LOOK_FLAWED;
    }
    return look_at_last_command(mysql, flaw);
}

enum look
inspect_socket(const struct session *session, enum session_flaw *flaw)
{
    struct pollfd socket = {
        .fd = flavour_socket(session->mysql),
        .events = POLLIN | POLLRDHUP | POLLOUT,
    };
    if (socket.fd < 0 || poll_now(&socket, 1) < 0 ||
        (socket.revents & (POLLERR | POLLHUP | POLLRDHUP | POLLNVAL)) != 0 ||
        (socket.revents & POLLOUT) == 0) {
        /* Without room even a small packet could block: as good as dead. */
        *flaw = SESSION_DEAD;
        return LOOK_FLAWED;
    }
    if ((socket.revents & POLLIN) == 0) {
        return LOOK_QUIET;
    }
    if (!session->plain) {
        /* TLS may bring a ticket or a key update of its own at any time. */
        return LOOK_SUSPECT;
    }
    *flaw = SESSION_UNREAD;
    return LOOK_FLAWED;
}

enum session_flaw
inspect_failure(const struct session *session, enum session_flaw otherwise)
{
    return flavour_is_dead(session->mysql) || has_fatal_errno(session)
               ? SESSION_DEAD
               : otherwise;
}

bool
session_is_quiet(const struct session *session)
{
    struct pollfd socket = {
        .fd = flavour_socket(session->mysql),
        .events = POLLIN | POLLRDHUP,
    };
    return socket.fd >= 0 && poll_now(&socket, 1) == 0 &&
           flavour_unread_bytes(session->mysql) != FLAVOUR_SOME;
}

bool
session_is_gone(const struct session *session)
{
    struct pollfd socket = {
        .fd = flavour_socket(session->mysql),
        .events = POLLRDHUP,
    };
    return socket.fd < 0 || poll_now(&socket, 1) > 0;
}
