/* SPDX-License-Identifier: MIT */
/*
 * Owns: the values of one run of a case, and what its items stand for. $topic.. and $channel.. are
 * made up when they are first asked for; all others are put in by whoever captures or makes them.
 */
#ifndef CONFORM_VALUES_H
#define CONFORM_VALUES_H

#include "base/buf.h"
#include "conform/session_file.h"

#define VALUES_MAX 64       /* of one case */
#define VALUES_NAMES_MAX 40 /* of the prefix of a case's names, NUL included */

struct value {
    struct span name; /* borrowed from the file */
    struct buf bytes;
};

struct values {
    struct span names; /* in front of the names of topics and channels; borrowed */
    struct value list[VALUES_MAX];
    size_t n;
};

/* The value with this name; NULL: there is none. */
struct value *values_find(struct values *v, struct span name);

/* Whether a value with this name is made up when it is first asked for. */
bool values_made(struct span name);

/* Adds a value without bytes; NULL: there are too many. */
struct value *values_add(struct values *v, struct span name);

/* The value with this name, made up if it is a topic's or a channel's; NULL: there is none. */
struct value *values_get(struct values *v, struct span name);

/* Appends what the items stand for; false: a value that nothing has captured. */
bool values_render(struct values *v, const struct item *items, struct buf *out);

/* Whether the items stand for these bytes. */
bool values_equal(struct values *v, const struct item *items, struct span bytes);

/* Appends the name of a topic that no item can name. */
void values_scratch(const struct values *v, struct buf *out);

/* The prefix of a case's names: that of a run, and a hash of the case's id. */
struct span values_names(const char *prefix, struct span id, char out[VALUES_NAMES_MAX]);

void values_free(struct values *v);

#endif
