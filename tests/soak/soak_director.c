/* SPDX-License-Identifier: MIT */
/* What a soak does to its server, and when: freezes, ends, new lives. */
#include <stdio.h>

#include "base/clock.h"
#include "soak/soak.h"

/* In each round, by this part of a hundred: */
#define FREEZE_AT 20
#define RESTART_AT 55
#define FROZEN_MS 1000
/* After it a session that died with the server is not lent unseen (bypass_ms
 * of the default configuration, twice). */
#define CALM_AFTER_MS 1000
#define AWAY_MAX_MS 3000
#define SERVICE_MS 30000
#define SERVICE_LOANS 100
#define RESHAPE_MIN_MS 200
#define RESHAPE_MAX_MS 1500
#define LOOK_MS 20

void
soak_config(dew_config *config)
{
    config->size = 16;
    config->maxsize = 32;
    config->pre_create = SOAK_FLOOR;
    config->lifetime_ms = 3000;
    config->lifetime_jitter_percent = 50;
    config->idle_timeout_ms = 1000;
    config->keepalive_ms = 400;
    config->uses_max = 100;
    config->burst_after_ms = 20;
    config->leak_after_ms = 60000;
}

/* Some loans are given again before long. */
static void
await_service(struct storm *storm)
{
    const int64_t end_ns = clock_deadline_after_ms(SERVICE_MS);
    const uint64_t enough = storm_sum(storm, STORM_LOANS) + SERVICE_LOANS;

    while (storm_sum(storm, STORM_LOANS) < enough && !storm_is_over(storm)) {
        if (clock_now_ns() > end_ns) {
            storm_fail(storm, "the server is back and nothing is lent");
        }
        storm_pause_for(storm, LOOK_MS);
    }
}

static void
freeze(struct soak_director *director)
{
    struct storm *const storm = director->storm;

    storm_trouble_begins(storm);
    test_server_freeze(storm->server);
    storm_pause_for(storm, FROZEN_MS);
    test_server_thaw(storm->server);
    storm_pause_for(storm, CALM_AFTER_MS);
    storm_trouble_ends(storm);
    director->freezes++;
    await_service(storm);
}

/* Politely and not in turn. The new life counts its sessions from 1 again. */
static void
restart(struct soak_director *director)
{
    struct storm *const storm = director->storm;
    const bool politely = director->restarts % 2 == 0;

    storm_trouble_begins(storm);
    if (!politely) {
        test_server_kill(storm->server);
        storm_pause_for(storm, storm_below(&director->random, AWAY_MAX_MS));
    }
    test_server_restart(storm->server);
    storm_forget_kills(storm);
    storm_pause_for(storm, CALM_AFTER_MS);
    storm_trouble_ends(storm);
    director->restarts++;
    (void)printf("%6lld s  the server was restarted (%s)\n",
                 (long long)(soak_elapsed_ms(director) / 1000),
                 politely ? "SIGTERM" : "SIGKILL");
    await_service(storm);
}

static int64_t
due_ms(const struct soak_director *director, uint32_t times, int64_t part)
{
    return times * director->round_ms + director->round_ms * part / 100;
}

void
soak_direct(struct soak_director *director, int64_t until_ms)
{
    struct storm *const storm = director->storm;
    int64_t reshape_ms = soak_elapsed_ms(director);
    int64_t now_ms;

    while ((now_ms = soak_elapsed_ms(director)) < until_ms &&
           !storm_is_over(storm)) {
        if (now_ms >= due_ms(director, director->freezes, FREEZE_AT)) {
            freeze(director);
        } else if (now_ms >= due_ms(director, director->restarts, RESTART_AT)) {
            restart(director);
        } else if (now_ms >= reshape_ms) {
            soak_reshape(director);
            reshape_ms = soak_elapsed_ms(director) + RESHAPE_MIN_MS +
                         storm_below(&director->random, RESHAPE_MAX_MS);
        } else {
            storm_pause_for(storm, LOOK_MS);
        }
    }
}
