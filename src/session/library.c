/* SPDX-License-Identifier: MIT */
/* Prepares the client library once, before threads can race for it. */
/*
 * Two threads whose first mysql_init meets crash Oracle's library. It is
 * never ended again (mysql_library_end): other users of it may be in the same
 * process, and its memory is bounded.
 *
 * SIGPIPE. Both libraries ignore it for the whole process when they start. A
 * handler that the program had set is put back, and so is its own SIG_IGN. Not
 * so the default action, which would end the program at the first query that
 * is sent over a dead TLS connection: SIGPIPE then stays ignored. Programs
 * that set it to SIG_DFL later are still safe inside our own calls (sigpipe.h),
 * but no longer in their own queries.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/error.h"
#include "base/fault.h"
#include "session/inside.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int init_failed; /* an errno value, constant after the once */

static void
init(void)
{
    struct sigaction before;
    const bool known = sigaction(SIGPIPE, NULL, &before) == 0;

    if (fault(FAULT_ONCE) || mysql_library_init(0, NULL, NULL) != 0 ||
        !session_learn_defaults()) {
        /* Neither library says why; both fail for want of memory only. */
        init_failed = ENOMEM;
    }
    if (known && ((before.sa_flags & SA_SIGINFO) != 0 ||
                  before.sa_handler != SIG_DFL)) {
        sigaction(SIGPIPE, &before, NULL);
    }
}

dew_code
session_library_init(dew_error *error)
{
    (void)pthread_once(&once, init);
    if (init_failed != 0) {
        return error_system(error, DEW_STAGE_CONNECT, init_failed,
                            "the client library could not be initialised");
    }
    return DEW_OK;
}

uint32_t
session_client_built(void)
{
    return DEW_CLIENT;
}
