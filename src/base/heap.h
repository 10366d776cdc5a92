/* SPDX-License-Identifier: MIT */
/*
 * Owns: a queue ordered by time. Elements hold a heap_node, which knows its place, so removing one
 * from the middle costs O(log n). Equal times come out in the order in which they went in.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros is a node in no heap. */
struct heap_node {
    size_t place; /* 1 + index in the heap's array; 0 when in no heap */
};

struct heap_entry {
    int64_t key;    /* any unit; the smallest comes first */
    uint64_t order; /* of insertion; breaks ties */
    struct heap_node *node;
};

/* Children of an entry. Four in place of two halve the moves of a removal, each of which touches a
 * node somewhere in memory; two of them share a cache line anyway. */
#define HEAP_WIDTH 4

/* All zeros is an empty heap. Entry 0's children are 1 to HEAP_WIDTH, and so on. */
struct heap {
    struct heap_entry *entries;
    size_t n;
    size_t cap;
    uint64_t inserted;
};

/* Inserts a node that is in no heap; the heap borrows it until it is removed. */
void heap_insert(struct heap *h, struct heap_node *node, int64_t key);

/* Removes a node from the heap that it is in; does nothing when it is in none. */
void heap_remove(struct heap *h, struct heap_node *node);

/* The first node, or NULL; it stays in the heap. */
struct heap_node *heap_first(const struct heap *h);

/* The smallest key; `none` when the heap is empty. */
int64_t heap_first_key(const struct heap *h, int64_t none);

/* The index of the parent of entry i > 0. */
static inline size_t heap_parent(size_t i)
{
    return (i - 1) / HEAP_WIDTH;
}

static inline bool heap_holds(const struct heap_node *node)
{
    return node->place != 0;
}

/* Gives the array back; nodes are the caller's. */
void heap_free(struct heap *h);

#endif
