/* SPDX-License-Identifier: MIT */
/*
 * Owns: a small HTTP server on virtual time with one client: byte by byte, and then in pieces and
 * with little effort a call. What the server has sent after each byte is compared. Must not know:
 * what the requests mean, NSQ.
 *
 * The routes:
 *
 *     GET  /p      answered at once
 *     GET  /h      answered in the next step
 *     POST /e      the answer is the body; the handler answers early when a piece contains '!'
 *     POST /h      holds after the first piece, and answers in the next step
 *     POST /s      the body is skipped
 *     GET  /b?N    a body of N modulo 1,000 bytes, made by a stream in pieces of 7
 *     GET, PUT /c/X   the answer is X
 */
#ifndef FUZZ_HTTP_DESK_RUN_H
#define FUZZ_HTTP_DESK_RUN_H

#include <nsq/span.h>

#include "http/http_limits.h"

/* Flags. */
#define DESK_EOF 1     /* the client ends its side behind its last byte */
#define DESK_REFUSES 2 /* every request gets the answer of --tls-required */
#define DESK_LOST 4    /* the connection is lost behind its last byte */

/* The first eight bytes of an input: flags; the limit of a head (0: the usual one); two limits of
 * chunks; those of a discarded and of a whole body; the high-water mark; time; two sizes of
 * pieces. */
struct desk_choice {
    unsigned flags;
    struct http_limits limits;
    size_t high_water;
    unsigned time; /* bits 0-3: after how many bytes time passes; bits 4-7: how much */
    size_t one, other;
};

extern struct desk_choice desk_choice;

/* Reads desk_choice; `in` moves past it. */
void desk_choose(struct span *in);

/* Runs the client's bytes. `heads[i]`: request i is a HEAD. `most`: how many answers there may
 * be. */
void desk_run(struct span in, const bool *heads, unsigned most);

#endif
