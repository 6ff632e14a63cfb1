/* SPDX-License-Identifier: MIT */
/* Which error numbers mean that a session must not be used again. */
/*
 * A number is only a hint (flavour_is_dead is the fact): the client library's
 * own errors are fatal unless they are listed as harmless, the server's are
 * harmless unless they are listed as fatal. Names and meanings:
 * errmsg.h (2000 to 2999, and 5000 on for Connector/C), mysqld_error.h.
 */
#include "base/mutant.h"
#include "session/inside.h"

enum blame { ANY_SERVER, ONLY_MARIADB, ONLY_MYSQL };

struct range {
    unsigned first, last;
};

/* Raised by the client library before it sent anything, or about statements
 * and parameters only. */
static const struct range harmless_of_client[] = {
    {2019, 2019}, /* unknown character set */
    {2029, 2036}, /* null pointer, statement not prepared, parameters, type */
    {2050, 2054}, /* fetch without result, no data, no attributes, not done */
    {2056, 2057}, /* statement closed, new result metadata */
    {2060, 2060}, /* duplicate connection attribute */
    {2068, 2069}, /* LOAD DATA LOCAL refused */
    {2074, 2074}, /* query attributes not supported */
};

static const struct {
    unsigned first, last;
    enum blame blame;
} fatal_of_server[] = {
    {1040, 1040, ANY_SERVER},   /* too many connections */
    {1042, 1043, ANY_SERVER},   /* bad host, bad handshake */
    {1047, 1047, ANY_SERVER},   /* unknown command */
    {1053, 1053, ANY_SERVER},   /* shutdown in progress */
    {1077, 1081, ANY_SERVER},   /* shutdown, forced close, no socket */
    {1152, 1161, ANY_SERVER},   /* aborted, network reads and writes */
    {1184, 1184, ANY_SERVER},   /* aborted connection */
    {1189, 1190, ANY_SERVER},   /* net error from the primary */
    {1927, 1927, ONLY_MARIADB}, /* connection was killed */
    {3032, 3032, ANY_SERVER},   /* offline mode */
    {3168, 3169, ANY_SERVER},   /* server isolated, session was killed */
    {4031, 4031, ONLY_MYSQL},   /* idle too long; a trigger error on MariaDB */
};

/* Connector/C's own, from 5000 on: network read, write, uncompress. */
static const struct range fatal_of_connector[] = {{5013, 5015}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_listed(const struct range *ranges, size_t count, unsigned number)
{
    for (size_t i = 0; i < count; i++) {
        if (number >= ranges[i].first && number <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static bool
is_fatal_of_server(unsigned number, bool is_mariadb_server)
{
    const enum blame other = is_mariadb_server ? ONLY_MYSQL : ONLY_MARIADB;

    if (MUTANT(51)) { return false; }
    for (size_t i = 0; i < COUNT(fatal_of_server); i++) {
        if (number >= fatal_of_server[i].first &&
            number <= fatal_of_server[i].last) {
            return fatal_of_server[i].blame != other;
        }
    }
    return false;
}

bool
session_errno_is_of_role(unsigned mysql_errno_)
{
    return mysql_errno_ == 1290 || /* an option such as --read-only forbids it */
           mysql_errno_ == 1792 || /* a transaction that may only read */
           mysql_errno_ == 1836;   /* running in read-only mode */
}

bool
session_errno_is_fatal(unsigned mysql_errno_, bool is_mariadb_server,
                       const char *sqlstate)
{
    if (mysql_errno_ == 0) {
        return false;
    }
    if (mysql_errno_ >= 2000 && mysql_errno_ <= 2999) {
        return !is_listed(harmless_of_client, COUNT(harmless_of_client),
                          mysql_errno_);
    }
    if (FLAVOUR_MARIADB &&
        is_listed(fatal_of_connector, COUNT(fatal_of_connector),
                  mysql_errno_)) {
        return true;
    }
    if (is_fatal_of_server(mysql_errno_, is_mariadb_server)) {
        return true;
    }
    return sqlstate != NULL && sqlstate[0] == '0' && sqlstate[1] == '8';
}
