/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of a server's answers, in the form in which Go's server sends them: the status
 * line, the headers of the handler in the order of their names, Date, Content-Length,
 * Content-Type if it was sniffed, Connection, Transfer-Encoding.
 * Must not know: routes, connections.
 */
#ifndef HTTP_HTTP_ANSWER_H
#define HTTP_HTTP_ANSWER_H

#include "base/buf.h"

struct http_answer {
    int status;
    struct span headers; /* lines with CR LF, in the order of their names; may be empty */
    /* A Content-Type for plain text is added if the body is not empty. Go looks into the body to
     * find its type; all bodies without a type of their own are short texts. */
    bool sniffs;
    /* The headers contain a Content-Length already. */
    bool has_length;
    struct span body;
};

enum http_framing {
    HTTP_WITH_LENGTH, /* the whole body is there */
    HTTP_CHUNKED,     /* the caller appends chunks: http_answer_append_chunk */
    HTTP_UNTIL_CLOSE, /* the caller appends the body, and closes the connection */
};

/* What the request and the connection mean for the answer. */
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

/* Returns the words for a status, as "Not Found". */
struct span http_status_words(int status);

#endif
