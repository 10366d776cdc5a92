/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the parser alone returns for the input of one connection, as JSON: each item, with the
 * number of bytes after which it is known. The parser gets the input byte by byte. No command is
 * refused.
 * Must not know: the session, and what it would answer.
 */
#ifndef CONFORM_VECTORS_PARSER_H
#define CONFORM_VECTORS_PARSER_H

#include "conform/vectors.h"

/* Writes the members "limits", "bytes", "items" and "waits" of a parser case. `in` begins after the
 * magic. */
void vectors_parser(struct json_writer *json, const struct nsq_limits *limits, struct span in);

#endif
