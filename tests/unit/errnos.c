/* SPDX-License-Identifier: MIT */
/* Goal: every error number is judged as its server means it. */
/* Method: a table of numbers whose judgement matters, for both servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "session/inside.h"

struct judgement {
    unsigned number;
    const char *state;
    bool on_mariadb, on_mysql;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
check(const struct judgement *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct judgement *const row = &rows[i];
        if (session_errno_is_fatal(row->number, true, row->state) !=
                row->on_mariadb ||
            session_errno_is_fatal(row->number, false, row->state) !=
                row->on_mysql) {
            fail_msg("errno %u is judged wrongly", row->number);
        }
    }
}

static void
errors_of_a_statement_leave_the_session_usable(void **state)
{
    static const struct judgement rows[] = {
        {0, "00000", false, false},    {1062, "23000", false, false},
        {1064, "42000", false, false}, {1205, "HY000", false, false},
        {1213, "40001", false, false}, {1317, "70100", false, false},
        {1969, "70100", false, false}, {3024, "HY000", false, false},
        {1226, "42000", false, false}, {1290, "HY000", false, false},
        {1836, "HY000", false, false}, {1146, NULL, false, false},
    };

    (void)state;
    check(rows, COUNT(rows));
}

static void
a_number_means_what_its_own_server_means_by_it(void **state)
{
    static const struct judgement rows[] = {
        {1927, "70100", true, false}, /* MariaDB: connection was killed */
        {4031, "HY000", false, true}, /* MySQL: idle too long */
    };

    (void)state;
    check(rows, COUNT(rows));
}

static void
errors_of_the_connection_are_fatal_on_both(void **state)
{
    static const struct judgement rows[] = {
        {1040, "HY000", true, true}, {1047, "HY000", true, true},
        {1053, "HY000", true, true}, {1077, "HY000", true, true},
        {1081, "HY000", true, true}, {1152, "HY000", true, true},
        {1156, "HY000", true, true}, {1161, "HY000", true, true},
        {1184, "HY000", true, true}, {1189, "HY000", true, true},
        {1190, "HY000", true, true}, {3032, "HY000", true, true},
        {3168, "HY000", true, true}, {3169, "HY000", true, true},
    };

    (void)state;
    check(rows, COUNT(rows));
}

static void
the_neighbours_of_fatal_numbers_are_not_fatal(void **state)
{
    static const unsigned numbers[] = {1039, 1041, 1044, 1046, 1048, 1052,
                                       1054, 1076, 1082, 1151, 1162, 1183,
                                       1185, 1188, 1191, 1926, 1928, 3031,
                                       3033, 3167, 3170, 4030, 4032};

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_false(session_errno_is_fatal(numbers[i], true, "HY000"));
        assert_false(session_errno_is_fatal(numbers[i], false, "HY000"));
    }
}

static void
errors_of_the_client_library_are_fatal_unless_known_harmless(void **state)
{
    static const unsigned fatal[] = {2000, 2006, 2008, 2013, 2014, 2018,
                                     2020, 2026, 2027, 2028, 2037, 2049,
                                     2055, 2058, 2059, 2061, 2067, 2070,
                                     2073, 2075, 2999};
    static const unsigned harmless[] = {2019, 2029, 2030, 2033, 2036, 2050,
                                        2053, 2054, 2056, 2057, 2060, 2068,
                                        2069, 2074};

    (void)state;
    for (size_t i = 0; i < COUNT(fatal); i++) {
        assert_true(session_errno_is_fatal(fatal[i], true, "HY000"));
        assert_true(session_errno_is_fatal(fatal[i], false, "HY000"));
    }
    for (size_t i = 0; i < COUNT(harmless); i++) {
        assert_false(session_errno_is_fatal(harmless[i], true, "HY000"));
        assert_false(session_errno_is_fatal(harmless[i], false, "HY000"));
    }
}

static void
network_errors_of_connector_c_are_fatal_where_it_is_used(void **state)
{
    const bool is_connector_c = FLAVOUR_MARIADB;

    (void)state;
    for (unsigned number = 5013; number <= 5015; number++) {
        assert_int_equal(session_errno_is_fatal(number, true, "HY000"),
                         is_connector_c);
    }
    assert_false(session_errno_is_fatal(5012, true, "HY000"));
    assert_false(session_errno_is_fatal(5016, true, "HY000"));
}

static void
any_state_of_class_08_is_fatal(void **state)
{
    (void)state;
    assert_true(session_errno_is_fatal(1205, true, "08S01"));
    assert_true(session_errno_is_fatal(9999, false, "08004"));
    assert_false(session_errno_is_fatal(9999, false, "80000"));
    assert_false(session_errno_is_fatal(9999, false, ""));
    assert_false(session_errno_is_fatal(9999, false, "01000"));
    assert_false(session_errno_is_fatal(9999, false, NULL));
    assert_false(session_errno_is_fatal(0, false, "08S01"));
}

/* Each of them is only a hint: the server is asked before anything is done. */
static void
errors_of_a_role_are_these_three(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 5000; number++) {
        assert_int_equal(session_errno_is_of_role(number),
                         number == 1290 || number == 1792 || number == 1836);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_of_a_statement_leave_the_session_usable),
        cmocka_unit_test(a_number_means_what_its_own_server_means_by_it),
        cmocka_unit_test(errors_of_the_connection_are_fatal_on_both),
        cmocka_unit_test(the_neighbours_of_fatal_numbers_are_not_fatal),
        cmocka_unit_test(
            errors_of_the_client_library_are_fatal_unless_known_harmless),
        cmocka_unit_test(
            network_errors_of_connector_c_are_fatal_where_it_is_used),
        cmocka_unit_test(any_state_of_class_08_is_fatal),
        cmocka_unit_test(errors_of_a_role_are_these_three),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
