/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a JSON object has at least the members that a case names, with the same values.
 */
#ifndef CONFORM_JSON_SUBSET_H
#define CONFORM_JSON_SUBSET_H

#include <nsq/span.h>

/* True when both are JSON objects and every member of `wanted` is in `got` with an equal scalar
 * value. Members of `wanted` whose value is null must be there with any value. */
bool json_subset(struct span wanted, struct span got);

#endif
