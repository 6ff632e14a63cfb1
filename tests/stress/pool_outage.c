/* SPDX-License-Identifier: MIT */
/* Goal: a server that is killed and comes back costs borrowers quick, honest
 * refusals while it is away, is tried seldom and irregularly, and serves all
 * again within two seconds, without a storm of connects. */
/* Method: kill -9 under 200 threads, an outage, a restart on the same socket
 * and data; attempts are noted as they begin, handshakes counted from the
 * server's side, the return is seen by a prober of its own. */
/* ctest: timeout=180 */
/*
 * DEWPOND_OUTAGE_SECONDS  how long the server is away (5 by default)
 */
#define _GNU_SOURCE 1
#include <inttypes.h>

#include "fixture/turnstile.h"
#include "session/flavour.h"
#include "stress/outage_crowd.h"

#define SECONDS 5
#define SESSIONS 16
#define CONNECTS 4
#define FAIL_FAST_MS 1000
/* What must hold. */
#define REFUSED_US 10000
#define BACK_MS 2000
#define GAPS_THAT_DIFFER 3 /* a short outage may have fewer */
#define PAUSE_MS 1000 /* the longest between attempts while somebody asks */
#define LATE_MS 50
/* Until the backoff has grown to that, and the breaker is surely open. */
#define SETTLED_MS 1500

static struct test_server *server;
static struct test_turnstile *turnstile; /* NULL: none stands before it */
static struct attempts attempts;

/* --- the outage ------------------------------------------------------------- */

static void
await_ns(int64_t moment_ns)
{
    while (clock_now_ns() < moment_ns) {
        const struct timespec rest = {.tv_nsec = CLOCK_NS_PER_MS};

        (void)nanosleep(&rest, NULL);
    }
}

static void
begin_service(const char *socket)
{
    dew_config config;

    attempts_begin(&attempts);
    kit_config(&config, server);
    config.unix_socket = socket;
    config.size = config.maxsize = SESSIONS;
    config.connects_max = CONNECTS;
    config.waiters_max = DEW_OFF;
    config.fail_fast_after_ms = FAIL_FAST_MS;
    config.on_options = attempts_note;
    config.on_options_arg = &attempts;
    pool = kit_open(&config);
    crowd_begin();
    KIT_AWAIT(kit_stats(pool).conns_open == SESSIONS);
    KIT_AWAIT(kit_stats(pool).acquires >= 10 * THREADS);
}

/* At most six standard deviations more than the law expects, and those that
 * were under way when the first one failed. */
static bool
is_bounded(unsigned count, double expected)
{
    const double more = (double)count - expected - CONNECTS;

    return more <= 0 || more * more <= 12 * expected;
}

static void
judge_attempts(int64_t from_ns, int64_t to_ns)
{
    const int64_t ms = (to_ns - from_ns) / CLOCK_NS_PER_MS;
    const double expected = attempts_expected(ms, PAUSE_MS);

    print_message("attempts, in ms after the kill (and since the last one):");
    const struct attempts_stretch seen =
        attempts_between(&attempts, from_ns,
                         from_ns + SETTLED_MS * CLOCK_NS_PER_MS, to_ns);
    const int64_t late_ns = timing_control_ns(from_ns, to_ns);
    print_message("%u attempts in %" PRId64 " ms, the law expects %.0f; gaps "
                  "of %" PRId64 " to %" PRId64 " ms (machine: %" PRId64 ")\n",
                  seen.count, ms, expected, seen.shortest_ns / CLOCK_NS_PER_MS,
                  seen.longest_ns / CLOCK_NS_PER_MS,
                  late_ns / CLOCK_NS_PER_MS);
    assert_true(is_bounded(seen.count, expected));
    if (seen.gaps < GAPS_THAT_DIFFER) {
        print_message("too few gaps to see that they differ: %u\n", seen.gaps);
    } else {
        assert_true(seen.longest_ns >=
                    seen.shortest_ns + seen.shortest_ns / 10);
    }
    assert_true(seen.longest_ns <= (PAUSE_MS + LATE_MS) * CLOCK_NS_PER_MS +
                                       late_ns);
}

/* Since this was last judged. */
static void
judge_handshakes(unsigned limit, const char *when)
{
    if (turnstile != NULL) {
        const unsigned most = test_turnstile_most(turnstile);

        print_message("at most %u handshakes at once %s\n", most, when);
        assert_in_range(most, 1, limit);
    }
}

/* From the kill to the moment before the restart. */
static void
take_it_away(void)
{
    const int64_t killed_ns = clock_now_ns();

    enter(LOSING);
    test_server_kill(server);
    KIT_AWAIT(attempts_first_ns(&attempts, killed_ns) >= 0);
    await_ns(attempts_first_ns(&attempts, killed_ns) +
             SETTLED_MS * CLOCK_NS_PER_MS);
    enter(LOST);
    judge_handshakes(CONNECTS, "until it has been away for a while");
    await_ns(clock_deadline_from(
        killed_ns, 1000 * timing_seconds("DEWPOND_OUTAGE_SECONDS", SECONDS)));
    enter(COMING_BACK);
    judge_attempts(killed_ns, clock_now_ns());
    judge_handshakes(1, "from then on");
}

