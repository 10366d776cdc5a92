/* SPDX-License-Identifier: MIT */
/*
 * Owns: the state of a parser (struct nsq_place) after the bytes that a client has sent. It depends
 * only on these bytes. Must not know: the answers of the server.
 */
#ifndef CONFORM_STREAM_H
#define CONFORM_STREAM_H

#include <nsq/command.h>

#include "base/buf.h"

/* A struct of zeros is a new connection. */
struct stream {
    bool magic; /* the client has sent the whole magic of V2 */
    bool lost;  /* the output is not V2, or is malformed: `place` has no meaning */
    struct nsq_place place;
    struct buf rest; /* the beginning of an item that has arrived in part */
};

void stream_add(struct stream *s, struct span bytes);
void stream_free(struct stream *s);

/* Returns true if the next byte would begin a command. */
bool stream_at_command(const struct stream *s);

#endif
