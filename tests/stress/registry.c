/* SPDX-License-Identifier: MIT */
/* Goal: no look-up ever touches a freed pool, and no name is in two pools. */
/* Method: threads pick weighted random actions on a few names; who removes an
 * entry waits for readers, spoils it and frees it; seeded yields at races. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "core/registry.h"

#define PATIENCE 20000 /* yields in which one who does not wait is through */

enum { THREADS = 6, NAMES = 4, OWNED_MAX = 8 };

#define ALIVE UINT64_C(0xA11FEA11FEA11FE0)
#define SPOILT UINT64_C(0xDEADDEADDEADDEAD)

/* Plain fields, on purpose: a sanitizer sees who touches them too late. */
struct fake_pool {
    struct registry_entry entry; /* first: what registry_find returns */
    uint64_t stamp;
    uint32_t name; /* which of the NAMES */
};

struct actor {
    uint32_t number;
    uint64_t random; /* xorshift: the same actions for the same seed */
    struct fake_pool *owned[OWNED_MAX];
    uint32_t owned_count;
    uint64_t found, missed, added, taken, numbered, removed, toured;
    const char *wrong; /* the first thing that should not be, or NULL */
};

/* Names that are in by an explicit add: at most one at a time. */
static order_u32 owners[NAMES];
static int64_t end_ns;

static uint64_t
draw(struct actor *actor, uint64_t bound)
{
    actor->random ^= actor->random << 13;
    actor->random ^= actor->random >> 7;
    actor->random ^= actor->random << 17;
    return (actor->random >> 16) % bound;
}

static void
write_name(char *to, size_t size, uint32_t number)
{
    (void)snprintf(to, size, "pool-%c", (char)('a' + number));
}

/* Inside a section: twice, with room for a remover between. */
static void
look_closely(struct actor *actor, const struct fake_pool *pool,
             uint32_t name_number)
{
    char name[16];

    write_name(name, sizeof name, name_number);
    for (int look = 0; look < 2; look++) {
        if (pool->stamp != ALIVE) {
            actor->wrong = "found an entry after it was spoilt";
        } else if (pool->name != name_number ||
                   strncmp(pool->entry.name, name, strlen(name)) != 0) {
            actor->wrong = "found an entry of another name";
        }
        race_point("registry.look");
    }
}

static void
act_find(struct actor *actor)
{
    const uint32_t number = (uint32_t)draw(actor, NAMES);
    const struct fake_pool *pool;
    char name[16];

    write_name(name, sizeof name, number);
    reclaim_read_begin();
    pool = (const struct fake_pool *)(const void *)registry_find(name);
    if (pool != NULL) {
        look_closely(actor, pool, number);
        actor->found++;
    } else {
        actor->missed++;
    }
    reclaim_read_end();
}

static int
visit(struct registry_entry *entry, void *arg)
{
    const struct fake_pool *const pool =
        (const struct fake_pool *)(const void *)entry;

    look_closely(arg, pool, pool->name);
    return 0;
}

static void
act_tour(struct actor *actor)
{
    registry_each(visit, actor);
    actor->toured++;
}

static struct fake_pool *
new_pool(uint32_t name)
{
    struct fake_pool *const pool = memory_zeroed(sizeof *pool);

    if (pool != NULL) {
        pool->stamp = ALIVE;
        pool->name = name;
    }
    return pool;
}

static void
keep(struct actor *actor, struct fake_pool *pool)
{
    actor->owned[actor->owned_count] = pool;
    actor->owned_count++;
}

/* An explicit name: DEW_OK at most for one owner at a time. */
static void
act_add_explicit(struct actor *actor)
{
    const uint32_t number = (uint32_t)draw(actor, NAMES);
    struct fake_pool *const pool = new_pool(number);
    char name[16];

    if (pool == NULL || actor->owned_count == OWNED_MAX) {
        memory_free(pool);
        return;
    }
    write_name(name, sizeof name, number);
    if (registry_add(&pool->entry, name, true) != DEW_OK) {
        memory_free(pool); /* it was never findable */
        actor->taken++;
        return;
    }
    if (order_add_seq_u32(&owners[number], 1) != 0) {
        actor->wrong = "two pools own one explicit name";
    }
    actor->added++;
    keep(actor, pool);
}

static void
act_add_default(struct actor *actor)
{
    const uint32_t number = (uint32_t)draw(actor, NAMES);
    struct fake_pool *const pool = new_pool(number);
    char name[16];

    if (pool == NULL || actor->owned_count == OWNED_MAX) {
        memory_free(pool);
        return;
    }
    write_name(name, sizeof name, number);
    if (registry_add(&pool->entry, name, false) != DEW_OK) {
        actor->wrong = "a default name was refused";
        memory_free(pool);
        return;
    }
    if (strcmp(pool->entry.name, name) != 0) {
        actor->numbered++;
    } else if (order_add_seq_u32(&owners[number], 1) != 0) {
        actor->wrong = "two pools own one name";
    }
    actor->added++;
    keep(actor, pool);
}

static void
remove_and_free(struct actor *actor, struct fake_pool *pool)
{
    char name[16];

    write_name(name, sizeof name, pool->name);
    if (strcmp(pool->entry.name, name) == 0) {
        (void)order_sub_seq_u32(&owners[pool->name], 1);
    }
    registry_remove(&pool->entry);
    reclaim_wait_readers();
    memset(&pool->entry, 0xDD, sizeof pool->entry);
    pool->stamp = SPOILT;
    memory_free(pool);
    actor->removed++;
}

static void
act_remove(struct actor *actor)
{
    if (actor->owned_count > 0) {
        const uint32_t which = (uint32_t)draw(actor, actor->owned_count);
        struct fake_pool *const pool = actor->owned[which];

        actor->owned_count--;
        actor->owned[which] = actor->owned[actor->owned_count];
        remove_and_free(actor, pool);
    }
}

