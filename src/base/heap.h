/* SPDX-License-Identifier: MIT */
/*
 * Owns: a queue that is ordered by a key, usually a time. Each element has a field of type
 * heap_node, which stores where the element is in the heap. So an element is removed from the
 * middle in O(log n). Elements with equal keys come out in the order in which they were inserted.
 * Must not know: what the elements are.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros is a node in no heap. */
struct heap_node {
    size_t place; /* 1 + index in the heap's array; 0 if the node is in no heap */
};

struct heap_entry {
    int64_t key;    /* in any unit; the smallest comes first */
    uint64_t order; /* the number of the insertion; decides between equal keys */
    struct heap_node *node;
};

/* How many children an entry has. A removal moves one entry for each level of the heap, and each
 * move writes to a node somewhere in memory. Four children instead of two halve the levels. The
 * additional comparisons cost little, because the children are neighbours in memory. */
#define HEAP_WIDTH 4

/* All zeros is an empty heap. Entry 0 is the first; the children of entry i begin at
 * HEAP_WIDTH * i + 1. */
struct heap {
    struct heap_entry *entries;
    size_t n;          /* entries in use */
    size_t cap;        /* entries that fit the allocation */
    uint64_t inserted; /* insertions so far */
};

/* Inserts a node that is in no heap. The node must stay where it is until it is removed. */
void heap_insert(struct heap *h, struct heap_node *node, int64_t key);

/* Removes a node from this heap. Does nothing if the node is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);

/* The node with the smallest key, or NULL if the heap is empty. It stays in the heap. */
struct heap_node *heap_first(const struct heap *h);

/* The smallest key, or `none` if the heap is empty. */
int64_t heap_first_key(const struct heap *h, int64_t none);

/* The index of the parent of entry i > 0. */
static inline size_t heap_parent(size_t i)
{
    return (i - 1) / HEAP_WIDTH;
}

/* Whether the node is in a heap. */
static inline bool heap_holds(const struct heap_node *node)
{
    return node->place != 0;
}

/* Frees the array and empties the heap. The nodes belong to the caller and are not changed. */
void heap_free(struct heap *h);

#endif
