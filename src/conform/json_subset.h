/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a JSON object has at least the members that a case names, with the same values.
 * Must not know: what the members mean.
 */
#ifndef CONFORM_JSON_SUBSET_H
#define CONFORM_JSON_SUBSET_H

#include <nsq/span.h>

/* Whether both texts are JSON objects and `got` has every member of `wanted` with the same value,
 * which must not be an array or an object. If the value in `wanted` is null, `got` must have the
 * member with any value. */
bool json_subset(struct span wanted, struct span got);

#endif
