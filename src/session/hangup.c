/* SPDX-License-Identifier: MIT */
/* Ends a session, or gives its handle away; and what can be asked of one. */
#define _GNU_SOURCE 1
#include <errmsg.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/poll.h"
#include "base/socket.h"
#include "session/parts.h"

/* COM_QUIT is one small send, but even that would wait for room when the
 * server has stopped reading. */
static bool
has_room_to_send(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};

    return poll_now(&room, 1) == 1 && (room.revents & POLLOUT) != 0;
}

static void
free_rest(struct session *session)
{
    memory_free(session->repair_sql);
    memory_free(session->database);
    memory_free(session);
}

int
session_socket(const struct session *session)
{
    return flavour_socket(session->mysql);
}

uint64_t
session_socket_identity(const struct session *session)
{
    return session->shared.identity;
}

int
session_dup_socket(const struct session *session)
{
    return socket_duplicate(flavour_socket(session->mysql));
}

int
session_hang_up(struct session *session, enum session_parting parting)
{
    const int fd = flavour_socket(session->mysql);
    const int duplicate = session_dup_socket(session);
    const bool cut = parting == SESSION_CUT || !has_room_to_send(fd);
    struct sigpipe_hold hold = {0};

    if (fd >= 0 && cut) {
        (void)shutdown(fd, SHUT_RDWR);
    }
    /* Nothing has been sent to a dead session: no signal, no hold. */
    if (fd >= 0 && flavour_may_raise_sigpipe(session->mysql)) {
        sigpipe_hold(&hold);
    }
    forked_forget(&session->shared);
    /* Statements that are still open must outlive the handle. */
    flavour_detach_statements(session->mysql);
    flavour_part(session->mysql,
                 (cut && session->fd >= 0 ? FLAVOUR_CUT : 0u) |
                     (session->plain ? FLAVOUR_PLAIN : 0u) |
                     ((session->expected & ANSWER_RESET) != 0
                          ? FLAVOUR_RESET_DUE
                          : 0u));
    sigpipe_release(&hold);
    free_rest(session);
    return duplicate;
}

MYSQL *
session_detach(struct session *session)
{
    MYSQL *const mysql = session->mysql;

    /* What session_lend left there is ours. What a command left is the
     * library's: in the middle of a result it goes on counting from there. */
    (void)inspect_untouched(session);
    forked_forget(&session->shared);
    free_rest(session);
    return mysql;
}

MYSQL *
session_handle(const struct session *session)
{
    return session->mysql;
}

unsigned long
session_server_thread(const struct session *session)
{
    return session->thread_id;
}

const struct session_server *
session_server(const struct session *session)
{
    return &session->server;
}

void
session_last_error(const struct session *session, dew_stage stage,
                   dew_error *error)
{
    const unsigned number = mysql_errno(session->mysql);
    const char *text =
        number == 0 ? "the session was lost" : mysql_error(session->mysql);

    if (text[0] == '\0') {
        text = "the server gave an error number without a text";
    }
    /* Neither library says of what: it knows the file, not our field. */
    error_set_mysql(error,
                    stage == DEW_STAGE_QUERY ? DEW_EQUERY : DEW_ECONNECT,
                    stage, number, mysql_sqlstate(session->mysql), "%s%s",
                    number == CR_CANT_READ_CHARSET ? "charset: " : "", text);
}

const char *
session_flaw_name(enum session_flaw flaw)
{
    static const char *const names[] = {
        [SESSION_SOUND] = "sound",
        [SESSION_DEAD] = "dead",
        [SESSION_UNREAD] = "unread reply",
        [SESSION_MID_RESULT] = "in the middle of a result",
        [SESSION_STATEMENTS] = "open statements",
        [SESSION_OVERGROWN] = "overgrown buffer",
        [SESSION_RESET_REFUSED] = "reset refused",
        [SESSION_STRAY] = "reply to something else",
        [SESSION_SILENT] = "silent",
        [SESSION_OTHER_USER] = "logged in as another user",
        [SESSION_OTHER_ROLE] = "with another role",
    };
    const size_t index = (size_t)flaw;

    return index < sizeof(names) / sizeof(names[0]) ? names[index]
                                                    : "unknown";
}
