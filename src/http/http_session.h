/* SPDX-License-Identifier: MIT */
/*
 * Owns: the state of one connection of an HTTP server. Only for http_server.c, which reads
 * requests, and http_server_call.c, which answers them.
 */
#ifndef HTTP_HTTP_SESSION_H
#define HTTP_HTTP_SESSION_H

#include "http/http_reader.h"
#include "http/http_server.h"

enum http_phase {
    HTTP_IN_HEAD,
    HTTP_IN_BODY,
    HTTP_IS_HELD,
    HTTP_IN_DISCARD,
    HTTP_IN_STREAM,
    HTTP_IS_OVER, /* the connection ends */
};

struct http_session {
    struct http_call call; /* of the current request */
    struct conn *conn;
    enum http_phase phase;
    struct http_reader reader;
    bool eof;          /* the client sends no more */
    bool must_close;   /* the connection ends after the answer */
    int64_t begun;     /* when the head or the body began to arrive */
    uint64_t received; /* bytes of the body, with its framing */
    size_t discarded;  /* bytes of the body that arrived after the answer */
    size_t held;       /* charged to budget->held */
    bool first;        /* no request was complete yet */
    /* The answer, while it cannot be sent. In STREAM, `body` is the piece that is not sent yet. */
    struct http_answer answer; /* without its headers and body, which are: */
    struct buf headers;
    struct buf body;
    struct http_stream stream; /* `end` NULL: none */
    bool stream_begun;         /* the head of the answer is sent */
    struct list streaming;     /* in server->streaming */
};

/* --- http_server_call.c ----------------------------------------------------------------------- */

/* The head is complete: finds the route and calls its handler, or answers. */
void http_session_dispatch(struct http_session *s, int64_t now);

/* The body is complete, or broken. */
void http_session_end_body(struct http_session *s, bool broken, int64_t now);

/* Makes the next piece of a stream, and sends it. */
void http_session_pull(struct http_session *s, int64_t now);

/* Frees what belongs to the current request, and its stream. */
void http_session_drop_call(struct http_session *s);

/* --- http_server.c ---------------------------------------------------------------------------- */

/* The answer was sent: begins the next request, or ends the connection. */
void http_session_answered(struct http_session *s, int64_t now);

/* Pauses the input while the phase needs none. */
void http_session_pause_or_resume(struct http_session *s);

#endif
