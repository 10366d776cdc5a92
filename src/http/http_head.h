/* SPDX-License-Identifier: MIT */
/*
 * Owns: the strict check of a request's head, and what the head says about the request: method,
 * target, version, framing. Go's server accepts every head that this check accepts. It also accepts
 * some heads that this check refuses; tests/conformance/DEPARTURES.md lists their kinds. llhttp
 * reads the head too (http/http_reader.h). A request is accepted only if this check and llhttp
 * accept its head. Must not know: routes, what a request asks for, connections.
 *
 * The caller gives the lines of a head one by one, without their CR LF. A bad line is found as soon
 * as it is complete. Errors that concern the whole head are found by http_head_end.
 */
#ifndef HTTP_HTTP_HEAD_H
#define HTTP_HTTP_HEAD_H

#include <nsq/span.h>

/* The reasons for which the server itself refuses a request. No handler answers such a request:
 * http_refusal_text returns the bytes of the answer. */
enum http_refusal {
    HTTP_ACCEPTED,
    HTTP_BAD_REQUEST,
    HTTP_NO_HOST,
    HTTP_BAD_HOST,
    HTTP_BAD_NAME, /* the name of a header is bad */
    HTTP_TOO_LARGE,
    HTTP_BAD_ENCODING, /* a Transfer-Encoding that is not "chunked" */
    HTTP_BAD_VERSION,
    HTTP_REFUSALS
};

#define HTTP_NO_LENGTH UINT64_MAX

/* A struct of zeros is ready for the first line. */
struct http_head {
    bool has_line; /* the request line was accepted */
    uint8_t major, minor;
    bool bad_name;       /* the name of a header contains a space */
    bool bad_host;       /* the Host header contains a character that no host has */
    bool bad_length;     /* a Content-Length is no number, or differs from an earlier one */
    bool has_length;     /* there is a Content-Length */
    bool has_connection; /* there is a Connection header */
    bool has_expect;     /* there is an Expect header that is not empty */
    bool expects;        /* the first Expect header asks for "100-continue" */
    bool wants_close;    /* a Connection header has "close" */
    bool wants_keep;     /* the first Connection header has "keep-alive" */
    bool chunked;        /* the Transfer-Encoding is "chunked" */
    bool bad_encoding;   /* the Transfer-Encoding is something else, or there are several */
    unsigned hosts;      /* number of Host headers */
    unsigned encodings;  /* number of Transfer-Encoding headers */
    uint64_t length;     /* of the body, if has_length */
    size_t method_size; /* bytes of the method; the request line begins with the method, a space and
                         * the target */
    size_t target_size;
};

/* Takes the next line. Returns HTTP_ACCEPTED or HTTP_BAD_REQUEST. Only the first line may be
 * empty. */
enum http_refusal http_head_line(struct http_head *head, struct span line);

/* Checks the whole head, after its last line. */
enum http_refusal http_head_end(const struct http_head *head);

/* Return the method and the target. `bytes` is the text of the head: it begins with the request
 * line. The result is borrowed from `bytes`. */
static inline struct span http_head_method(const struct http_head *head, struct span bytes)
{
    return span_first(bytes, head->method_size);
}

static inline struct span http_head_target(const struct http_head *head, struct span bytes)
{
    return span_first(span_skip(bytes, head->method_size + 1), head->target_size);
}

/* http_head_closes returns whether the connection ends after the answer. http_head_announces_keep
 * returns whether the answer must announce that the connection does not end. Both use the version
 * and the Connection headers. */
static inline bool http_head_closes(const struct http_head *head)
{
    return head->minor == 0 ? !head->wants_keep : head->wants_close;
}

static inline bool http_head_announces_keep(const struct http_head *head)
{
    return head->minor == 0 && head->wants_keep;
}

/* Returns all bytes of the answer to a refused request, as Go's server sends them. Static. */
struct span http_refusal_text(enum http_refusal refusal);

#endif
