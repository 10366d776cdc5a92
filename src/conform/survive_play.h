/* SPDX-License-Identifier: MIT */
/*
 * Owns: one input of a fuzz corpus as bytes on a connection. This file decides what is sent before
 * the input, and where the input is cut into pieces. Must not know: what the server answers, and
 * what its answers mean.
 */
#ifndef CONFORM_SURVIVE_PLAY_H
#define CONFORM_SURVIVE_PLAY_H

#include <nsq/span.h>

#include "base/buf.h"

/* How the bytes of an input are cut, and how the connection ends. */
enum survive_way {
    SURVIVE_WHOLE,
    SURVIVE_BYTES, /* byte by byte; in a long input, only the bytes near both ends are sent like
                      this */
    SURVIVE_FOUR,  /* four pieces, with a pause between them */
    SURVIVE_RESET, /* whole, and then the connection is closed with RST */
    SURVIVE_WAYS,
};

const char *survive_way_name(enum survive_way way);

/* What a connection sends. */
struct survive_talk {
    struct buf first; /* an IDENTIFY that enables a compression, or nothing; it is sent whole */
    struct buf rest;  /* the input; it is sent in pieces */
    bool http;        /* it is for the server's HTTP address */
};

/* Fills `talk` for an input. The folder of the file says what the input is. A file in a corpus of
 * fuzz/ begins with a header for the fuzz target; this header is not sent. Any other file has the
 * bytes of a client. If `bare` is true, the file is sent unchanged. */
void survive_talk(struct survive_talk *talk, const char *path, struct span input, bool bare);
void survive_talk_free(struct survive_talk *talk);

/* An input of n bytes is sent in pieces. Returns the length of the piece that begins at byte `at`.
 */
size_t survive_piece(enum survive_way way, size_t n, size_t at);

/* Sends `talk` on a new connection and reads what the server sends. Stops when the server closes,
 * or *patience ns after the end of the input. If the server did not close, makes *patience shorter,
 * so that the next call waits less. Returns false if no connection can be made. */
bool survive_play(const char *address, const struct survive_talk *talk, enum survive_way way,
                  int64_t *patience);

/* Returns true if the server answers a PUB on a new connection with OK within `limit` ns. */
bool survive_answers(const char *address, int64_t limit);

#endif
