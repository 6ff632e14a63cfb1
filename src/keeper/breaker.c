/* SPDX-License-Identifier: MIT */
/* The breaker's transitions. */
#include "keeper/breaker.h"

#include "base/clock.h"
#include "base/mutant.h"
#include "base/random.h"

#define BACKOFF_FIRST_NS (10 * CLOCK_NS_PER_MS)
#define BACKOFF_LAST_NS (5000 * CLOCK_NS_PER_MS)
#define BACKOFF_ASKED_NS (1000 * CLOCK_NS_PER_MS)
#define BACKOFF_STOP_SPREAD_NS (1000 * CLOCK_NS_PER_MS)
#define CROWDED_DOUBLINGS 2

enum error_class { ERROR_RETRY, ERROR_CROWDED, ERROR_STOP };

static enum error_class
class_of(uint32_t number)
{
    switch (number) {
    case 1044: /* access to the database denied */
    case 1045: /* wrong user or password */
    case 1049: /* unknown database */
    case 1129: /* host blocked after too many errors */
    case 1130: /* host not allowed */
    case 1524: /* unknown authentication plugin */
    case 1698: /* access denied without a password */
    case 1862: /* password expired */
    case 3118: /* account locked (MySQL) */
    case 4151: /* account locked (MariaDB) */
    case 2059: /* authentication plugin cannot be loaded */
    case 2061: /* authentication needs a secure connection */ return ERROR_STOP;
    case 1040: /* too many connections */
    case 1203: /* too many of this user */
    case 1226: /* the user's resource limit */ return ERROR_CROWDED;
    default: return ERROR_RETRY;
    }
}

/* Full jitter: a thousand clients of a server that comes back spread over the
 * whole interval. Never quite 0, or the first try would be a spin. */
static int64_t
jitter_ns(int64_t longest_ns)
{
    return CLOCK_NS_PER_MS + (int64_t)random_below((uint64_t)longest_ns);
}

static int64_t
longest_backoff_ns(enum error_class class, uint64_t failures)
{
    const uint64_t doublings =
        failures - 1 + (class == ERROR_CROWDED ? CROWDED_DOUBLINGS : 0);

    return doublings < 9 ? BACKOFF_FIRST_NS << doublings : BACKOFF_LAST_NS;
}

/* The longest pause there is, spread by a second: who repeats a wrong password
 * more often gets the account or the host locked. */
static int64_t
stop_backoff_ns(void)
{
    return BACKOFF_LAST_NS -
           (int64_t)random_below((uint64_t)BACKOFF_STOP_SPREAD_NS);
}

/* Where more tries would harm (locked accounts, a crowded server) it makes no
 * difference who asks. */
static void
schedule(struct breaker *breaker, enum error_class class, int64_t now_ns)
{
    const int64_t longest_ns = longest_backoff_ns(class, breaker->failures);

    breaker->next_try_ns =
        now_ns +
        (class == ERROR_STOP ? stop_backoff_ns() : jitter_ns(longest_ns));
    breaker->asked_try_ns = INT64_MAX;
    if (class == ERROR_RETRY && longest_ns > BACKOFF_ASKED_NS) {
        breaker->asked_try_ns = now_ns + jitter_ns(BACKOFF_ASKED_NS);
    }
}

void
breaker_init(struct breaker *breaker, uint32_t window_max, int64_t fail_fast_ns)
{
    *breaker = (struct breaker){
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .telling = PTHREAD_MUTEX_INITIALIZER,
        .window_max = window_max,
        .fail_fast_ns = fail_fast_ns,
        .window = window_max,
        .failing_since_ns = INT64_MAX,
        .next_try_ns = INT64_MAX,
        .asked_try_ns = INT64_MAX,
    };
}

void
breaker_destroy(struct breaker *breaker)
{
    (void)pthread_mutex_destroy(&breaker->telling);
    (void)pthread_mutex_destroy(&breaker->lock);
}

static bool
is_broken(const struct breaker *breaker, int64_t now_ns)
{
    if (MUTANT(31)) { return false; }
    return breaker->failing_since_ns != INT64_MAX &&
           breaker->fail_fast_ns != INT64_MAX &&
           (breaker->stopped ||
            now_ns - breaker->failing_since_ns >= breaker->fail_fast_ns);
}

/* Under the lock. */
static void
fail(struct breaker *breaker, const dew_error *error, int64_t now_ns)
{
    const enum error_class class = class_of(error->mysql_errno);

    breaker->failures++;
    if (breaker->failing_since_ns == INT64_MAX) {
        breaker->failing_since_ns = now_ns;
    }
    breaker->error = *error;
    breaker->error_ns = now_ns;
    breaker->stopped = class == ERROR_STOP;
    breaker->window = 0;
    if (MUTANT(30)) { breaker->window = breaker->window_max; }
    schedule(breaker, class, now_ns);
}

void
breaker_failed(struct breaker *breaker, uint64_t begun, const dew_error *error,
               int64_t now_ns)
{
    (void)pthread_mutex_lock(&breaker->lock);
    if (MUTANT(71)) { begun = BREAKER_NO_TRY; }
    if (begun == BREAKER_NO_TRY || begun == breaker->forgotten) {
        fail(breaker, error, now_ns);
    }
    (void)pthread_mutex_unlock(&breaker->lock);
}

