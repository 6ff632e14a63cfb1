/* SPDX-License-Identifier: MIT */
/* Goal: each word of a script does on the wire what the manual says, at the
 * moment it says. Method: a bare socket reads what comes instead of a greeting;
 * a client library sends commands that steps are matched with. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture/scripted_kit.h"
#include "session/flavour.h"

#define ROOM 4096

static dew_script_server *server;

static int
start(void **state)
{
    (void)state;
    server = script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    return 0;
}

/* ---- a bare client ---- */

static int
dial(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
        .sin_port = htons((uint16_t)dew_script_port(server)),
    };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(
        connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Reads until the end, or until `room` bytes are there, or nothing comes for
 * `quiet_ms`. *ended: 0 it did not end, 1 it did, or an errno. */
static size_t
listen_to(int fd, unsigned char *bytes, size_t room, int quiet_ms, int *ended)
{
    struct pollfd heard = {.fd = fd, .events = POLLIN};
    size_t size = 0;
    ssize_t got = 1;

    *ended = 0;
    while (size < room && got > 0 && poll(&heard, 1, quiet_ms) == 1) {
        got = recv(fd, bytes + size, room - size, 0);
        size += got > 0 ? (size_t)got : 0;
    }
    if (got <= 0) {
        *ended = got == 0 ? 1 : errno;
    }
    return size;
}

/* What a client hears that has just connected, by this step. */
static size_t
hear(const dew_script_step *step, unsigned char *bytes, int quiet_ms,
     int *ended)
{
    script_play(server, step);
    const int fd = dial();
    const size_t size = listen_to(fd, bytes, ROOM, quiet_ms, ended);
    (void)close(fd);
    return size;
}

/* The true greeting of the next connection: its number and what is made of it
 * differ from one to the next. */
static size_t
hear_greeting(unsigned char *bytes)
{
    int ended;
    const int fd = dial();
    struct pollfd begun = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&begun, 1, KIT_PATIENCE_MS), 1);
    const size_t want = dew_script_size(server, DEW_SCRIPT_GREETING);
    const size_t size = listen_to(fd, bytes, want == 0 ? ROOM : want,
                                  want == 0 ? 200 : KIT_PATIENCE_MS, &ended);
    (void)close(fd);
    assert_int_equal(size, dew_script_size(server, DEW_SCRIPT_GREETING));
    return size;
}

/* ---- what is said ---- */

static void
silence_says_nothing_and_stays(void **state)
{
    const dew_script_step quiet = {.say = DEW_SCRIPT_NOTHING,
                                   .then = DEW_SCRIPT_SILENCE};
    const dew_script_step deaf = {.say = DEW_SCRIPT_NOTHING,
                                  .then = DEW_SCRIPT_DEAF};
    unsigned char bytes[ROOM];
    int ended;

    (void)state;
    assert_int_equal(hear(&quiet, bytes, 50, &ended), 0);
    assert_int_equal(ended, 0);
    assert_int_equal(hear(&deaf, bytes, 50, &ended), 0);
    assert_int_equal(ended, 0);
}

static void
close_ends_and_reset_resets(void **state)
{
    const dew_script_step closes = {.say = DEW_SCRIPT_NOTHING,
                                    .then = DEW_SCRIPT_CLOSE};
    const dew_script_step resets = {.say = DEW_SCRIPT_NOTHING,
                                    .then = DEW_SCRIPT_RESET};
    unsigned char bytes[ROOM];
    int ended;

    (void)state;
    assert_int_equal(hear(&closes, bytes, KIT_PATIENCE_MS, &ended), 0);
    assert_int_equal(ended, 1);
    assert_int_equal(hear(&resets, bytes, KIT_PATIENCE_MS, &ended), 0);
    assert_int_equal(ended, ECONNRESET);
}

static void
greeting_is_cut_after_exactly_so_many_bytes(void **state)
{
    unsigned char whole[ROOM], bytes[ROOM];
    int ended;

    (void)state;
    script_play(server, NULL);
    const size_t size = hear_greeting(whole);
    assert_true(size > 60);
    for (size_t n = 1; n <= size; n++) {
        const dew_script_step cut = {.bytes = n, .then = DEW_SCRIPT_CLOSE};

        assert_int_equal(hear(&cut, bytes, KIT_PATIENCE_MS, &ended), n);
        assert_int_equal(ended, 1);
        assert_memory_equal(bytes, whole, n < 16 ? n : 16);
    }
}

