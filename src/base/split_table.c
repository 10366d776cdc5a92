/* SPDX-License-Identifier: MIT */
/* Adds and removes entries, and splits a table. Must not know: what the elements are. */
#include "base/split_table.h"

/* Returns the place of the pointer to the table of uthash for a hash. */
static struct table_entry **part_of(struct split_table *t, unsigned hash)
{
    return t->parts == NULL ? &t->one : &t->parts[split_table_index(hash)];
}

static void add(struct split_table *t, struct table_entry *entry, const void *key, unsigned n,
                unsigned hash)
{
    struct table_entry **part = part_of(t, hash);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, *part, key, n, hash, entry);
}

static void split(struct split_table *t)
{
    struct table_entry *entry = t->one;
    struct table_entry *next;
    HASH_CLEAR(hh, t->one);
    t->parts = alloc_zeroed(SPLIT_TABLE_PARTS * sizeof(struct table_entry *));
    for (; entry != NULL; entry = next) {
        next = entry->hh.next;
        add(t, entry, entry->hh.key, entry->hh.keylen, entry->hh.hashv);
    }
}

void split_table_add(struct split_table *t, struct table_entry *entry, struct span key,
                     unsigned hash)
{
    if (t->count >= SPLIT_TABLE_ONE && t->parts == NULL) {
        split(t);
    }
    add(t, entry, key.p, (unsigned)key.n, hash);
    t->count++;
}

void split_table_remove(struct split_table *t, struct table_entry *entry)
{
    struct table_entry **part = part_of(t, entry->hh.hashv);
    HASH_DELETE(hh, *part, entry);
    t->count--;
}

static struct table_entry *first_from(const struct split_table *t, unsigned index)
{
    for (unsigned i = index; i < SPLIT_TABLE_PARTS; i++) {
        if (t->parts[i] != NULL) {
            return t->parts[i];
        }
    }
    return NULL;
}

struct table_entry *split_table_first(const struct split_table *t)
{
    return t->parts == NULL ? t->one : first_from(t, 0);
}

struct table_entry *split_table_next(const struct split_table *t, const struct table_entry *entry)
{
    if (entry->hh.next != NULL || t->parts == NULL) {
        return entry->hh.next;
    }
    return first_from(t, split_table_index(entry->hh.hashv) + 1);
}

void split_table_free(struct split_table *t)
{
    assert(t->count == 0);
    alloc_free(t->parts);
    *t = (struct split_table){0};
}
