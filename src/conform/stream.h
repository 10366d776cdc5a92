/* SPDX-License-Identifier: MIT */
/*
 * Owns: at which place of the protocol a client's output stands, as far as the bytes alone show it.
 * Must not know: what the server answers.
 */
#ifndef CONFORM_STREAM_H
#define CONFORM_STREAM_H

#include <nsq/command.h>

#include "base/buf.h"

/* All zeros is a new connection. */
struct stream {
    bool magic; /* the whole magic of V2 was sent */
    bool lost;  /* the output is not V2, or was malformed: no place is known */
    struct nsq_place place;
    struct buf rest; /* the beginning of an item */
};

void stream_add(struct stream *s, struct span bytes);
void stream_free(struct stream *s);

/* Whether the next byte would begin a command. */
bool stream_at_command(const struct stream *s);

#endif
