/* SPDX-License-Identifier: MIT */
/*
 * Owns: the comparison of a JSON object with the members that a case names. The object must have
 * all these members, with the same values. Must not know: the meaning of the members.
 */
#ifndef CONFORM_JSON_SUBSET_H
#define CONFORM_JSON_SUBSET_H

#include "base/buf.h"

/* Returns true if both texts are JSON objects and `got` has every member of `wanted` with the same
 * value. A value in `wanted` must not be an array or an object. If a value in `wanted` is null, the
 * member in `got` may have any value. */
bool json_subset(struct span wanted, struct span got);

/* Appends one line for each member that makes json_subset return false, for example "max_rdy_count:
 * expected 2500, came 2000". A long value is cut. */
void json_differences(struct span wanted, struct span got, struct buf *out);

/* Parses a document with yajl. Returns NULL if it is no JSON. The caller frees the tree with
 * yajl_tree_free. */
struct yajl_val_s;
struct yajl_val_s *json_tree(struct span s);

#endif
