/* SPDX-License-Identifier: MIT */
/* What a handle of Oracle's libmysqlclient looks like, and its commands. */
#include "session/flavour.h"

#if !FLAVOUR_MARIADB

/* mysql_reset_connection_nonblocking came with 8.4. */
#define HAS_ASYNC_RESET (MYSQL_VERSION_ID >= 80400)

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

enum flavour_result
flavour_read_reset(MYSQL *mysql)
{
    if (flavour_is_dead(mysql)) {
        return FLAVOUR_FAILED;
    }
    if (!is_unanswered(mysql)) {
        return FLAVOUR_DONE;
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

enum flavour_result
flavour_read_reset(MYSQL *mysql)
{
    (void)mysql;
    return FLAVOUR_FAILED;
}
#endif

bool
flavour_read_answer(MYSQL *mysql)
{
    return !mysql_read_query_result(mysql);
}

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_oracle_is_chosen_by_the_preprocessor;
