/* SPDX-License-Identifier: MIT */
/*
 * Owns: the values that the items of a case refer to, and the bytes of items. $topic... and
 * $channel... are made up at first use. All other values are added when a step captures them. Must
 * not know: steps.
 */
#ifndef CONFORM_VALUES_H
#define CONFORM_VALUES_H

#include "base/buf.h"
#include "conform/session_file.h"

#define VALUES_MAX 64       /* of one case */
#define VALUES_NAMES_MAX 40 /* bytes of the prefix of a case's names, with its NUL */

struct value {
    struct span name; /* borrowed from the file */
    struct buf bytes;
};

struct values {
    struct span names; /* prefix of the names of topics and channels; borrowed */
    struct value list[VALUES_MAX];
    size_t n;
};

/* The value with this name; NULL: it is not known. */
struct value *values_find(struct values *v, struct span name);

/* Whether a value with this name is made up at first use. */
bool values_made(struct span name);

/* Adds a value without bytes; NULL: there are too many. */
struct value *values_add(struct values *v, struct span name);

/* The value with this name. That of a topic or channel is made up. NULL: it is not known. */
struct value *values_get(struct values *v, struct span name);

/* Appends the bytes of the items. False: an item names a value that is not known. */
bool values_render(struct values *v, const struct item *items, struct buf *out);

/* Whether these are the bytes of the items. */
bool values_equal(struct values *v, const struct item *items, struct span bytes);

/* Appends the name of a scratch topic. No item can have this name. */
void values_scratch(const struct values *v, struct buf *out);

/* The prefix of a case's names: the prefix of the run, and a hash of the case's id. */
struct span values_names(const char *prefix, struct span id, char out[VALUES_NAMES_MAX]);

void values_free(struct values *v);

#endif
