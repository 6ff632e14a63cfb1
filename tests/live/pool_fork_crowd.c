/* SPDX-License-Identifier: MIT */
/* Goal: what a child tells of its pools and its server is of pools that it has
 * made its own. Method: a server that takes 20 connections, two inherited pools
 * of 12 each, and a child that uses one of them, then both. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/fork_kit.h"
#include "fixture/journal.h"
#include "fixture/pool_kit.h"

static struct test_server *server;
static struct journal journal;
static dew_pool *attic, *cellar;

static dew_pool *
open_one(const char *name)
{
    dew_config config;
    dew_conn conn;

    kit_config(&config, server);
    config.name = name;
    config.maxsize = 12;
    config.on_log = journal_write;
    config.on_log_arg = &journal;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    return pool;
}

static bool
use(dew_pool *pool)
{
    dew_conn conn;

    return fork_kit_borrow(pool, &conn) && dew_release(&conn) == DEW_OK;
}

/* The other one may be in the middle of becoming the child's, in another thread. */
static int
tells_of_a_pool_when_it_is_its_own(void)
{
    static const char told[] = "which takes max_connections 20: ";

    journal_begin(&journal);
    FORK_EXPECT(use(cellar));
    FORK_EXPECT(journal_warnings(&journal, told) == 0);
    FORK_EXPECT(use(attic));
    FORK_EXPECT(journal_warnings(&journal, told) == 1);
    FORK_EXPECT(journal_warnings(&journal, " 24 sessions ") == 1);
    FORK_EXPECT(dew_pool_close(attic, KIT_PATIENCE_MS, NULL) == DEW_OK);
    FORK_EXPECT(dew_pool_close(cellar, KIT_PATIENCE_MS, NULL) == DEW_OK);
    return 0;
}

static void
inherited_pool_is_counted_when_the_child_has_made_it_its_own(void **state)
{
    (void)state;
    journal_begin(&journal);
    attic = open_one("attic");
    cellar = open_one("cellar");
    fork_kit_await(fork_kit_child(tells_of_a_pool_when_it_is_its_own));
    kit_close(attic);
    kit_close(cellar);
}

int
main(void)
{
    static const char *const args[] = {"--max-connections=20", NULL};
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            inherited_pool_is_counted_when_the_child_has_made_it_its_own),
    };

    if (fork_kit_not_here()) {
        return 77;
    }
    server = test_server_start(args);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
