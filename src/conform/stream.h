/* SPDX-License-Identifier: MIT */
/*
 * Owns: the state of the protocol's parser after the bytes that a client has sent. It depends only
 * on these bytes. Must not know: the answers of the server.
 */
#ifndef CONFORM_STREAM_H
#define CONFORM_STREAM_H

#include <nsq/command.h>
#include <nsq/lookup.h>

#include "base/buf.h"

/* A struct of zeros is a new connection that speaks V2. For V1, `v1` must be set. */
struct stream {
    bool v1;    /* the client speaks V1 */
    bool magic; /* the client has sent the whole magic */
    bool lost;  /* the bytes are not of this protocol, or are malformed: the places have no
                 * meaning */
    struct nsq_place place;
    struct nsq_lookup_place v1_place;
    struct buf rest; /* the beginning of an item that has arrived in part */
};

void stream_add(struct stream *s, struct span bytes);
void stream_free(struct stream *s);

/* Returns true if the next byte would begin a command. */
bool stream_at_command(const struct stream *s);

#endif
