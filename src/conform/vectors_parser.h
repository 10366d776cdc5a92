/* SPDX-License-Identifier: MIT */
/*
 * Owns: the results of the parser alone, for the input of one connection, as JSON: each item, and
 * the number of bytes after which the item is known. The parser receives the input byte by byte. No
 * command is refused. Must not know: the session and its answers.
 */
#ifndef CONFORM_VECTORS_PARSER_H
#define CONFORM_VECTORS_PARSER_H

#include "conform/vectors.h"

/* Writes the members "limits", "bytes", "items" and "waits". "waits" says what the parser still
 * waits for at the end of the input. `in` begins after the magic. */
void vectors_parser(struct json_writer *json, const struct nsq_limits *limits, struct span in);

#endif
