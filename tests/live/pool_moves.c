/* SPDX-License-Identifier: MIT */
/* Goal: when the name of a host comes to mean another address, new sessions go
 * there, and the old ones do not outlive their lifetime. */
/* Method: this program answers the client library's look-ups itself, and moves
 * the name from one server to another. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/order.h"
#include "fixture/pool_kit.h"

#define NAME "db.example"

static struct test_server *first, *second;
static order_u32 port_now; /* where the name leads */
static order_u32 look_ups;

/* One block, as the real one's answer need not be: freed by the one below. */
struct answer {
    struct addrinfo info;
    struct sockaddr_in address;
};

/* In the place of the system's, for the client library too. */
int
getaddrinfo(const char *node, const char *service,
            const struct addrinfo *hints, struct addrinfo **result)
{
    (void)service;
    (void)hints;
    if (node == NULL || strcmp(node, NAME) != 0) {
        return EAI_NONAME;
    }
    struct answer *const answer = calloc(1, sizeof(*answer));
    if (answer == NULL) {
        return EAI_MEMORY;
    }
    (void)order_add_seq_u32(&look_ups, 1);
    answer->address.sin_family = AF_INET;
    answer->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    answer->address.sin_port =
        htons((uint16_t)order_load_seq_u32(&port_now));
    answer->info.ai_family = AF_INET;
    answer->info.ai_socktype = SOCK_STREAM;
    answer->info.ai_protocol = IPPROTO_TCP;
    answer->info.ai_addrlen = sizeof(answer->address);
    answer->info.ai_addr = (struct sockaddr *)&answer->address;
    *result = &answer->info;
    return 0;
}

void
freeaddrinfo(struct addrinfo *result)
{
    free(result);
}

static void
name_leads_to(const struct test_server *server)
{
    order_store_seq_u32(&port_now, test_server_port(server));
}

static void
named_config(dew_config *config)
{
    kit_config(config, first);
    config->unix_socket = NULL;
    config->host = NAME;
    config->port = 3306;
}

static unsigned
port_of(MYSQL *mysql)
{
    char text[LOAN_TEXT];

    return (unsigned)strtoul(loan_ask(mysql, "SELECT @@port", text), NULL, 10);
}

static void
session_goes_to_the_new_address_after_its_lifetime(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    name_leads_to(first);
    named_config(&config);
    config.lifetime_ms = 500;
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(port_of(kit_borrow(pool, &conn)), test_server_port(first));
    name_leads_to(second);
    /* Who has it keeps it: nothing is cut. */
    assert_int_equal(port_of(conn.mysql), test_server_port(first));
    const int64_t until_ms = kit_now_ms() + KIT_PATIENCE_MS;
    while (port_of(kit_next(pool, &conn)) != test_server_port(second)) {
        kit_look_again(until_ms, "the pool follows the name", __FILE__,
                       __LINE__);
    }
    assert_int_equal(kit_stats(pool).retired_lifetime, 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
refresh_leads_to_the_new_address_at_once(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    name_leads_to(first);
    named_config(&config);
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(port_of(kit_borrow(pool, &conn)), test_server_port(first));
    kit_return(&conn);
    name_leads_to(second);
    dew_pool_refresh(pool);
    assert_int_equal(port_of(kit_borrow(pool, &conn)),
                     test_server_port(second));
    kit_return(&conn);
    kit_close(pool);
}

static void
each_connect_asks_for_the_address(void **state)
{
    enum { CONNECTS = 3 };
    dew_config config;
    dew_conn conn;

    (void)state;
    name_leads_to(first);
    named_config(&config);
    dew_pool *const pool = kit_open(&config);
    const uint32_t before = order_load_seq_u32(&look_ups);
    for (unsigned i = 0; i < CONNECTS; i++) {
        (void)kit_borrow(pool, &conn);
        assert_int_equal(dew_discard(&conn), DEW_OK);
    }
    assert_int_equal(kit_stats(pool).connects, CONNECTS);
    assert_int_equal(order_load_seq_u32(&look_ups) - before, CONNECTS);
    kit_close(pool);
}

/* The old server is gone and the name has moved: nobody has to wait for a
 * lifetime. */
static void
server_that_moved_in_an_outage_is_found_at_its_new_address(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    name_leads_to(first);
    named_config(&config);
    config.pre_create = 1;
    dew_pool *const pool = kit_open(&config);
    name_leads_to(second);
    test_server_kill(first);
    KIT_AWAIT(kit_stats(pool).retired_broken == 1);
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    assert_int_equal(port_of(kit_borrow(pool, &conn)),
                     test_server_port(second));
    kit_return(&conn);
    kit_close(pool);
    test_server_restart(first);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_goes_to_the_new_address_after_its_lifetime),
        cmocka_unit_test(refresh_leads_to_the_new_address_at_once),
        cmocka_unit_test(each_connect_asks_for_the_address),
        cmocka_unit_test(
            server_that_moved_in_an_outage_is_found_at_its_new_address),
    };
    first = test_server_start(NULL);
    second = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(second);
    test_server_stop(first);
    return failed;
}
