/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the parser alone makes of one connection's input, as JSON: each item with the number
 * of bytes after which it is known. It is fed byte by byte; nobody refuses a command between.
 */
#ifndef CONFORM_VECTORS_PARSER_H
#define CONFORM_VECTORS_PARSER_H

#include "conform/vectors.h"

/* Writes the members "limits", "bytes", "items" and "waits" of a parser case. `in` begins behind
 * the magic. */
void vectors_parser(struct json_writer *json, const struct nsq_limits *limits, struct span in);

#endif
