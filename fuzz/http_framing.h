/* SPDX-License-Identifier: MIT */
/*
 * Owns: a second reader of requests, which looks at all bytes at once and knows only the framing:
 * where the head ends, and where the body ends. It is strict: it takes no request whose end two
 * readers may find at different places. The rules are those of RFC 9112, section 6. Must not know:
 * limits, the rest of HTTP, src/http.
 */
#ifndef FUZZ_HTTP_FRAMING_H
#define FUZZ_HTTP_FRAMING_H

#include "base/buf.h"

struct http_framing {
    struct span method, target; /* borrowed from the input */
    bool whole;                 /* all bytes of the request are there */
    struct buf body;            /* as far as it is there */
    size_t end;                 /* if it is whole: the offset of the byte behind it */
};

/* Reads the request that begins at offset `at`. `after_post`: up to four CR and LF in front of it
 * are skipped. Returns false if the head is not complete, or may be understood in two ways. The
 * caller frees the result with http_framing_free, if it is true. */
bool http_framing_read(struct http_framing *framing, struct span in, size_t at, bool after_post);
void http_framing_free(struct http_framing *framing);

#endif
