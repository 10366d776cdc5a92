/* SPDX-License-Identifier: MIT */
/*
 * Owns: one request, which is read while its bytes arrive: its head, and then its body in pieces.
 * llhttp parses the request, and http/http_head.h and http/http_chunks.h check it. A request is
 * accepted only if llhttp and the checks accept it. The result does not depend on how the input is
 * cut into pieces.
 * Must not know: routes, answers, connections, time.
 *
 *     HEAD --all lines--> BODY --its end--> WHOLE
 *       |                  |
 *       +--> REFUSED       +--> BROKEN
 */
#ifndef HTTP_HTTP_READER_H
#define HTTP_HTTP_READER_H

#include <llhttp.h>

#include "base/buf.h"
#include "http/http_chunks.h"
#include "http/http_head.h"
#include "http/http_target.h"

/* One call of http_reader_body takes at most this many bytes of a body. */
#define HTTP_PIECE_MAX 4096
/* Go's server skips this many CR and LF before a request that follows a POST. */
#define HTTP_LINE_ENDS_SKIPPED 4

enum http_reader_state {
    HTTP_READER_HEAD,    /* more of the head must arrive */
    HTTP_READER_BODY,    /* the head is complete and accepted; more of the body must arrive */
    HTTP_READER_WHOLE,   /* the request is complete */
    HTTP_READER_REFUSED, /* the head is bad: `refusal` */
    HTTP_READER_BROKEN,  /* the framing of the body is bad */
};

struct http_reader {
    const struct http_limits *limits; /* borrowed */
    enum http_reader_state state;
    enum http_refusal refusal;
    struct http_head head;
    struct http_target target; /* when the head is complete; its spans are borrowed from `bytes` */
    struct buf bytes;          /* the head */
    size_t line;               /* offset in `bytes` of the line that is arriving */
    unsigned skips;            /* how many CR and LF may still be skipped before the request */
    uint64_t left;             /* of a body that is not chunked: bytes that are left */
    struct http_chunks chunks;
    llhttp_t parser;
    llhttp_settings_t settings;
    bool whole;       /* llhttp has found the end of the request */
    struct span data; /* the data of the body that the running call has found */
};

/* Begins the first request of a connection. The struct must not be moved afterwards. The limits are
 * borrowed. The caller frees the reader with http_reader_free. */
void http_reader_init(struct http_reader *reader, const struct http_limits *limits);
void http_reader_free(struct http_reader *reader);

/* Begins the next request. */
void http_reader_next(struct http_reader *reader);

/* Returns whether bytes of a request have arrived. Line ends that are skipped do not count. */
static inline bool http_reader_has_begun(const struct http_reader *reader)
{
    return reader->bytes.n > 0;
}

/* In the state HEAD: takes bytes of the head. Returns how many bytes were consumed. These are all
 * bytes, or the bytes up to the end of the head, or the bytes up to the end of a bad line. */
size_t http_reader_head(struct http_reader *reader, struct span in);

/* In the state BODY: takes bytes of the body. Returns how many were consumed, at most
 * HTTP_PIECE_MAX. *data becomes the data in these bytes. It is borrowed from `in`, and is often
 * empty for a chunked body. */
size_t http_reader_body(struct http_reader *reader, struct span in, struct span *data);

/* Returns how many bytes of the body are left; 0 if the body is chunked, because the number is then
 * not known. */
static inline uint64_t http_reader_rest(const struct http_reader *reader)
{
    return reader->left;
}

/* Return the method and the target. Borrowed until the next request begins. */
struct span http_reader_method(const struct http_reader *reader);
struct span http_reader_target(const struct http_reader *reader);

#endif
