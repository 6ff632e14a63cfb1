/* SPDX-License-Identifier: MIT */
/* The nodes of waiters: made in chunks, used again, freed with the queue. */
#include "core/waiters.h"

#define NODES_PER_CHUNK 31

struct chunk {
    struct waiter nodes[NODES_PER_CHUNK];
    struct chunk *older;
};

void
waiters_destroy(struct waiters *waiters)
{
    /* ORDER waiters.1 acquire <-> waiters.2: we see the last chunk whole. */
    struct chunk *chunk = order_load_acquire_ptr(&waiters->chunks);

    while (chunk != NULL) {
        struct chunk *older = chunk->older;
        memory_free(chunk);
        chunk = older;
    }
    order_init_ptr(&waiters->chunks, NULL);
}

static void
node_init(struct waiter *node)
{
    order_init_u32(&node->word, WAITER_FREE);
    order_init_u32(&node->mail, 0);
}

/* Makes a chunk, keeps its first node for the caller. */
static struct waiter *
chunk_make(struct waiters *waiters)
{
    struct chunk *chunk = memory_zeroed_lines(sizeof(*chunk));

    if (chunk == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < NODES_PER_CHUNK; i++) {
        node_init(&chunk->nodes[i]);
    }
    /* ORDER waiters.3 relaxed <-> waiters.2: a first guess. */
    void *newest = order_load_relaxed_ptr(&waiters->chunks);
    do {
        chunk->older = newest;
        /* ORDER waiters.2 acq_rel <-> waiters.1 waiters.3: no chunk is lost;
         * a failure means that another one was added. */
    } while (!order_cas_acq_rel_ptr(&waiters->chunks, &newest, chunk));
    for (uint32_t i = 1; i < NODES_PER_CHUNK; i++) {
        stack_push(&waiters->free_nodes, &chunk->nodes[i].link,
                   &chunk->nodes[i]);
    }
    return &chunk->nodes[0];
}

struct waiter *
waiters_node(struct waiters *waiters)
{
    stack_entry *entry = stack_pop(&waiters->free_nodes);
    struct waiter *node;

    if (entry != NULL) {
        node = (struct waiter *)((char *)entry - offsetof(struct waiter, link));
        ORDER_HAPPENS_AFTER(node);
    } else {
        node = chunk_make(waiters);
    }
    if (node != NULL) {
        /* ORDER waiters.4 seq_cst <-> waiters.5 pond.20: a counted reference, seen by
         * a close that began after our read-side section did. */
        (void)order_add_seq_u32(&waiters->nodes_out, 1);
    }
    return node;
}

void
waiters_node_unused(struct waiters *waiters, struct waiter *node)
{
    stack_push(&waiters->free_nodes, &node->link, node);
    /* ORDER waiters.5 seq_cst <-> waiters.4 pond.20: the reference is given back after
     * the last touch of the node. */
    (void)order_sub_seq_u32(&waiters->nodes_out, 1);
}
