/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a recording keeps of the JSON of an IDENTIFY and of its answer: everything but what
 * differs from machine to machine.
 */
#ifndef CONFORM_RECORD_JSON_H
#define CONFORM_RECORD_JSON_H

#include "base/buf.h"

/* Appends an IDENTIFY body in which the client's and its host's names are "recorded". What is no
 * JSON object is appended as it is. */
void record_json_identify(struct span body, struct buf *out);

/* Appends the answer to an IDENTIFY with null, which matches anything, as the server's version. */
void record_json_reply(struct span data, struct buf *out);

/* How many of TLS, Snappy and Deflate the answer to an IDENTIFY says are put on behind it. */
size_t record_json_upgrades(struct span data);

#endif