/* On a busy machine a thread is kept off its CPU for longer than that, as is
 * the one whose work it waits for: that much is not the pool's. */
static void
judge_refusals(void)
{
    timing_print(&refused_wall, "refused while it was away");
    timing_print(&refused_own, "  without the machine's own share");
    assert_true(order_load_seq_u32(&refusals) > 0);
    assert_in_range(timing_us(&refused_own, 990), 0, REFUSED_US);
}

/* All threads had an answer, and all sessions are there. */
static void *
watch_the_return(void *arg)
{
    int64_t *const full_ns = arg;

    KIT_AWAIT(order_load_seq_u32(&back) == THREADS &&
              kit_stats(pool).conns_open == SESSIONS);
    *full_ns = clock_now_ns();
    return NULL;
}

static void
bring_it_back(void)
{
    struct prober prober;
    pthread_t watcher;
    int64_t full_ns = 0, last_ns = 0;
    const int64_t began_ns = clock_now_ns();

    prober_begin(&prober, server);
    assert_int_equal(
        pthread_create(&watcher, NULL, watch_the_return, &full_ns), 0);
    test_server_restart(server);
    prober_end(&prober);
    (void)pthread_join(watcher, NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        if (workers[i].first_ns > last_ns) {
            last_ns = workers[i].first_ns;
        }
    }
    print_message("it greets %" PRId64 " ms after its start; %" PRId64
                  " ms later every thread has had an answer, %" PRId64
                  " ms later all sessions are open\n",
                  (prober.returned_ns - began_ns) / CLOCK_NS_PER_MS,
                  (last_ns - prober.returned_ns) / CLOCK_NS_PER_MS,
                  (full_ns - prober.returned_ns) / CLOCK_NS_PER_MS);
    assert_true(full_ns - prober.returned_ns -
                    timing_share_ns(prober.returned_ns, full_ns) <=
                BACK_MS * CLOCK_NS_PER_MS);
}

/* Everything adds up and everything is home. */
static void
end_service(void)
{
    const uint64_t sum = crowd_end();

    KIT_AWAIT(kit_stats(pool).conns_idle == SESSIONS);
    const dew_stats end = kit_stats(pool);
    print_message("%" PRIu64 " loans, %u lost in mid query, %u refused at "
                  "once, %u out of time\n",
                  end.acquires, order_load_seq_u32(&lost),
                  order_load_seq_u32(&refusals), order_load_seq_u32(&timeouts));
    assert_string_equal(wrong, "");
    assert_int_equal(end.acquires, sum);
    assert_int_equal(end.timeouts, order_load_seq_u32(&timeouts));
    assert_int_equal(end.connects + end.connect_failures,
                     attempts_count(&attempts));
    assert_int_equal(end.conns_leased + end.conns_opening + end.waiters, 0);
    kit_close(pool);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
live_through(const char *socket)
{
    const struct kit_traces before = kit_traces();

    timing_control_begin();
    begin_service(socket);
    take_it_away();
    judge_refusals();
    bring_it_back();
    end_service();
    timing_control_end();
    kit_left_nothing(&before);
}

/* A test that failed leaves neither threads nor a dead server to the next. */
static int
tidy_up(void **state)
{
    (void)state;
    if (phase_now() != OVER) {
        (void)crowd_end();
        timing_control_end();
    }
    if (turnstile != NULL) {
        test_turnstile_stop(turnstile);
        turnstile = NULL;
    }
    if (test_server_pid(server) == 0) {
        test_server_restart(server);
    }
    return 0;
}

static void
outage_of_a_server_whose_socket_is_left_behind(void **state)
{
    (void)state;
    live_through(test_server_socket(server));
}

static void
never_more_handshakes_than_allowed_as_the_server_sees_them(void **state)
{
    (void)state;
    turnstile = test_turnstile_start(server);
    live_through(test_turnstile_socket(turnstile));
    judge_handshakes(CONNECTS, "when it is back");
    const unsigned count = attempts_count(&attempts);
    /* libmysqlclient may lose why it was refused: asked again at once, and one
     * after the other (flavour_oracle_connect.c). */
    assert_in_range(test_turnstile_entered(turnstile), count,
                    FLAVOUR_MARIADB ? count : 2 * count);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            outage_of_a_server_whose_socket_is_left_behind, tidy_up),
        cmocka_unit_test_teardown(
            never_more_handshakes_than_allowed_as_the_server_sees_them,
            tidy_up),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
