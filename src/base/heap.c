/* SPDX-License-Identifier: MIT */
/*
 * Implements base/heap.h: a heap in which each entry has up to HEAP_WIDTH children. Must not know
 * what the keys and the elements are.
 */
#include "base/heap.h"

#include <assert.h>

#include "base/alloc.h"

#define PARTS_LEAST 8 /* pointers in the first array `parts` */

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

/* Writes e to `to`, which is entry i. */
static void put(struct heap_entry *to, size_t i, struct heap_entry e)
{
    *to = e;
    e.node->place = i + 1;
}

static void sift_up(const struct heap *h, size_t i, struct heap_entry e)
{
    struct heap_entry *gap = heap_at(h, i);
    while (i > 0) {
        struct heap_entry *parent = heap_at(h, heap_parent(i));
        if (!before(&e, parent)) {
            break;
        }
        put(gap, i, *parent);
        gap = parent;
        i = heap_parent(i);
    }
    put(gap, i, e);
}

/* Returns the index of the smallest of `count` entries. */
static size_t smallest_of(const struct heap_entry *entries, size_t count)
{
    size_t smallest = 0;
    for (size_t i = 1; i < count; i++) {
        if (before(&entries[i], &entries[smallest])) {
            smallest = i;
        }
    }
    return smallest;
}

static void sift_down(const struct heap *h, size_t i, struct heap_entry e)
{
    struct heap_entry *gap = heap_at(h, i);
    size_t first;
    while ((first = HEAP_WIDTH * i + 1) < h->n) {
        size_t count = h->n - first < HEAP_WIDTH ? h->n - first : HEAP_WIDTH;
        struct heap_entry *children = heap_at(h, first); /* they are in one part */
        size_t smallest = smallest_of(children, count);
        if (!before(&children[smallest], &e)) {
            break;
        }
        put(gap, i, children[smallest]);
        gap = &children[smallest];
        i = first + smallest;
    }
    put(gap, i, e);
}

/* Puts e into the gap at index i. e was the last entry. It may be from another branch of the heap.
 * So it may be smaller than the parent of the gap; then it must move up instead of down. */
static void fill(const struct heap *h, size_t i, struct heap_entry e)
{
    if (i > 0 && before(&e, heap_at(h, heap_parent(i)))) {
        sift_up(h, i, e);
    } else {
        sift_down(h, i, e);
    }
}

/* Must be called after a change of the number of parts, which is at least 1. */
static void note_room(struct heap *h)
{
    h->room = h->part_count * HEAP_PART - (HEAP_WIDTH - 1);
}

static void add_part(struct heap *h)
{
    if (h->part_count == h->pointer_room) {
        h->pointer_room = h->pointer_room == 0 ? PARTS_LEAST : 2 * h->pointer_room;
        h->parts = alloc_resize(h->parts, h->pointer_room * sizeof(struct heap_entry *));
    }
    h->parts[h->part_count++] = alloc_resize(NULL, HEAP_PART * sizeof(struct heap_entry));
    note_room(h);
}

static void free_part(struct heap *h)
{
    alloc_free(h->parts[--h->part_count]);
    note_room(h);
}

void heap_insert(struct heap *h, struct heap_node *node, int64_t key)
{
    assert(!heap_holds(node));
    h->n++;
    if (h->n > h->room) {
        add_part(h);
    }
    struct heap_entry e = {.key = key, .order = h->inserted++, .node = node};
    sift_up(h, h->n - 1, e);
}

/* At least one empty part is kept, so that not every change at the border of a part calls the
 * allocator. */
void heap_remove(struct heap *h, struct heap_node *node)
{
    if (!heap_holds(node)) {
        return;
    }
    size_t i = node->place - 1;
    assert(i < h->n && heap_at(h, i)->node == node);
    node->place = 0;
    struct heap_entry last = *heap_at(h, --h->n);
    if (last.node != node) {
        fill(h, i, last);
    }
    if (h->room > h->n + 2 * HEAP_PART) {
        free_part(h);
    }
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->n == 0 ? NULL : heap_at(h, 0)->node;
}

void heap_free(struct heap *h)
{
    while (h->part_count > 0) {
        alloc_free(h->parts[--h->part_count]);
    }
    alloc_free(h->parts);
    *h = (struct heap){0};
}
