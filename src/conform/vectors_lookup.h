/* SPDX-License-Identifier: MIT */
/*
 * Owns: the results of the parser of V1 alone, as conform/vectors_parser.h has them for V2. Must
 * not know: the session and its answers.
 */
#ifndef CONFORM_VECTORS_LOOKUP_H
#define CONFORM_VECTORS_LOOKUP_H

#include <nsq/lookup.h>

#include "conform/vectors.h"

/* Writes the members "limits", "bytes", "items" and "waits". `in` begins after the magic. */
void vectors_lookup(struct json_writer *json, const struct nsq_lookup_limits *limits,
                    struct span in);

#endif