static void
error_before_the_greeting_has_no_sqlstate_unless_it_is_given_one(void **state)
{
    const dew_script_step full = {.say = DEW_SCRIPT_ERROR, .number = 1040,
                                  .text = "Too many connections",
                                  .then = DEW_SCRIPT_CLOSE};
    const dew_script_step state_too = {.say = DEW_SCRIPT_ERROR,
                                       .number = 1040, .text = "Full",
                                       .sqlstate = "08004",
                                       .then = DEW_SCRIPT_CLOSE};
    unsigned char bytes[ROOM];
    int ended;

    (void)state;
    assert_int_equal(hear(&full, bytes, KIT_PATIENCE_MS, &ended), 27);
    assert_memory_equal(bytes, "\x17\0\0\0\xff\x10\x04Too many connections",
                        27);
    assert_int_equal(hear(&state_too, bytes, KIT_PATIENCE_MS, &ended), 17);
    assert_memory_equal(bytes, "\x0d\0\0\0\xff\x10\x04#08004Full", 17);
}

static void
garbage_is_the_same_for_the_same_seed(void **state)
{
    dew_script_step garbage = {.say = DEW_SCRIPT_GARBAGE, .length = 500,
                               .number = 7, .then = DEW_SCRIPT_CLOSE};
    unsigned char first[ROOM], second[ROOM];
    int ended;

    (void)state;
    assert_int_equal(hear(&garbage, first, KIT_PATIENCE_MS, &ended), 500);
    assert_int_equal(hear(&garbage, second, KIT_PATIENCE_MS, &ended), 500);
    assert_memory_equal(first, second, 500);
    garbage.number = 8;
    assert_int_equal(hear(&garbage, second, KIT_PATIENCE_MS, &ended), 500);
    assert_memory_not_equal(first, second, 500);
}

static void
headers_lie_as_they_are_told(void **state)
{
    const dew_script_step misnumbered = {.say = DEW_SCRIPT_MISNUMBERED,
                                         .number = 5,
                                         .then = DEW_SCRIPT_CLOSE};
    const dew_script_step oversized = {.say = DEW_SCRIPT_OVERSIZED,
                                       .then = DEW_SCRIPT_CLOSE};
    const dew_script_step packet = {.say = DEW_SCRIPT_PACKET,
                                    .text = "\xfb\0x", .length = 3,
                                    .then = DEW_SCRIPT_CLOSE};
    const dew_script_step more = {.say = DEW_SCRIPT_AND_MORE,
                                  .then = DEW_SCRIPT_CLOSE};
    unsigned char bytes[ROOM];
    int ended;

    (void)state;
    const size_t size = hear(&misnumbered, bytes, KIT_PATIENCE_MS, &ended);
    assert_int_equal(bytes[3], 5);
    assert_int_equal(bytes[0], size - 4);
    assert_int_equal(hear(&oversized, bytes, KIT_PATIENCE_MS, &ended), size);
    assert_memory_equal(bytes, "\xff\xff\xff\0\x0a", 5);
    assert_int_equal(hear(&packet, bytes, KIT_PATIENCE_MS, &ended), 7);
    assert_memory_equal(bytes, "\3\0\0\0\xfb\0x", 7);
    assert_int_equal(hear(&more, bytes, KIT_PATIENCE_MS, &ended), size + 11);
    assert_memory_equal(bytes + size, "\7\0\0\1\0\0\0\2\0\0\0", 11);
}

static void
endless_greeting_goes_on_for_as_long_as_it_is_listened_to(void **state)
{
    const dew_script_step endless = {.say = DEW_SCRIPT_ENDLESS};
    unsigned char bytes[ROOM];
    int ended;

    (void)state;
    assert_int_equal(hear(&endless, bytes, KIT_PATIENCE_MS, &ended), ROOM);
    assert_memory_equal(bytes, "\xff\xff\xff\0\x0a", 5);
    assert_null(memchr(bytes + 5, 0, ROOM - 5));
    assert_true(dew_script_await_none(server, KIT_PATIENCE_MS));
}

/* ---- when it is said ---- */