/* Not failing any more, or not known to be; the window opens step by step. */
static void
clear(struct breaker *breaker)
{
    breaker->failures = 0;
    breaker->failing_since_ns = INT64_MAX;
    breaker->next_try_ns = breaker->asked_try_ns = INT64_MAX;
    breaker->stopped = false;
}

/* Who changed it otherwise tells of it himself. */
bool
breaker_succeeded(struct breaker *breaker)
{
    (void)pthread_mutex_lock(&breaker->lock);
    const bool grows = breaker->window < breaker->window_max;
    const bool news =
        grows || breaker->broken || breaker->failing_since_ns != INT64_MAX;

    clear(breaker);
    breaker->window += grows;
    (void)pthread_mutex_unlock(&breaker->lock);
    return news;
}

static void
forget(struct breaker *breaker)
{
    clear(breaker);
    if (breaker->window == 0) {
        breaker->window = 1;
    }
}

/* A try was due and nobody wanted one: after a while the last failure tells
 * nothing of the server any more. */
static int64_t
forget_at(const struct breaker *breaker)
{
    if (breaker->failing_since_ns == INT64_MAX || breaker->tries != 0 ||
        breaker->next_try_ns != INT64_MAX) {
        return INT64_MAX;
    }
    return breaker->error_ns + BACKOFF_LAST_NS;
}

void
breaker_due(struct breaker *breaker, int64_t now_ns)
{
    (void)pthread_mutex_lock(&breaker->lock);
    if (breaker->next_try_ns <= now_ns) {
        breaker->next_try_ns = breaker->asked_try_ns = INT64_MAX;
        breaker->window = 1;
    } else if (forget_at(breaker) <= now_ns) {
        forget(breaker);
    }
    (void)pthread_mutex_unlock(&breaker->lock);
}

void
breaker_forget(struct breaker *breaker)
{
    (void)pthread_mutex_lock(&breaker->lock);
    breaker->forgotten++;
    forget(breaker);
    (void)pthread_mutex_unlock(&breaker->lock);
}

uint64_t
breaker_try_begins(struct breaker *breaker)
{
    (void)pthread_mutex_lock(&breaker->lock);
    const uint64_t begun = breaker->forgotten;
    breaker->tries++;
    (void)pthread_mutex_unlock(&breaker->lock);
    return begun;
}

void
breaker_try_ends(struct breaker *breaker)
{
    (void)pthread_mutex_lock(&breaker->lock);
    breaker->tries--;
    (void)pthread_mutex_unlock(&breaker->lock);
}

bool
breaker_asked(struct breaker *breaker)
{
    (void)pthread_mutex_lock(&breaker->lock);
    const bool earlier = breaker->asked_try_ns < breaker->next_try_ns;

    if (earlier) {
        breaker->next_try_ns = breaker->asked_try_ns;
    }
    (void)pthread_mutex_unlock(&breaker->lock);
    return earlier;
}

struct breaker_verdict
breaker_tell_begin(struct breaker *breaker, int64_t now_ns)
{
    (void)pthread_mutex_lock(&breaker->telling);
    (void)pthread_mutex_lock(&breaker->lock);
    breaker->broken = is_broken(breaker, now_ns);
    const struct breaker_verdict verdict = {breaker->window, breaker->broken};
    (void)pthread_mutex_unlock(&breaker->lock);
    return verdict;
}

void
breaker_tell_end(struct breaker *breaker)
{
    (void)pthread_mutex_unlock(&breaker->telling);
}

static int64_t
fail_fast_at(const struct breaker *breaker)
{
    /* Once told it is no event any more: with less, the keeper would find it
     * due over and over, and spin for as long as the server is away. */
    if (breaker->failing_since_ns == INT64_MAX ||
        breaker->fail_fast_ns == INT64_MAX || breaker->broken) {
        return INT64_MAX;
    }
    return breaker->failing_since_ns + breaker->fail_fast_ns;
}

static int64_t
earliest(int64_t a, int64_t b, int64_t c)
{
    const int64_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

int64_t
breaker_due_ns(struct breaker *breaker)
{
    (void)pthread_mutex_lock(&breaker->lock);
    const int64_t try_ns = breaker->next_try_ns;
    const int64_t fail_ns = fail_fast_at(breaker);
    const int64_t forget_ns = forget_at(breaker);
    (void)pthread_mutex_unlock(&breaker->lock);
    return earliest(try_ns, fail_ns, forget_ns);
}

bool
breaker_error(struct breaker *breaker, int64_t now_ns, dew_error *error,
              int64_t *age_ms)
{
    (void)pthread_mutex_lock(&breaker->lock);
    const bool failing = breaker->failing_since_ns != INT64_MAX;

    if (failing) {
        *error = breaker->error;
        *age_ms = (now_ns - breaker->error_ns) / CLOCK_NS_PER_MS;
    }
    (void)pthread_mutex_unlock(&breaker->lock);
    return failing;
}
