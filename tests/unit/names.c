/* SPDX-License-Identifier: MIT */
/* Goal: each code and stage has a name of its own, also unknown ones. */
/* Method: walk over all numbers around the enumerations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <dewpond.h>

static void
each_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int left = DEW_EUNKNOWN; left <= DEW_OK; left++) {
        assert_int_equal(strncmp(dew_code_name((dew_code)left), "DEW_", 4), 0);
        assert_string_not_equal(dew_code_name((dew_code)left),
                                "DEW_CODE_UNKNOWN");
        for (int right = DEW_EUNKNOWN; right < left; right++) {
            assert_string_not_equal(dew_code_name((dew_code)left),
                                    dew_code_name((dew_code)right));
        }
    }
}

static void
the_code_names_are_those_of_the_header(void **state)
{
    (void)state;
    assert_string_equal(dew_code_name(DEW_OK), "DEW_OK");
    assert_string_equal(dew_code_name(DEW_ETIMEDOUT), "DEW_ETIMEDOUT");
    assert_string_equal(dew_code_name(DEW_EFULL), "DEW_EFULL");
    assert_string_equal(dew_code_name(DEW_EUNKNOWN), "DEW_EUNKNOWN");
}

static void
each_stage_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int left = DEW_STAGE_NONE; left <= DEW_STAGE_QUERY; left++) {
        assert_string_not_equal(dew_stage_name((dew_stage)left), "unknown");
        for (int right = DEW_STAGE_NONE; right < left; right++) {
            assert_string_not_equal(dew_stage_name((dew_stage)left),
                                    dew_stage_name((dew_stage)right));
        }
    }
}

static void
numbers_without_a_name_are_told_as_such(void **state)
{
    (void)state;
    assert_string_equal(dew_code_name((dew_code)1), "DEW_CODE_UNKNOWN");
    assert_string_equal(dew_code_name((dew_code)-15), "DEW_CODE_UNKNOWN");
    assert_string_equal(dew_stage_name((dew_stage)7), "unknown");
}

static void
the_version_is_three_numbers(void **state)
{
    const char *const version = dew_version();
    const char digits[] = "0123456789";
    const char *at = version;

    (void)state;
    for (int part = 0; part < 3; part++) {
        assert_true(strspn(at, digits) > 0);
        at += strspn(at, digits);
        assert_int_equal(*at, part < 2 ? '.' : '\0');
        at++;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_a_name_of_its_own),
        cmocka_unit_test(the_code_names_are_those_of_the_header),
        cmocka_unit_test(each_stage_has_a_name_of_its_own),
        cmocka_unit_test(numbers_without_a_name_are_told_as_such),
        cmocka_unit_test(the_version_is_three_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