static void
lateness_and_pace_are_kept(void **state)
{
    const dew_script_step late = {.after_ms = 60, .bytes = 4,
                                  .then = DEW_SCRIPT_CLOSE};
    const dew_script_step slow = {.pace_ms = 10, .bytes = 6,
                                  .then = DEW_SCRIPT_CLOSE};
    unsigned char bytes[ROOM];
    int ended;
    int64_t since_ms = kit_now_ms();

    (void)state;
    assert_int_equal(hear(&late, bytes, KIT_PATIENCE_MS, &ended), 4);
    assert_in_range(kit_now_ms() - since_ms, 59, KIT_PATIENCE_MS);
    since_ms = kit_now_ms();
    assert_int_equal(hear(&slow, bytes, KIT_PATIENCE_MS, &ended), 6);
    assert_in_range(kit_now_ms() - since_ms, 59, KIT_PATIENCE_MS);
}

/* ---- which step plays ---- */

static void
connect_plainly(dew_conn *conn)
{
    dew_config config;

    script_config(&config, server, false);
    assert_int_equal(dew_connect(&config, conn, NULL), DEW_OK);
}

static unsigned
outcome(MYSQL *mysql, const char *sql)
{
    return mysql_query(mysql, sql) == 0 ? 0 : mysql_errno(mysql);
}

static void
steps_are_matched_by_command_text_turn_and_number(void **state)
{
    const dew_script_step steps[] = {
        {.name = "text", .moment = DEW_SCRIPT_ANSWER, .like = "xyz",
         .say = DEW_SCRIPT_ERROR, .number = 3001},
        {.name = "turn", .moment = DEW_SCRIPT_ANSWER, .like = "UPDATE",
         .at = 2, .say = DEW_SCRIPT_ERROR, .number = 3002},
        {.name = "times", .moment = DEW_SCRIPT_ANSWER, .like = "INSERT",
         .times = 2, .say = DEW_SCRIPT_ERROR, .number = 3003},
        {.name = "command", .moment = DEW_SCRIPT_ANSWER,
         .command = DEW_SCRIPT_PING, .say = DEW_SCRIPT_ERROR,
         .number = 3004},
    };
    dew_conn one, two;

    (void)state;
    script_play(server, NULL);
    connect_plainly(&one);
    connect_plainly(&two);
    assert_true(dew_script_play(server, steps, 4));
    assert_int_equal(outcome(one.mysql, "DO 'xyz'"), 3001);
    assert_int_equal(outcome(one.mysql, "DO 'xy'"), 0);
    for (int i = 0; i < 2; i++) {
        MYSQL *const mysql = i == 0 ? one.mysql : two.mysql;

        assert_int_equal(outcome(mysql, "UPDATE a"), 0);
        assert_int_equal(outcome(mysql, "UPDATE a"), 3002);
        assert_int_equal(outcome(mysql, "UPDATE a"), 0);
        assert_int_equal(outcome(mysql, "INSERT a"), 3003);
    }
    assert_int_equal(outcome(one.mysql, "INSERT a"), 0);
    assert_int_not_equal(mysql_ping(one.mysql), 0);
    assert_int_equal(mysql_errno(one.mysql), 3004);
    assert_int_equal(dew_script_played(server, "text"), 1);
    assert_int_equal(dew_script_played(server, "turn"), 2);
    assert_int_equal(dew_script_played(server, "times"), 2);
    assert_int_equal(dew_script_played(server, "command"), 1);
    assert_int_equal(dew_script_played(server, "nobody"), 0);
    assert_int_equal(dew_script_played(server, NULL), 6);
    /* A new script begins to count anew. */
    assert_true(dew_script_play(server, steps, 4));
    assert_int_equal(outcome(one.mysql, "INSERT a"), 3003);
    script_play(server, NULL);
    assert_int_equal(outcome(one.mysql, "INSERT a"), 0);
    kit_return(&one);
    kit_return(&two);
}

