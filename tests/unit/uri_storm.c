/* SPDX-License-Identifier: MIT */
/* Goal: no text, however broken, makes the URI reader misbehave. */
/* Method: a seeded storm of mutations, which ASan watches byte by byte. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/refused.h"

/* xorshift, so that a failure repeats on every machine. */
static uint32_t
draw(uint32_t *seed, uint32_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

static void
mutate(char *text, size_t capacity, uint32_t *seed)
{
    static const char marks[] = "%:/?#@[]&=,0aZ\x01\xff\n";
    const size_t length = strlen(text);
    const size_t at = draw(seed, (uint32_t)length + 1);

    switch (draw(seed, 4)) {
    case 0: /* another byte */
        if (at < length) {
            text[at] = marks[draw(seed, sizeof marks - 1)];
        }
        break;
    case 1: /* one byte more */
        if (length + 2 < capacity) {
            memmove(text + at + 1, text + at, length - at + 1);
            text[at] = marks[draw(seed, sizeof marks - 1)];
        }
        break;
    case 2: /* one byte less */
        if (at < length) {
            memmove(text + at, text + at + 1, length - at);
        }
        break;
    default: /* cut off */ text[at] = '\0'; break;
    }
}

/* On the heap and of its exact size, so that ASan sees a byte too far. */
static int
read_mutation(const char *text)
{
    struct settings *settings = NULL;
    dew_error error = {0};
    const size_t size = strlen(text) + 1;
    char *const uri = malloc(size);

    assert_non_null(uri);
    memcpy(uri, text, size);
    const dew_code code = settings_from_uri(&settings, uri, &error);
    free(uri);
    if (code == DEW_OK) {
        assert_non_null(settings);
        settings_free(settings);
        return 1;
    }
    assert_int_equal(code, DEW_EINVAL);
    assert_null(settings);
    assert_true(error.message[0] != '\0');
    return 0;
}

static void
no_mutation_of_a_uri_does_harm(void **state)
{
    static const char *const seeds[] = {
        "mysql://app:" SECRET "@[2001:db8::1]:3307/shop?size=4&maxsize=16",
        "mysql://a%40b:p%25w@h/d%2Fb?init_sql=set%20a&name=x&reset=always",
        ("mysql://app@/shop?socket=/run/x.sock&client_flags=found_rows"
         ",compress&waiters_max=off&autocommit=off"),
    };
    uint32_t seed = 2463534242u;
    int accepted = 0;

    (void)state;
    for (int round = 0; round < 60000; round++) {
        char text[256];
        (void)snprintf(text, sizeof text, "%s", seeds[round % 3]);
        for (uint32_t i = draw(&seed, 4); i < 4; i++) {
            mutate(text, sizeof text, &seed);
        }
        accepted += read_mutation(text);
    }
    /* Both ways out were taken often: the storm did not stop at the door. */
    assert_in_range(accepted, 2000, 58000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_mutation_of_a_uri_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
