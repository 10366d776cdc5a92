/* SPDX-License-Identifier: MIT */
/*
 * Invariant: whatever is inserted and removed in between, the heap returns its nodes in the order
 * of a sorted list, and nodes with equal keys in the order in which they were inserted. Every node
 * knows its place. No entry is smaller than its parent. A removed node is in no heap.
 *
 * Input: operations, one byte each. The upper two bits choose the operation, and the lower six are
 * n: insert with key n; insert with one of the largest and smallest keys; remove the node at place
 * n of the sorted order; pop n nodes.
 */
#include "base/heap.h"

#include <stdlib.h>

#include "fuzz.h"

const struct fuzz_shape fuzz_shape = {.header = 0, .body = FUZZ_BYTES};

#define NODES 128

/* The model: a sorted list of the nodes. */
struct model {
    struct heap heap;
    struct heap_node nodes[NODES];
    int64_t keys[NODES]; /* by node */
    size_t order[NODES]; /* nodes, first to last */
    size_t n;
};

static void check(const struct model *m)
{
    const struct heap *h = &m->heap;
    FUZZ_CHECK(h->n == m->n && h->n <= h->room);
    for (size_t i = 0; i < h->n; i++) {
        const struct heap_entry *e = heap_at(h, i);
        FUZZ_CHECK(e->node->place == i + 1 && heap_holds(e->node));
        FUZZ_CHECK(e->key == m->keys[e->node - m->nodes]);
        FUZZ_CHECK(i == 0 || e->key >= heap_at(h, heap_parent(i))->key);
    }
    if (m->n == 0) {
        FUZZ_CHECK(heap_first(h) == NULL && heap_first_key(h, -5) == -5);
    } else {
        FUZZ_CHECK(heap_first(h) == &m->nodes[m->order[0]]);
        FUZZ_CHECK(heap_first_key(h, -5) == m->keys[m->order[0]]);
    }
}

static void insert(struct model *m, int64_t key)
{
    size_t node = 0;
    while (node < NODES && heap_holds(&m->nodes[node])) {
        node++;
    }
    if (node == NODES) {
        return;
    }
    fuzz_say("insert %zu with key %lld", node, (long long)key);
    size_t place = m->n;
    for (; place > 0 && m->keys[m->order[place - 1]] > key; place--) {
        m->order[place] = m->order[place - 1];
    }
    m->order[place] = node;
    m->keys[node] = key;
    m->n++;
    heap_insert(&m->heap, &m->nodes[node], key);
    FUZZ_CHECK(heap_holds(&m->nodes[node]));
}

static void take_out(struct model *m, size_t place)
{
    size_t node = m->order[place];
    fuzz_say("remove %zu, number %zu in the order", node, place);
    heap_remove(&m->heap, &m->nodes[node]);
    FUZZ_CHECK(!heap_holds(&m->nodes[node]));
    heap_remove(&m->heap, &m->nodes[node]); /* it is in no heap, so nothing happens */
    m->n--;
    for (; place < m->n; place++) {
        m->order[place] = m->order[place + 1];
    }
}

static void operate(struct model *m, uint8_t op)
{
    static const int64_t extremes[] = {INT64_MAX,     INT64_MIN,     0,          -1,
                                       INT64_MAX - 1, INT64_MIN + 1, UINT32_MAX, INT32_MIN};
    unsigned low = op & 63;
    switch (op >> 6) {
    case 0:
        insert(m, low);
        break;
    case 1:
        insert(m, extremes[low % (sizeof extremes / sizeof extremes[0])]);
        break;
    case 2:
        if (low < m->n) {
            take_out(m, low);
        }
        break;
    default:
        for (unsigned i = 0; i <= low % 8 && m->n > 0; i++) {
            take_out(m, 0);
            check(m);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    struct model m = {.n = 0};
    check(&m);
    while (in.n > 0) {
        operate(&m, fuzz_byte(&in));
        check(&m);
    }
    while (m.n > 0) {
        take_out(&m, 0);
        check(&m);
    }
    heap_free(&m.heap);
    return 0;
}
