/* SPDX-License-Identifier: MIT */
/* Goal: a pool opens what it was asked for and no more, when it was asked for,
 * and says in the server's own words why it cannot. Method: count sessions on
 * the server; let it refuse; put listeners that hang in its place. */
/* ctest: timeout=90 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "fixture/prompt.h"
#include "fixture/stall.h"
#include "session/flavour.h"

#define LATE_MS 250

static struct test_server *server;

/* Connects that are inside on_connect at the same time. */
static struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned inside, most;
} meeting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

/* Nobody leaves before `arg` of them were there: fewer would time out. */
static int
meet(MYSQL *mysql, void *arg)
{
    const unsigned wanted = *(const unsigned *)arg;
    struct timespec until;
    int late = 0;
    (void)mysql;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    (void)pthread_mutex_lock(&meeting.lock);
    meeting.inside++;
    if (meeting.inside > meeting.most) {
        meeting.most = meeting.inside;
    }
    (void)pthread_cond_broadcast(&meeting.came);
    while (meeting.most < wanted && late == 0) {
        late = pthread_cond_timedwait(&meeting.came, &meeting.lock, &until);
    }
    meeting.inside--;
    (void)pthread_mutex_unlock(&meeting.lock);
    return late;
}

static void
pre_create_is_there_when_open_returns_and_was_made_in_parallel(void **state)
{
    (void)state;
    unsigned wanted = 3;
    dew_config config;
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = 6;
    config.connects_max = 3;
    config.on_connect = meet;
    config.on_connect_arg = &wanted;
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(test_server_count(server, "app"), 6);
    assert_int_equal(kit_stats(pool).conns_idle, 6);
    assert_int_equal(meeting.most, 3); /* connects_max */
    kit_close(pool);
}

struct refusal {
    const char *user, *password, *database, *host, *unix_socket;
    uint32_t number;
    const char *sqlstate, *text;
};

static void
refusal_config(dew_config *config, const struct refusal *refusal)
{
    kit_config(config, server);
    config->user = refusal->user;
    config->password = refusal->password;
    config->database = refusal->database;
    if (refusal->host != NULL) {
        config->host = refusal->host;
        config->unix_socket = NULL;
    } else if (refusal->unix_socket != NULL) {
        config->unix_socket = refusal->unix_socket;
    }
}

static void
is_the_servers_own(const dew_error *error, const struct refusal *refusal)
{
    assert_int_equal(error->code, DEW_ECONNECT);
    assert_int_equal(error->stage, DEW_STAGE_CONNECT);
    assert_int_equal(error->mysql_errno, refusal->number);
    assert_string_equal(error->sqlstate, refusal->sqlstate);
    if (strstr(error->message, refusal->text) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", refusal->text, error->message);
    }
    assert_null(strstr(error->message, "wrong-secret"));
}

static void
refusal_is_told_in_the_servers_own_words_and_leaves_nothing(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"app", "wrong-secret", "t", NULL, NULL, 1045, "28000",
         "Access denied for user 'app'"},
        {"root", "", "nowhere", NULL, NULL, 1049, "42000",
         "Unknown database 'nowhere'"},
        {"app", "app", "t", NULL, "/nonexistent/socket", 2002, "HY000",
         "/nonexistent/socket"},
        {"app", "app", "t", "no-such-host.invalid", NULL, 2005, "HY000",
         "no-such-host.invalid"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        dew_config config;
        dew_error error;
        dew_conn conn;
        refusal_config(&config, &refusals[i]);
        const struct kit_traces before = kit_traces();
        dew_pool *pool = NULL;
        config.pre_create = 1;
        assert_int_equal(dew_pool_open(&pool, &config, &error), DEW_ECONNECT);
        assert_null(pool);
        is_the_servers_own(&error, &refusals[i]);
        kit_left_nothing(&before);
        /* Without pre_create it is the borrower who is told. */
        config.pre_create = 0;
        config.fail_fast_after_ms = DEW_ZERO;
        pool = kit_open(&config);
        assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error),
                         DEW_ECONNECT);
        is_the_servers_own(&error, &refusals[i]);
        assert_true(kit_stats(pool).connect_failures >= 1);
        assert_int_equal(kit_stats(pool).conns_open, 0);
        kit_close(pool);
        kit_left_nothing(&before);
    }
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
sessions_open_on_demand_and_the_excess_only_under_lasting_pressure(
    void **state)
{
    (void)state;
    enum { BURST_MS = 500 };
    dew_config config;
    dew_conn conn[4], refused;
    kit_config(&config, server);
    config.size = 2;
    config.maxsize = 4;
    config.burst_after_ms = BURST_MS;
    dew_pool *const pool = kit_open(&config);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
    (void)kit_borrow(pool, &conn[0]);
    assert_int_equal(test_server_count(server, "app"), 1);
    (void)kit_borrow(pool, &conn[1]);
    assert_int_equal(test_server_count(server, "app"), 2);
    /* Long before burst_after_ms, also where his thread is kept off its CPU. */
    assert_int_equal(dew_acquire(pool, 20, &refused, NULL), DEW_ETIMEDOUT);
    assert_int_equal(kit_stats(pool).conns_opening, 0);
    assert_int_equal(test_server_count(server, "app"), 2);
    for (size_t i = 2; i < 4; i++) {
        const int64_t since_ms = kit_now_ms();
        (void)kit_borrow(pool, &conn[i]);
        ASSERT_PROMPT(since_ms, BURST_MS - 1, BURST_MS + 2 * LATE_MS);
    }
    assert_int_equal(dew_acquire(pool, BURST_MS + LATE_MS, &refused, NULL), DEW_ETIMEDOUT);
    assert_int_equal(test_server_count(server, "app"), 4);
    for (size_t i = 0; i < 4; i++) {
        kit_return(&conn[i]);
    }
    assert_int_equal(kit_stats(pool).connects, 4);
    kit_close(pool);
}

