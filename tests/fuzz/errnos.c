/* SPDX-License-Identifier: MIT */
/* Goal: every error of every server has one meaning, and a breaker that hears
 * any of them in any order neither spins nor sleeps for ever. Method: numbers
 * and states are judged twice and by both servers; the rest of the input is a
 * breaker's life, in a time of its own. */
#include <string.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"
#include "keeper/breaker.h"
#include "session/inside.h"

#define LONGEST_NS (INT64_C(5000) * CLOCK_NS_PER_MS)

/* ---- one number ---- */

static void
judge_number(uint32_t number, const char *state)
{
    const bool on_mariadb = session_errno_is_fatal(number, true, state);
    const bool on_mysql = session_errno_is_fatal(number, false, state);
    const bool is_08 = state != NULL && strncmp(state, "08", 2) == 0;
    const bool by_number = session_errno_is_fatal(number, true, NULL);
    const bool is_of_client = number >= 2000 && number <= 2999;

    FUZZ_CLAIM(number != 0 || (!on_mariadb && !on_mysql), "no error is fatal");
    FUZZ_CLAIM(on_mariadb == session_errno_is_fatal(number, true, state),
               "%u is judged twice", number);
    FUZZ_CLAIM(on_mariadb == on_mysql || number == 1927 || number == 4031,
               "%u differs between the servers", number);
    FUZZ_CLAIM(!by_number || on_mariadb, "%u: the state %s makes it harmless",
               number, state);
    FUZZ_CLAIM(number == 0 || is_of_client || !is_08 || (on_mariadb && on_mysql),
               "%u with state %s is harmless", number, state);
    FUZZ_CLAIM(!session_errno_is_of_role(number) || !by_number,
               "%u ends a session that is to be asked", number);
    FUZZ_COUNT("numbers");
}

/* ---- a breaker's life ---- */

struct life {
    struct breaker breaker;
    int64_t now_ns;
    unsigned tries;
};

static struct breaker_verdict
verdict_of(struct life *life)
{
    const struct breaker_verdict verdict =
        breaker_tell_begin(&life->breaker, life->now_ns);

    breaker_tell_end(&life->breaker);
    return verdict;
}

static void
judge_breaker(struct life *life)
{
    const struct breaker_verdict verdict = verdict_of(life);
    dew_error error;
    int64_t age_ms = -1;
    const bool failing =
        breaker_error(&life->breaker, life->now_ns, &error, &age_ms);

    FUZZ_CLAIM(verdict.window <= life->breaker.window_max, "%u of %u",
               verdict.window, life->breaker.window_max);
    FUZZ_CLAIM(!verdict.broken || failing, "broken without an error");
    FUZZ_CLAIM(!failing || age_ms >= 0, "an error from the future");
    /* Nobody opens: then something must be due that changes it, or be
     * under way. */
    FUZZ_CLAIM(verdict.window > 0 || life->tries > 0 ||
                   breaker_due_ns(&life->breaker) != INT64_MAX,
               "nothing will ever be tried again");
}

static void
fail_with(struct life *life, uint32_t number)
{
    const dew_error error = {.code = DEW_ECONNECT, .mysql_errno = number};

    breaker_failed(&life->breaker, BREAKER_NO_TRY, &error, life->now_ns);
    const struct breaker *const breaker = &life->breaker;
    FUZZ_CLAIM(breaker->next_try_ns > life->now_ns &&
                   breaker->next_try_ns <=
                       life->now_ns + LONGEST_NS + CLOCK_NS_PER_MS,
               "the next try after %u is in %lld ns", number,
               (long long)(breaker->next_try_ns - life->now_ns));
    /* A server that ends sessions comes back: waiting for it helps. */
    FUZZ_CLAIM(!breaker->stopped || number == 2059 || number == 2061 ||
                   !session_errno_is_fatal(number, true, NULL),
               "%u ends sessions and stops connects", number);
    /* Locked accounts: whoever asks, it is not tried sooner. */
    FUZZ_CLAIM(!breaker->stopped || !breaker_asked(&life->breaker),
               "%u: somebody asks, and it is tried sooner", number);
    FUZZ_CLAIM(!breaker->stopped || breaker->fail_fast_ns == INT64_MAX ||
                   verdict_of(life).broken,
               "%u helps nobody who waits, and they wait", number);
}

/* Time goes on until something is due; what is due is then over. */
static void
wait_for_due(struct life *life)
{
    for (int i = 0; i < 8; i++) {
        const int64_t due_ns = breaker_due_ns(&life->breaker);
        if (due_ns == INT64_MAX || due_ns > life->now_ns) {
            life->now_ns = due_ns == INT64_MAX ? life->now_ns : due_ns;
            break;
        }
        FUZZ_CLAIM(i < 6, "due at %lld again and again", (long long)due_ns);
        breaker_due(&life->breaker, life->now_ns);
        (void)verdict_of(life);
    }
    breaker_due(&life->breaker, life->now_ns);
}

static void
live_on(struct life *life, struct fuzz_bytes *bytes)
{
    switch (fuzz_u8(bytes) % 8) {
    case 0: fail_with(life, fuzz_u16(bytes)); break;
    case 1: breaker_succeeded(&life->breaker); break;
    case 2: wait_for_due(life); break;
    case 3:
        (void)breaker_try_begins(&life->breaker);
        life->tries++;
        break;
    case 4:
        if (life->tries > 0) {
            breaker_try_ends(&life->breaker);
            life->tries--;
        }
        break;
    case 5: (void)breaker_asked(&life->breaker); break;
    case 6: breaker_forget(&life->breaker); break;
    default:
        life->now_ns += (int64_t)fuzz_u16(bytes) * CLOCK_NS_PER_MS;
        breaker_due(&life->breaker, life->now_ns);
        break;
    }
    judge_breaker(life);
}

static void
judge_life(struct fuzz_bytes *bytes)
{
    struct life life = {.now_ns = 1};
    const int64_t fail_fast_ms = fuzz_u16(bytes);

    breaker_init(&life.breaker, 1u + fuzz_u8(bytes) % 64u,
                 fail_fast_ms == UINT16_MAX ? INT64_MAX
                                            : fail_fast_ms * CLOCK_NS_PER_MS);
    while (fuzz_left(bytes) > 0) {
        live_on(&life, bytes);
    }
    breaker_destroy(&life.breaker);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = fuzz_bytes_of(data, size);
    char state[256];

    for (unsigned i = fuzz_u8(&bytes) % 8; i > 0; i--) {
        const uint32_t number = fuzz_u8(&bytes) % 2 == 0
                                    ? fuzz_u16(&bytes)
                                    : fuzz_u32(&bytes);
        fuzz_text(&bytes, state);
        judge_number(number, state);
        judge_number(number, NULL);
    }
    judge_life(&bytes);
    return 0;
}
