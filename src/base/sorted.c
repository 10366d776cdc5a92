/* SPDX-License-Identifier: MIT */
/* Keeps a search tree in the order of its names and, from the root down, of its ranks. */
#include "base/sorted.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Returns a number below, equal to or above 0. Names of 8 bytes are compared as numbers, which is
 * faster, because large sets have such names. */
static int compare(struct span a, struct span b)
{
    if (a.n == sizeof(uint64_t) && b.n == sizeof(uint64_t)) {
        uint64_t x = be64_load(a.p);
        uint64_t y = be64_load(b.p);
        return (x > y) - (x < y);
    }
    size_t common = a.n < b.n ? a.n : b.n;
    int order = common == 0 ? 0 : memcmp(a.p, b.p, common);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool sorted_is_before(struct span a, struct span b)
{
    return compare(a, b) < 0;
}

void sorted_add(struct sorted *set, struct sorted_entry *entry, struct span name, unsigned rank)
{
    struct sorted_entry **place = &set->root;
    *entry = (struct sorted_entry){.name = name.p, .name_size = (uint32_t)name.n, .rank = rank};
    while (*place != NULL && (*place)->rank >= rank) {
        place = sorted_is_before(name, sorted_name(*place)) ? &(*place)->left : &(*place)->right;
    }
    /* What is below this place is divided into the smaller and the larger names. */
    struct sorted_entry *rest = *place;
    struct sorted_entry **smaller = &entry->left;
    struct sorted_entry **larger = &entry->right;
    *place = entry;
    while (rest != NULL) {
        if (sorted_is_before(sorted_name(rest), name)) {
            *smaller = rest;
            smaller = &rest->right;
            rest = rest->right;
        } else {
            *larger = rest;
            larger = &rest->left;
            rest = rest->left;
        }
    }
    *smaller = NULL;
    *larger = NULL;
}

void sorted_remove(struct sorted *set, struct sorted_entry *entry)
{
    struct sorted_entry **place = &set->root;
    while (*place != entry) {
        assert(*place != NULL);
        place = sorted_is_before(sorted_name(entry), sorted_name(*place)) ? &(*place)->left
                                                                          : &(*place)->right;
    }
    /* What is below the entry is joined again. */
    struct sorted_entry *left = entry->left;
    struct sorted_entry *right = entry->right;
    while (left != NULL && right != NULL) {
        if (left->rank >= right->rank) {
            *place = left;
            place = &left->right;
            left = left->right;
        } else {
            *place = right;
            place = &right->left;
            right = right->left;
        }
    }
    *place = left != NULL ? left : right;
}

struct sorted_entry *sorted_after(const struct sorted *set, struct span name)
{
    struct sorted_entry *found = NULL;
    struct sorted_entry *at = set->root;
    while (at != NULL) {
        if (sorted_is_before(name, sorted_name(at))) {
            found = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return found;
}

struct sorted_entry *sorted_find(const struct sorted *set, struct span name)
{
    struct sorted_entry *at = set->root;
    int order;
    while (at != NULL && (order = compare(name, sorted_name(at))) != 0) {
        at = order < 0 ? at->left : at->right;
    }
    return at;
}
