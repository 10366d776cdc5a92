/* SPDX-License-Identifier: MIT */
/*
 * Owns: a heap, which is a queue that is ordered by a key. The key is usually a time. Each element
 * has a field of type heap_node, which stores the position of the element in the heap. So any
 * element can be removed in O(log n). If several elements have the same key, they leave the queue
 * in the order in which they were inserted. Peers can make a heap very large, and one large array
 * would take long to grow and to free. So the entries are in parts of HEAP_PART entries.
 * Must not know: what the elements are.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A node in which all fields are zero is in no heap. */
struct heap_node {
    size_t place; /* 1 + index of the node's entry; 0 if the node is in no heap */
};

struct heap_entry {
    int64_t key;    /* in any unit; the entry with the smallest key is first */
    uint64_t order; /* the number of the insertion; used if two keys are equal */
    struct heap_node *node;
};

/* How many children an entry has. A removal moves one entry on each level of the heap. Each move
 * writes to the heap_node of this entry, and this node may be anywhere in memory. With four
 * children instead of two, the heap has half as many levels. There are more comparisons, but they
 * cost little because the children are neighbours in memory. */
#define HEAP_WIDTH 4
/* How many entries fit into one part. The slots of all parts are numbered from 0, without a gap.
 * Entry i is in slot i + HEAP_WIDTH - 1, so that all children of an entry are in the same part. */
#define HEAP_PART 1024

/* A heap in which all fields are zero is empty and ready for use. Entry 0 has the smallest key. The
 * children of entry i begin at index HEAP_WIDTH * i + 1. */
struct heap {
    struct heap_entry **parts;
    size_t part_count;
    size_t pointer_room; /* number of pointers that fit into `parts` */
    size_t room;         /* number of entries that fit into all parts */
    size_t n;            /* number of entries in use */
    uint64_t inserted;   /* number of insertions since the heap was made */
};

/* Returns entry i. */
static inline struct heap_entry *heap_at(const struct heap *h, size_t i)
{
    size_t place = i + HEAP_WIDTH - 1;
    return &h->parts[place / HEAP_PART][place % HEAP_PART];
}

/* Inserts a node that is in no heap. The node must keep its address until it is removed. */
void heap_insert(struct heap *h, struct heap_node *node, int64_t key);

/* Removes a node from this heap. If the node is in no heap, the function does nothing. */
void heap_remove(struct heap *h, struct heap_node *node);

/* Returns the node with the smallest key, or NULL if the heap is empty. The node stays in the
 * heap. */
struct heap_node *heap_first(const struct heap *h);

/* Returns the smallest key, or `none` if the heap is empty. The function is inline because every
 * step of the server calls it several times. */
static inline int64_t heap_first_key(const struct heap *h, int64_t none)
{
    return h->n == 0 ? none : heap_at(h, 0)->key;
}

/* Returns the index of the parent of entry i. i must be above 0. */
static inline size_t heap_parent(size_t i)
{
    return (i - 1) / HEAP_WIDTH;
}

/* Returns whether the node is in a heap. */
static inline bool heap_holds(const struct heap_node *node)
{
    return node->place != 0;
}

/* Frees the parts. The heap is empty afterwards. The caller owns the nodes. The function does not
 * change them. */
void heap_free(struct heap *h);

#endif
