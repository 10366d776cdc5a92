/* SPDX-License-Identifier: MIT */
/*
 * Owns: finding one HTTP response at the start of received bytes: its status, its head and its
 * body, without the framing. llhttp parses it. Must not know: what a response should be.
 */
#ifndef CONFORM_HTTP_PARSE_H
#define CONFORM_HTTP_PARSE_H

#include <nsq/error.h>

#include "base/buf.h"

struct http_parsed {
    int status;
    struct span head; /* the header lines, each with its \r\n; borrowed from the received bytes */
    struct buf body;  /* the caller frees it */
    size_t size;      /* how many received bytes the response has */
    const char *why;  /* NSQ_BAD: the reason; a static string */
};

/* How the end of a response is found. */
struct http_parse_end {
    bool no_body; /* nothing follows the head, as after a request with the method HEAD */
    bool ended;   /* no more bytes will come, so the body may end at the last byte */
};

/* Parses a response from the start of `in`. The caller frees out->body whatever the result is.
 * NSQ_MORE: the response is not complete. A response with a status from 100 to 199 is a response of
 * its own. */
enum nsq_parse http_parse(struct span in, struct http_parse_end framing, struct http_parsed *out);

/* Finds the next header with this name. *at is the part of the head that was not searched yet: the
 * whole head before the first call. The call moves the beginning of *at behind the header. The name
 * is compared without regard to case. `value` has no spaces around it. */
bool http_parsed_next(struct span *at, struct span name, struct span *value);

#endif
