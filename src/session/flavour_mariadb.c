/* SPDX-License-Identifier: MIT */
/* What a handle of MariaDB Connector/C looks like, and its commands. */
#include "session/flavour.h"

#if FLAVOUR_MARIADB

int
flavour_socket(const MYSQL *mysql)
{
    /* The library's prototype lacks a const; it changes nothing. */
    return flavour_has_transport(mysql)
               ? (int)mysql_get_socket((MYSQL *)(uintptr_t)mysql)
               : -1;
}

bool
flavour_has_tls(const MYSQL *mysql)
{
    return mysql->net.pvio != NULL && mysql->net.pvio->ctls != NULL;
}

bool
flavour_is_wrapped(const MYSQL *mysql)
{
    return mysql->net.compress || flavour_has_tls(mysql);
}

bool
flavour_reconnect_is_on(const MYSQL *mysql)
{
    return mysql->options.reconnect != 0;
}

void
flavour_reconnect_off(MYSQL *mysql)
{
    mysql->options.reconnect = 0;
}

void
flavour_local_infile_off(MYSQL *mysql)
{
    const unsigned int off = 0;

    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_set_local_infile_default(mysql);
}

bool
flavour_has_init_command(const MYSQL *mysql)
{
    return mysql->options.init_command != NULL;
}

/* ---- commands whose answer is read later ---- */

unsigned
flavour_can(void)
{
    return FLAVOUR_CAN_QUERY | FLAVOUR_CAN_RESET | FLAVOUR_CAN_SIMPLE |
           FLAVOUR_CAN_PIPELINE;
}

bool
flavour_send_simple(MYSQL *mysql, enum enum_server_command command,
                    const void *argument, size_t length)
{
    return mysql->methods->db_command(mysql, command, argument, length, 1,
                                      NULL) == 0;
}

bool
flavour_send_reset(MYSQL *mysql)
{
    return flavour_send_simple(mysql, COM_RESET_CONNECTION, NULL, 0);
}

enum flavour_result
flavour_read_reset(MYSQL *mysql)
{
    return flavour_read_answer(mysql) ? FLAVOUR_DONE : FLAVOUR_FAILED;
}

bool
flavour_has_answer(const MYSQL *mysql)
{
    (void)mysql;
    return false;
}

unsigned
flavour_packets_there(const MYSQL *mysql)
{
    (void)mysql;
    return 0;
}

bool
flavour_read_answer(MYSQL *mysql)
{
    return mysql_read_query_result(mysql) == 0;
}

/* ---- parting ---- */

void
flavour_part(MYSQL *mysql, unsigned how)
{
    (void)how;
    mysql_close(mysql);
}

#endif

/* ISO C wants at least one declaration in every translation unit. */
typedef int flavour_mariadb_is_chosen_by_the_preprocessor;