static void
rows_are_those_of_the_table(void **state)
{
    const dew_script_step step = {
        .moment = DEW_SCRIPT_ANSWER, .like = "FROM pets",
        .say = DEW_SCRIPT_ROWS, .text = "name\tage\nTom\t3\n\\N\t\n"};
    char text[LOAN_TEXT];
    dew_conn conn;

    (void)state;
    script_play(server, NULL);
    connect_plainly(&conn);
    script_play(server, &step);
    assert_int_equal(mysql_query(conn.mysql, "SELECT name FROM pets"), 0);
    MYSQL_RES *const result = mysql_store_result(conn.mysql);
    assert_int_equal(mysql_num_fields(result), 2);
    assert_string_equal(mysql_fetch_field_direct(result, 1)->name, "age");
    assert_int_equal(mysql_num_rows(result), 2);
    MYSQL_ROW row = mysql_fetch_row(result);
    assert_string_equal(row[0], "Tom");
    assert_string_equal(row[1], "3");
    row = mysql_fetch_row(result);
    assert_null(row[0]);
    assert_string_equal(row[1], "");
    mysql_free_result(result);
    assert_string_equal(loan_ask(conn.mysql, "SELECT 5", text), "5");
    kit_return(&conn);
}

/* What the server was asked to do it did, though it tells otherwise. */
static void
answer_that_is_lost_was_done_and_an_error_was_not(void **state)
{
    dew_script_step step = {.moment = DEW_SCRIPT_ANSWER, .like = "autocommit",
                            .say = DEW_SCRIPT_ERROR, .number = 1205};
    char text[LOAN_TEXT];
    dew_conn conn;

    (void)state;
    script_play(server, NULL);
    connect_plainly(&conn);
    step.like = "SET autocommit";
    script_play(server, &step);
    assert_int_equal(outcome(conn.mysql, "SET autocommit = 0"), 1205);
    script_play(server, NULL);
    assert_string_equal(loan_ask(conn.mysql, "SELECT @@autocommit", text),
                        "1");
    step.say = DEW_SCRIPT_TRUTH;
    step.like = "SET GLOBAL";
    step.bytes = 3;
    step.then = DEW_SCRIPT_CLOSE;
    script_play(server, &step);
    assert_true(outcome(conn.mysql, "SET GLOBAL read_only = 1") != 0);
    kit_return(&conn);
    script_play(server, NULL);
    connect_plainly(&conn);
    assert_string_equal(loan_ask(conn.mysql, "SELECT @@read_only", text),
                        "1");
    assert_int_equal(outcome(conn.mysql, "SET GLOBAL read_only = OFF"), 0);
    kit_return(&conn);
}

/* ---- strikes ---- */

static void
strike_hits_every_session_at_rest_and_is_over_when_it_returns(void **state)
{
    const dew_script_step closes = {.say = DEW_SCRIPT_NOTHING,
                                    .then = DEW_SCRIPT_CLOSE};
    const dew_script_step stray = {.say = DEW_SCRIPT_TRUTH};
    struct pollfd polls[2];
    dew_conn conns[2];
    char byte;

    (void)state;
    script_play(server, NULL);
    assert_true(dew_script_await_none(server, KIT_PATIENCE_MS));
    assert_int_equal(dew_script_strike(server, &closes, KIT_PATIENCE_MS), 0);
    for (int i = 0; i < 2; i++) {
        connect_plainly(&conns[i]);
        polls[i] = (struct pollfd){
            .fd = flavour_socket(conns[i].mysql), .events = POLLIN};
    }
    assert_int_equal(dew_script_strike(server, &stray, KIT_PATIENCE_MS), 2);
    assert_int_equal(poll(polls, 2, 0), 2);
    assert_int_equal(dew_script_strike(server, &closes, KIT_PATIENCE_MS), 2);
    for (int i = 0; i < 2; i++) {
        while (recv(polls[i].fd, &byte, 1, MSG_DONTWAIT) == 1) {
        }
        assert_int_equal(recv(polls[i].fd, &byte, 1, MSG_DONTWAIT), 0);
        kit_return(&conns[i]);
    }
}

