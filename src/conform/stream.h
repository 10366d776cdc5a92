/* SPDX-License-Identifier: MIT */
/*
 * Owns: where in the protocol the bytes stand that a client has sent, as far as they alone tell.
 */
#ifndef CONFORM_STREAM_H
#define CONFORM_STREAM_H

#include <nsq/command.h>

#include "base/buf.h"

/* All zeros is the beginning of a connection. */
struct stream {
    bool magic; /* V2's, whole */
    bool lost;  /* what came is no V2, or nothing can be parsed behind it */
    struct nsq_place place;
    struct buf rest; /* not yet a whole item */
};

void stream_add(struct stream *s, struct span bytes);
void stream_free(struct stream *s);

/* Whether the next byte begins a command. */
bool stream_at_command(const struct stream *s);

#endif
