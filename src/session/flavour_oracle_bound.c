/* SPDX-License-Identifier: MIT */
/* Bounds blocking calls of Oracle's libmysqlclient by the watchdog. */
/*
 * All calls after the connect block (statements have no other kind). They
 * are bounded by the watchdog, which shuts the socket down; a canceller is
 * not heard there.
 * The library writes without MSG_NOSIGNAL, so a bound always holds SIGPIPE.
 */
#include "session/flavour.h"

#if !FLAVOUR_MARIADB

#include "base/clock.h"
#include "session/session.h"

bool
flavour_may_raise_sigpipe(const MYSQL *mysql)
{
    return flavour_has_transport(mysql);
}

bool
flavour_bound_begin(MYSQL *mysql, const struct io_limit *limit,
                    struct flavour_bound *bound)
{
    *bound = (struct flavour_bound){.mysql = mysql, .limit = limit};
    if (limit->deadline_ns != CLOCK_NEVER && flavour_has_transport(mysql)) {
        bound->armed = watchdog_arm(&bound->timer, flavour_socket(mysql),
                                    limit->deadline_ns);
        if (!bound->armed) {
            return false;
        }
    }
    sigpipe_hold(&bound->sigpipe);
    return true;
}

bool
flavour_bound_end(MYSQL *mysql, struct flavour_bound *bound)
{
    (void)mysql;
    if (bound->armed && watchdog_disarm(&bound->timer)) {
        bound->fired = true;
    }
    sigpipe_release(&bound->sigpipe);
    return bound->fired;
}

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_oracle_bound_is_chosen_by_the_preprocessor;
