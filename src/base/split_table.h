/* SPDX-License-Identifier: MIT */
/*
 * Owns: a hash table that peers can make large. When a table of uthash grows, it moves all its
 * entries at once. With a million entries this takes 100 ms, and all clients wait. So a table with
 * more than SPLIT_TABLE_ONE entries is split into SPLIT_TABLE_PARTS tables of uthash by the first
 * bits of the hash. Each part grows independently of the others.
 *
 * An element has a field of type struct table_entry, and container_of (base/list.h) returns the
 * element. Must not know: what the elements and their keys are.
 */
#ifndef BASE_SPLIT_TABLE_H
#define BASE_SPLIT_TABLE_H

#include <nsq/span.h>

#include "base/table.h"

#define SPLIT_TABLE_ONE 8192
#define SPLIT_TABLE_BITS 8
#define SPLIT_TABLE_PARTS (1U << SPLIT_TABLE_BITS)

struct table_entry {
    UT_hash_handle hh;
};

/* A struct of zeros is an empty table. */
struct split_table {
    struct table_entry *one; /* table of uthash, while `parts` is NULL */
    struct table_entry *
        *parts; /* SPLIT_TABLE_PARTS tables of uthash; NULL: the table is not split */
    size_t count;
};

/* How many bytes the parts of a split table need, in addition to its entries. */
#define SPLIT_TABLE_COST (SPLIT_TABLE_PARTS * (sizeof(struct table_entry *) + (size_t)TABLE_COST))

/* Returns how many bytes of memory the parts of the table need now; 0 if the table is not split. */
static inline size_t split_table_cost(const struct split_table *t)
{
    return t->parts == NULL ? 0 : SPLIT_TABLE_COST;
}

/* Returns the index of the part in which elements with this hash are. The index is the first bits
 * of the hash, because uthash already uses the last bits to choose a bucket. */
static inline unsigned split_table_index(unsigned hash)
{
    return hash >> (32 - SPLIT_TABLE_BITS);
}

/* Returns the entry with this key, or NULL. `hash` is the hash of the key. */
static inline struct table_entry *split_table_find(const struct split_table *t, struct span key,
                                                   unsigned hash)
{
    struct table_entry *table = t->parts == NULL ? t->one : t->parts[split_table_index(hash)];
    struct table_entry *found = NULL;
    HASH_FIND_BYHASHVALUE(hh, table, key.p, key.n, hash, found);
    return found;
}

/* Adds an entry. No other entry of the table may have the same key. The bytes of the key must stay
 * where they are. */
void split_table_add(struct split_table *t, struct table_entry *entry, struct span key,
                     unsigned hash);

/* Removes an entry, which must be in the table. */
void split_table_remove(struct split_table *t, struct table_entry *entry);

/* split_table_first returns any entry, or NULL when the table is empty. split_table_next returns
 * another entry, or NULL when every entry was returned once. */
struct table_entry *split_table_first(const struct split_table *t);
struct table_entry *split_table_next(const struct split_table *t, const struct table_entry *entry);

/* Frees the memory of an empty table. */
void split_table_free(struct split_table *t);

#endif
