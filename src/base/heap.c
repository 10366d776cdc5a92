/* SPDX-License-Identifier: MIT */
/*
 * Implements base/heap.h: a heap in an array, in which each entry has up to HEAP_WIDTH children.
 * Must not know what the keys and the elements are.
 */
#include "base/heap.h"

#include <assert.h>

#include "base/alloc.h"

#define HEAP_LEAST 16

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void put(struct heap *h, size_t i, struct heap_entry e)
{
    h->entries[i] = e;
    e.node->place = i + 1;
}

static void sift_up(struct heap *h, size_t i, struct heap_entry e)
{
    while (i > 0 && before(&e, &h->entries[heap_parent(i)])) {
        put(h, i, h->entries[heap_parent(i)]);
        i = heap_parent(i);
    }
    put(h, i, e);
}

/* Returns the index of the smallest child of entry i. If entry i has no child, the result is h->n
 * or more. */
static size_t first_child(const struct heap *h, size_t i)
{
    size_t first = HEAP_WIDTH * i + 1;
    size_t end = first + HEAP_WIDTH < h->n ? first + HEAP_WIDTH : h->n;
    for (size_t child = first + 1; child < end; child++) {
        if (before(&h->entries[child], &h->entries[first])) {
            first = child;
        }
    }
    return first;
}

static void sift_down(struct heap *h, size_t i, struct heap_entry e)
{
    size_t child;
    while ((child = first_child(h, i)) < h->n && before(&h->entries[child], &e)) {
        put(h, i, h->entries[child]);
        i = child;
    }
    put(h, i, e);
}

/* Puts e into the gap at index i. e was the last entry of the array. It may be from another branch
 * of the heap. So it may be smaller than the parent of the gap; then it must move up instead of
 * down. */
static void fill(struct heap *h, size_t i, struct heap_entry e)
{
    if (i > 0 && before(&e, &h->entries[heap_parent(i)])) {
        sift_up(h, i, e);
    } else {
        sift_down(h, i, e);
    }
}

static void resize(struct heap *h, size_t cap)
{
    h->entries = alloc_resize(h->entries, cap * sizeof *h->entries);
    h->cap = cap;
}

void heap_insert(struct heap *h, struct heap_node *node, int64_t key)
{
    assert(!heap_holds(node));
    if (h->n == h->cap) {
        resize(h, h->cap == 0 ? HEAP_LEAST : h->cap * 2);
    }
    h->n++;
    struct heap_entry e = {.key = key, .order = h->inserted++, .node = node};
    sift_up(h, h->n - 1, e);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    if (!heap_holds(node)) {
        return;
    }
    size_t i = node->place - 1;
    assert(i < h->n && h->entries[i].node == node);
    node->place = 0;
    struct heap_entry last = h->entries[--h->n];
    if (last.node != node) {
        fill(h, i, last);
    }
    if (h->cap > HEAP_LEAST && h->n <= h->cap / 4) {
        resize(h, h->cap / 2);
    }
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->n == 0 ? NULL : h->entries[0].node;
}

int64_t heap_first_key(const struct heap *h, int64_t none)
{
    return h->n == 0 ? none : h->entries[0].key;
}

void heap_free(struct heap *h)
{
    alloc_free(h->entries);
    *h = (struct heap){0};
}