static void
acquire_that_does_not_wait_orders_a_session_all_the_same(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    dew_error error;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, &error),
                     DEW_ETIMEDOUT);
    assert_int_equal(error.stage, DEW_STAGE_WAIT);
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, &error), DEW_OK);
    assert_int_equal(kit_stats(pool).connects, 1);
    kit_return(&conn);
    kit_close(pool);
}

static void
deadline_holds_whatever_the_listener_does(void **state)
{
    (void)state;
    static const enum stall_script scripts[] = {STALL_SILENT, STALL_DRIBBLE,
                                                STALL_GREETED, STALL_DEAF};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct stall *const stall = stall_start(scripts[i], false, 0);
        /* Where there is no room Oracle's library is refused at once; the
         * borrower has his time all the same, and the reason at its end. */
        const dew_code code = scripts[i] == STALL_DEAF && !FLAVOUR_MARIADB
                                  ? DEW_ECONNECT
                                  : DEW_ETIMEDOUT;
        int64_t times[3];
        dew_config config;
        dew_conn conn;
        kit_config(&config, server);
        config.unix_socket = stall_socket(stall);
        /* It is the deadline that ends these waits, however slow we are. */
        config.fail_fast_after_ms = 20000;
        dew_pool *const pool = kit_open(&config);
        for (size_t k = 0; k < 3; k++) {
            const int64_t since_ms = kit_now_ms();
            assert_int_equal(dew_acquire(pool, 150, &conn, NULL), code);
            times[k] = prompt_ms(since_ms, kit_now_ms() - since_ms, 200);
        }
        assert_in_range(kit_median(times, 3), 149, 200);
        assert_in_range(times[2], 149, 150 + LATE_MS);
        kit_close(pool);
        stall_stop(stall);
    }
}

static void
connect_timeout_is_for_all_of_a_connect(void **state)
{
    (void)state;
    static const enum stall_script scripts[] = {STALL_SILENT, STALL_DRIBBLE,
                                                STALL_GREETED};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct stall *const stall = stall_start(scripts[i], true, 0);
        dew_config config;
        dew_error error;
        dew_pool *pool = NULL;
        kit_config(&config, server);
        config.unix_socket = NULL;
        config.host = "127.0.0.1";
        config.port = stall_port(stall);
        config.pre_create = 1;
        config.connect_timeout_ms = 300;
        const int64_t since_ms = kit_now_ms();
        assert_int_equal(dew_pool_open(&pool, &config, &error), DEW_ECONNECT);
        ASSERT_PROMPT(since_ms, 299, 300 + LATE_MS);
        stall_stop(stall);
    }
}

static void
charset_may_be_told_by_its_short_name(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    config.charset = "utf8";
    dew_pool *const pool = kit_open(&config);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_answers_are_its_own(kit_next(pool, &conn));
    assert_string_equal(mysql_character_set_name(conn.mysql), "utf8mb3");
    kit_return(&conn);
    kit_close(pool);
}

/* Only the client library knows which there are. */
static void
charset_that_nobody_knows_is_told_by_its_field(void **state)
{
    dew_config config;
    dew_pool *pool;
    dew_error error;

    (void)state;
    kit_config(&config, server);
    config.charset = "no_such_words";
    config.pre_create = 1;
    assert_int_equal(dew_pool_open(&pool, &config, &error), DEW_ECONNECT);
    assert_int_equal(error.mysql_errno, 2019);
    if (strncmp(error.message, "charset: ", 9) != 0 ||
        strstr(error.message, "no_such_words") == NULL) {
        fail_msg("%s", error.message);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            pre_create_is_there_when_open_returns_and_was_made_in_parallel),
        cmocka_unit_test(
            refusal_is_told_in_the_servers_own_words_and_leaves_nothing),
        cmocka_unit_test(
            sessions_open_on_demand_and_the_excess_only_under_lasting_pressure),
        cmocka_unit_test(
            acquire_that_does_not_wait_orders_a_session_all_the_same),
        cmocka_unit_test(deadline_holds_whatever_the_listener_does),
        cmocka_unit_test(connect_timeout_is_for_all_of_a_connect),
        cmocka_unit_test(charset_may_be_told_by_its_short_name),
        cmocka_unit_test(charset_that_nobody_knows_is_told_by_its_field),
    };
    prompt_watch();
    server = test_server_start(NULL);
    assert_int_equal(test_server_count(server, "app"), 0);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