static void
counters_tell_what_came_and_how_many_at_once(void **state)
{
    const dew_script_step quiet = {.say = DEW_SCRIPT_NOTHING,
                                   .then = DEW_SCRIPT_SILENCE};
    dew_script_server *const own =
        script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    dew_script_server *const before = server;
    int fds[3];

    (void)state;
    server = own;
    script_play(own, &quiet);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
    }
    assert_true(dew_script_await(own, DEW_SCRIPT_STEPS, 3, KIT_PATIENCE_MS));
    assert_int_equal(dew_script_count(own, DEW_SCRIPT_MOST_HANDSHAKES), 3);
    assert_false(dew_script_await(own, DEW_SCRIPT_ENDED, 1, 1));
    assert_false(dew_script_await_none(own, 1));
    for (int i = 0; i < 3; i++) {
        (void)close(fds[i]);
    }
    assert_true(dew_script_await_none(own, KIT_PATIENCE_MS));
    assert_int_equal(dew_script_count(own, DEW_SCRIPT_ENDED), 3);
    assert_int_equal(dew_script_count(own, DEW_SCRIPT_LOGINS), 0);
    assert_int_equal(dew_script_count(own, DEW_SCRIPT_MOST_OPEN), 3);
    server = before;
    script_stop(own);
}

static void
too_many_steps_are_refused_and_the_old_script_stays(void **state)
{
    static const dew_script_step many[DEW_SCRIPT_STEPS_MAX + 1];
    const dew_script_step refuses = {.say = DEW_SCRIPT_ERROR, .number = 1040,
                                     .then = DEW_SCRIPT_CLOSE};
    unsigned char bytes[ROOM];
    int ended;

    (void)state;
    script_play(server, &refuses);
    assert_false(dew_script_play(server, many, DEW_SCRIPT_STEPS_MAX + 1));
    const int fd = dial();
    (void)listen_to(fd, bytes, ROOM, KIT_PATIENCE_MS, &ended);
    assert_int_equal(bytes[4], 0xff);
    (void)close(fd);
}

/* Whatever its clients are in the middle of. */
static void
stop_ends_silent_deaf_endless_and_slow_sessions(void **state)
{
    const dew_script_step steps[] = {
        {.say = DEW_SCRIPT_NOTHING, .then = DEW_SCRIPT_SILENCE, .times = 1},
        {.say = DEW_SCRIPT_NOTHING, .then = DEW_SCRIPT_DEAF, .times = 1},
        {.say = DEW_SCRIPT_ENDLESS, .times = 1},
        {.after_ms = 3600000, .times = 1},
        {.pace_ms = 3600000, .times = 1},
    };
    int fds[6];

    script_stop(server); /* its threads would be counted */
    const struct kit_traces before = kit_traces();
    (void)start(state);
    assert_true(dew_script_play(server, steps, 5));
    for (int i = 0; i < 6; i++) {
        fds[i] = dial();
    }
    assert_true(
        dew_script_await(server, DEW_SCRIPT_STEPS, 5, KIT_PATIENCE_MS));
    const int64_t since_ms = kit_now_ms();
    dew_script_stop(server);
    assert_in_range(kit_now_ms() - since_ms, 0, KIT_PATIENCE_MS);
    for (int i = 0; i < 6; i++) {
        (void)close(fds[i]);
    }
    kit_left_nothing(&before);
    (void)start(state);
}

static int
end(void **state)
{
    (void)state;
    script_stop(server);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_says_nothing_and_stays),
        cmocka_unit_test(close_ends_and_reset_resets),
        cmocka_unit_test(greeting_is_cut_after_exactly_so_many_bytes),
        cmocka_unit_test(
            error_before_the_greeting_has_no_sqlstate_unless_it_is_given_one),
        cmocka_unit_test(garbage_is_the_same_for_the_same_seed),
        cmocka_unit_test(headers_lie_as_they_are_told),
        cmocka_unit_test(
            endless_greeting_goes_on_for_as_long_as_it_is_listened_to),
        cmocka_unit_test(lateness_and_pace_are_kept),
        cmocka_unit_test(steps_are_matched_by_command_text_turn_and_number),
        cmocka_unit_test(rows_are_those_of_the_table),
        cmocka_unit_test(answer_that_is_lost_was_done_and_an_error_was_not),
        cmocka_unit_test(
            strike_hits_every_session_at_rest_and_is_over_when_it_returns),
        cmocka_unit_test(counters_tell_what_came_and_how_many_at_once),
        cmocka_unit_test(too_many_steps_are_refused_and_the_old_script_stays),
        cmocka_unit_test(stop_ends_silent_deaf_endless_and_slow_sessions),
    };

    return cmocka_run_group_tests(tests, start, end);
}
