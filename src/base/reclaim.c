/* SPDX-License-Identifier: MIT */
/* Grace periods, fork handlers and the table's calls into liburcu. */
#include "base/reclaim.h"

#include <pthread.h>
#include <stddef.h>
#ifdef DEWPOND_TESTING
#include <stdio.h>
#include <stdlib.h>
#endif

#include "base/canary.h"
#include "base/memory.h"
#include "base/thread.h"

/* A node is its liburcu node, so that NULL stays NULL when one becomes the
 * other (liburcu's own container macros do arithmetic on NULL). */
_Static_assert(offsetof(struct reclaim_node, raw) == 0, "node is first");

char reclaim_edge;

/* A pthread_once, not a mutex and a flag: a child forked while another thread
 * is in the middle of it starts it afresh; a mutex would stay locked there. */
static pthread_once_t install_once = PTHREAD_ONCE_INIT;
static bool installed; /* written in the once, constant after it */

static void
install(void)
{
    installed = thread_at_fork(urcu_bp_before_fork, urcu_bp_after_fork_parent,
                               urcu_bp_after_fork_child);
}

bool
reclaim_init(void)
{
    (void)pthread_once(&install_once, install);
    return installed;
}

#ifdef DEWPOND_TESTING
static void
refuse(const char *where, const char *what)
{
    (void)fprintf(stderr, "dewpond: %s %s a read-side section\n", where, what);
    abort();
}

void
reclaim_expect_reader(const char *where)
{
    if (!reclaim_is_reading()) {
        refuse(where, "called outside of");
    }
}

void
reclaim_expect_outside(const char *where)
{
    if (reclaim_is_reading()) {
        refuse(where, "called inside of");
    }
}
#endif

bool
reclaim_is_reading(void)
{
    return urcu_bp_read_ongoing() != 0;
}

void
reclaim_wait_readers(void)
{
    reclaim_expect_outside("reclaim_wait_readers");
    CANARY(NO_GRACE_PERIOD, return;);
    /* ORDER reclaim.4 seq_cst <-> reclaim.1 reclaim.2 reclaim.3 reclaim.9 reclaim.10: liburcu has
     * full barriers before its first look at the readers' marks and after its
     * last: a section whose mark we missed began after the removal and cannot
     * find the object; one whose mark we saw go is done with it. */
    urcu_bp_synchronize_rcu();
    ORDER_HAPPENS_AFTER(&reclaim_edge);
}

/* The opaque table is liburcu's own; these two say so in one place. */
static struct cds_lfht *
raw_table(struct reclaim_table *table)
{
    return (struct cds_lfht *)table;
}

static struct reclaim_node *
node_seen(struct cds_lfht_node *raw)
{
    if (raw == NULL) {
        return NULL;
    }
    /* ORDER reclaim.8 acquire <-> reclaim.7: liburcu reads the link with a
     * dependency that ThreadSanitizer cannot see. */
    ORDER_HAPPENS_AFTER(raw);
    return (struct reclaim_node *)raw;
}

/* What liburcu takes for a table, not less: its own part and the buckets. */
#define TABLE_BYTES(buckets)                                                   \
    (1024u + (size_t)(buckets) * sizeof(struct cds_lfht_node))

struct reclaim_table *
reclaim_table_new(uint32_t buckets)
{
    void *const trial = memory_zeroed(TABLE_BYTES(buckets));

    if (trial == NULL) {
        return NULL;
    }
    memory_free(trial);
    /* The same least, first and greatest size: one allocation, no resize. */
    return (struct reclaim_table *)cds_lfht_new_flavor(
        buckets, buckets, buckets, 0, &urcu_bp_flavor, NULL);
}

bool
reclaim_table_free(struct reclaim_table *table)
{
    reclaim_expect_outside("reclaim_table_free");
    return table == NULL || cds_lfht_destroy(raw_table(table), NULL) == 0;
}

/* Carries our match function through liburcu's. */
struct question {
    reclaim_match *match;
    const void *key;
};

static int
ask(struct cds_lfht_node *raw, const void *question)
{
    const struct question *const asked = question;

    return asked->match(node_seen(raw), asked->key);
}

bool
reclaim_table_add(struct reclaim_table *table, uint64_t hash,
                  reclaim_match *match, const void *key,
                  struct reclaim_node *node)
{
    const struct question question = {match, key};
    const struct cds_lfht_node *winner;

    cds_lfht_node_init(&node->raw);
    ORDER_HAPPENS_BEFORE(&node->raw);
    reclaim_read_begin();
    /* ORDER reclaim.7 seq_cst <-> reclaim.8: liburcu's full barrier before
     * the commit: the object is whole before it can be found. */
    winner = cds_lfht_add_unique(raw_table(table), (unsigned long)hash, ask,
                                 &question, &node->raw);
    reclaim_read_end();
    return winner == &node->raw;
}

bool
reclaim_table_remove(struct reclaim_table *table, struct reclaim_node *node)
{
    bool removed;

    reclaim_read_begin();
    /* ORDER reclaim.3 seq_cst <-> reclaim.4: a full barrier on both sides of
     * the removal; the remover's grace period begins after it. */
    removed = cds_lfht_del(raw_table(table), &node->raw) == 0;
    reclaim_read_end();
    return removed;
}

struct reclaim_node *
reclaim_table_find(struct reclaim_table *table, uint64_t hash,
                   reclaim_match *match, const void *key)
{
    const struct question question = {match, key};
    struct cds_lfht_iter found;

    reclaim_expect_reader("reclaim_table_find");
    cds_lfht_lookup(raw_table(table), (unsigned long)hash, ask, &question,
                    &found);
    return node_seen(cds_lfht_iter_get_node(&found));
}

struct reclaim_node *
reclaim_table_first(struct reclaim_table *table, struct reclaim_cursor *cursor)
{
    reclaim_expect_reader("reclaim_table_first");
    cds_lfht_first(raw_table(table), &cursor->raw);
    return node_seen(cds_lfht_iter_get_node(&cursor->raw));
}

struct reclaim_node *
reclaim_table_next(struct reclaim_table *table, struct reclaim_cursor *cursor)
{
    cds_lfht_next(raw_table(table), &cursor->raw);
    return node_seen(cds_lfht_iter_get_node(&cursor->raw));
}
