/* SPDX-License-Identifier: MIT */
/* Owns: how deeply a JSON document is nested, found without a JSON reader. Must not know: any
 * target. */
#ifndef JSON_DEPTH_H
#define JSON_DEPTH_H

#include <nsq/span.h>

/* Returns how many objects and arrays are open at the deepest place. If the document is not valid,
 * the depth is right up to the first error. */
size_t json_depth(struct span document);

#endif
