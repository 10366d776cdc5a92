/* SPDX-License-Identifier: MIT */
/*
 * Owns: the comparison of a JSON object with the members that a case names. The object must have
 * all these members, with the same values, and may have more. Must not know: the meaning of the
 * members.
 */
#ifndef CONFORM_JSON_SUBSET_H
#define CONFORM_JSON_SUBSET_H

#include "base/buf.h"

/* Returns true if both texts are JSON objects and `got` has every member of `wanted` with the same
 * value. The same rule holds for objects inside. Arrays must have the same length, and their values
 * are compared in order. If a value in `wanted` is null, `got` may have any value there. */
bool json_subset(struct span wanted, struct span got);

/* Appends one line for each value that makes json_subset return false, for example "max_rdy_count:
 * expected 2500, came 2000" or "topics[0].depth: ...". A long value is cut. */
void json_differences(struct span wanted, struct span got, struct buf *out);

/* Parses a document with yajl. Returns NULL if it is no JSON. The caller frees the tree with
 * yajl_tree_free. */
struct yajl_val_s;
struct yajl_val_s *json_tree(struct span s);

#endif
