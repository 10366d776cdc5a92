/* SPDX-License-Identifier: MIT */
/*
 * Owns: the values to which the items of a case refer, and the bytes of items. A value $topic... or
 * $channel... is created at its first use. The values $lookupd, $lookupd2 and $lookupd_http_port
 * are set before the first step. All other values are added when a step captures them.
 * Must not know: steps.
 */
#ifndef CONFORM_VALUES_H
#define CONFORM_VALUES_H

#include "base/buf.h"
#include "base/table.h"
#include "conform/session_file.h"

#define VALUES_MAX 20000    /* the largest number of values of one case */
#define VALUES_NAMES_MAX 40 /* bytes of the longest prefix of a case's names, with the NUL */

/* The values with the addresses of the scripted nsqlookupds, and with the port of the HTTP API of
 * the first of them. */
#define VALUES_LOOKUPD "lookupd"
#define VALUES_LOOKUPD2 "lookupd2"
#define VALUES_LOOKUPD_HTTP_PORT "lookupd_http_port"

struct value {
    UT_hash_handle hh; /* by `name` */
    struct span name;  /* borrowed from the file, or from its unrolled steps
                        * (session_file_unroll.h) */
    struct buf bytes;
    const void *owner; /* for the caller's own use; values_add sets it to NULL */
};

struct values {
    struct span names; /* prefix of the names of topics and channels; borrowed */
    struct value *table;
    size_t n;
};

/* Returns the value with this name, or NULL if no such value is known. */
struct value *values_find(struct values *v, struct span name);

/* Returns true if no step captures a value with this name: it begins with $topic or $channel and is
 * created at its first use, or it is the address of a scripted nsqlookupd. */
bool values_made(struct span name);

/* Adds a value without bytes. Returns NULL if there are too many values. */
struct value *values_add(struct values *v, struct span name);

/* Adds a value with these bytes. */
void values_set(struct values *v, struct span name, struct span bytes);

/* Returns the value with this name. Creates the value if it is the name of a topic or channel and
 * is used for the first time. Returns NULL if the value is not known. */
struct value *values_get(struct values *v, struct span name);

/* Appends the bytes of the items. Returns false if an item names a value that is not known. */
bool values_render(struct values *v, const struct item *items, struct buf *out);

/* Returns true if `bytes` are the bytes of the items. An item * is any bytes. */
bool values_equal(struct values *v, const struct item *items, struct span bytes);

/* Appends the name of a topic that no step uses. No item of a case can produce this topic name. */
void values_scratch(const struct values *v, struct buf *out);

/* Makes the prefix of a case's names from the prefix of the run and a hash of the case's id. Writes
 * the result to `out` and returns it. */
struct span values_names(const char *prefix, struct span id, char out[VALUES_NAMES_MAX]);

void values_free(struct values *v);

#endif
