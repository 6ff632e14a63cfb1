/* SPDX-License-Identifier: MIT */
/* The session's part of most borrows and returns: inline, no call, no wire. */
/*
 * THE MARK. session_lend writes a number into the packet counter that no
 * command leaves there: each one starts the counter at 0 and no answer ends
 * above 256. Found intact at the return, nothing went over the wire during the
 * loan, and the session is what it was; no system call is needed to know it.
 * It stays there while the session rests.
 */
#ifndef DEWPOND_SESSION_QUICK_H
#define DEWPOND_SESSION_QUICK_H

#include "session/flavour.h"
#include "session/session.h"

#define SESSION_LENT_MARK 0x5e00u /* above every packet number, low byte 0 */

/* The first member of every session; the rest is this folder's alone. */
struct session_front {
    MYSQL *mysql;
};

/* Marks the handle's session as lent: a loan that sends nothing is provably
 * clean. */
static inline void
session_mark(MYSQL *mysql)
{
    mysql->net.pkt_nr = SESSION_LENT_MARK;
}

/* The same; returns the handle. */
static inline MYSQL *
session_lend(struct session *session)
{
    MYSQL *const mysql = ((struct session_front *)(void *)session)->mysql;

    session_mark(mysql);
    return mysql;
}

/* What a borrower can have changed without a word to the server. */
static inline bool
session_handle_stands(const MYSQL *mysql)
{
    return !flavour_has_statements(mysql) && flavour_options_stand(mysql) &&
           !flavour_is_dead(mysql);
}

/* The borrower is done and has sent nothing, nor changed the handle: its session
 * is AT REST. */
static inline bool
session_is_untouched(const MYSQL *mysql)
{
    return mysql->net.pkt_nr == SESSION_LENT_MARK &&
           session_handle_stands(mysql);
}

#endif