static const struct {
    uint32_t weight;
    void (*act)(struct actor *actor);
} actions[] = {
    {70, act_find},       {5, act_tour},    {8, act_add_explicit},
    {5, act_add_default}, {12, act_remove},
};

static void *
run(void *arg)
{
    struct actor *const actor = arg;

    race_thread(actor->number);
    while (actor->wrong == NULL && clock_now_ns() < end_ns) {
        uint64_t left = draw(actor, 100);
        size_t i = 0;

        while (left >= actions[i].weight) {
            left -= actions[i].weight;
            i++;
        }
        actions[i].act(actor);
    }
    while (actor->owned_count > 0) {
        act_remove(actor);
    }
    return NULL;
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *const text = getenv(variable);

    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static int
count_one(struct registry_entry *entry, void *arg)
{
    (void)entry;
    ++*(int *)arg;
    return 0;
}

static void
names_come_and_go_under_readers_and_nothing_freed_is_seen(void **state)
{
    const uint64_t seed = number_from("DEWPOND_STRESS_SEED", random_u64());
    const uint64_t seconds = number_from("DEWPOND_STRESS_SECONDS", 5);
    static struct actor actors[THREADS];
    pthread_t threads[THREADS];
    struct actor sum = {0};
    int left = 0;

    (void)state;
    print_message("DEWPOND_STRESS_SEED=%#llx DEWPOND_STRESS_SECONDS=%llu\n",
                  (unsigned long long)seed, (unsigned long long)seconds);
    race_seed(seed, 8);
    end_ns = clock_deadline_after_ms((int64_t)seconds * 1000);
    for (uint32_t i = 0; i < THREADS; i++) {
        actors[i].number = i;
        actors[i].random = (seed ^ (i * UINT64_C(0x9E3779B97F4A7C15))) | 1u;
        assert_int_equal(pthread_create(&threads[i], NULL, run, &actors[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum.found += actors[i].found;
        sum.missed += actors[i].missed;
        sum.added += actors[i].added;
        sum.taken += actors[i].taken;
        sum.numbered += actors[i].numbered;
        sum.removed += actors[i].removed;
    }
    race_seed(0, 0);
    print_message("found %llu, missed %llu, added %llu, taken %llu, "
                  "numbered %llu\n",
                  (unsigned long long)sum.found, (unsigned long long)sum.missed,
                  (unsigned long long)sum.added, (unsigned long long)sum.taken,
                  (unsigned long long)sum.numbered);
    for (uint32_t i = 0; i < THREADS; i++) {
        if (actors[i].wrong != NULL) {
            fail_msg("thread %u: %s", i, actors[i].wrong);
        }
    }
    registry_each(count_one, &left);
    assert_int_equal(left, 0);
    assert_int_equal(sum.added, sum.removed);
    /* Each kind of meeting has happened, or nothing was shown. */
    assert_true(sum.found > 0 && sum.missed > 0);
    assert_true(sum.taken > 0 && sum.numbered > 0);
}

/* The first to make the table stays before it is published until the second
 * is through, or for long enough to show that the second waits. */
struct makers {
    order_u32 making, through;
};

static void
stay_at_publish(const char *name, void *arg)
{
    struct makers *const makers = arg;

    if (strcmp(name, "registry.publish") != 0 ||
        order_swap_seq_u32(&makers->making, 1) != 0) {
        return;
    }
    for (int i = 0; i < PATIENCE; i++) {
        if (order_load_seq_u32(&makers->through) != 0) {
            return;
        }
        (void)sched_yield();
    }
}

static void *
add_the_first(void *arg)
{
    (void)registry_add(arg, "first", true);
    return NULL;
}

static bool
is_found(const struct registry_entry *entry)
{
    const struct registry_entry *found;

    reclaim_read_begin();
    found = registry_find(entry->name);
    reclaim_read_end();
    return found == entry;
}

/* Looks from before there is a table until it finds: no lock and no thread's
 * beginning orders what it reads, only the table's publication does. */
static void *
look_for_the_first(void *arg)
{
    order_u32 *const looking = arg;
    bool found = false;

    order_store_seq_u32(looking, 1);
    while (!found) {
        reclaim_read_begin();
        found = registry_find("first") != NULL;
        reclaim_read_end();
        (void)sched_yield();
    }
    return NULL;
}

/* Runs before all others: only once there is no table. */
static void
two_pools_that_are_first_at_once_share_one_table(void **state)
{
    static struct registry_entry first;
    static struct registry_entry second;
    static struct makers makers;
    static order_u32 looking;
    pthread_t thread;
    pthread_t reader;

    (void)state;
    race_hook(stay_at_publish, &makers);
    assert_int_equal(
        pthread_create(&reader, NULL, look_for_the_first, &looking), 0);
    while (order_load_seq_u32(&looking) == 0) {
        (void)sched_yield();
    }
    assert_int_equal(pthread_create(&thread, NULL, add_the_first, &first), 0);
    while (order_load_seq_u32(&makers.making) == 0) {
        (void)sched_yield();
    }
    assert_int_equal(registry_add(&second, "second", true), DEW_OK);
    order_store_seq_u32(&makers.through, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    race_hook(NULL, NULL);
    assert_true(is_found(&first));
    assert_true(is_found(&second));
    assert_int_equal(pthread_join(reader, NULL), 0);
    registry_remove(&first);
    registry_remove(&second);
    reclaim_wait_readers();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_pools_that_are_first_at_once_share_one_table),
        cmocka_unit_test(
            names_come_and_go_under_readers_and_nothing_freed_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
