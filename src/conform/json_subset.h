/* SPDX-License-Identifier: MIT */
/*
 * Owns: the comparison of a JSON object with the members that a case names. The object must have
 * all these members, with the same values, and may have more. Must not know: the meaning of the
 * members.
 */
#ifndef CONFORM_JSON_SUBSET_H
#define CONFORM_JSON_SUBSET_H

#include "base/buf.h"

/* How arrays are compared. The wanted array and the other array must have the same length. If they
 * are compared as sets, the values of the wanted array are taken in their order. Each of them is
 * paired with the first value of the other array that it matches and that is not paired yet. So if
 * two wanted values could match the same value, the stricter one must stand first. */
enum json_arrays { JSON_ARRAYS_HAVE_ORDER, JSON_ARRAYS_ARE_SETS };

/* An array that is compared as a set may have at most this number of values. Without this limit,
 * the comparison of a long array would take very long. A longer one does not match. */
#define JSON_SET_MAX 1000

/* Returns true if both texts are JSON objects and `got` has every member of `wanted` with the same
 * value. The same rule holds for objects inside. If a value in `wanted` is null, `got` may have any
 * value there. */
bool json_subset(struct span wanted, struct span got, enum json_arrays arrays);

/* Appends one line for each value that makes json_subset return false, for example "max_rdy_count:
 * expected 2500, came 2000" or "topics[0].depth: ...". A long value is cut. */
void json_differences(struct span wanted, struct span got, enum json_arrays arrays,
                      struct buf *out);

/* Parses a document with yajl. Returns NULL if it is no JSON. The caller frees the tree with
 * yajl_tree_free. */
struct yajl_val_s;
struct yajl_val_s *json_tree(struct span s);

#endif
