/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of a server's answers, in the form in which Go's server sends them. An answer
 * begins with the status line and the headers of the handler, in the order of their names. The
 * headers that Go's server adds follow: Date, Content-Length, Content-Type (if `sniffs` is true),
 * Connection, Transfer-Encoding.
 * Must not know: routes, connections.
 */
#ifndef HTTP_HTTP_ANSWER_H
#define HTTP_HTTP_ANSWER_H

#include "base/buf.h"

struct http_answer {
    int status;
    struct span headers; /* lines with CR LF, in the order of their names; may be empty */
    /* If the body is not empty, a Content-Type for plain text is added. Go finds the type from the
     * bytes of the body. Here this is not needed, because all bodies without a Content-Type are
     * short texts. */
    bool sniffs;
    /* The headers contain a Content-Length already. */
    bool has_length;
    struct span body;
};

enum http_framing {
    HTTP_WITH_LENGTH, /* the body is complete */
    HTTP_CHUNKED,     /* the caller appends chunks: http_answer_append_chunk */
    HTTP_UNTIL_CLOSE, /* the caller appends the body, and closes the connection */
};

/* The properties of the request and the connection that change the answer. */
struct http_reply_to {
    unsigned minor;   /* of the request's version: 1 for HTTP/1.1 */
    bool head_only;   /* the method is HEAD: the body is not sent */
    bool closes;      /* the connection ends after the answer */
    bool keeps_alive; /* HTTP/1.0: the answer announces that the connection does not end */
    int64_t wall;     /* ns since 1970 */
    enum http_framing framing;
};

/* Appends an answer. The body is appended only with HTTP_WITH_LENGTH. */
void http_answer_append(struct buf *out, const struct http_answer *answer,
                        const struct http_reply_to *to);

/* Appends a piece of a body as one chunk. The piece must not be empty. */
void http_answer_append_chunk(struct buf *out, struct span piece);

/* Appends a text for HTML, escaped as by Go's http.Redirect. */
void http_answer_append_html(struct buf *out, struct span text);

/* Returns the words for a status, for example "Not Found" for 404. */
struct span http_status_words(int status);

#endif
