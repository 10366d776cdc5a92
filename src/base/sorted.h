/* SPDX-License-Identifier: MIT */
/*
 * Owns: a set of elements that is ordered by name, byte by byte. The set finds a name, and the next
 * name after a given name, in O(log n) steps. So code that visits the elements by name needs to
 * remember only the last name that it has visited. It can continue after this name even when
 * elements were added or removed.
 *
 * The set is a treap: a search tree by name that is also a heap by rank. The rank is a hash of the
 * name with a secret seed, so a peer cannot choose names that make the tree deep. Must not know:
 * what the elements are.
 */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H

#include <nsq/span.h>

/* Every element that can be in a set contains this struct. */
struct sorted_entry {
    struct sorted_entry
        *left; /* the root of the left subtree, which has the entries with smaller names */
    struct sorted_entry
        *right; /* the root of the right subtree, which has the entries with larger names */
    const uint8_t *name; /* borrowed from the element */
    uint32_t name_size;  /* bytes */
    unsigned rank;       /* not larger than the rank of the entry above */
};

/* Returns the name of an entry (borrowed from the element). */
static inline struct span sorted_name(const struct sorted_entry *entry)
{
    return span_make(entry->name, entry->name_size);
}

/* Returns whether the name a comes before the name b. */
bool sorted_is_before(struct span a, struct span b);

/* A struct of zeros is an empty set. */
struct sorted {
    struct sorted_entry *root;
};

/* Adds an entry. No other entry of the set may have the same name. The bytes of the name must stay
 * where they are; `rank` is a hash of the name with a secret seed. */
void sorted_add(struct sorted *set, struct sorted_entry *entry, struct span name, unsigned rank);

/* Removes an entry, which must be in the set. */
void sorted_remove(struct sorted *set, struct sorted_entry *entry);

/* Returns the entry with this name, or NULL. */
struct sorted_entry *sorted_find(const struct sorted *set, struct span name);

/* Returns the entry with the smallest name that is larger than `name`, or NULL. The empty name
 * gives the first entry (no element has an empty name). */
struct sorted_entry *sorted_after(const struct sorted *set, struct span name);

#endif
