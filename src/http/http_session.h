/* SPDX-License-Identifier: MIT */
/*
 * Owns: the state of one connection of an HTTP server. Only two files of src use this header:
 * http_server.c, which reads requests, and http_server_call.c, which answers them. Must not know:
 * what the routes do.
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
    bool eof;        /* the client sends nothing more */
    bool must_close; /* the connection ends after the answer, which says so */
    bool cut_off;    /* the input has ended before the end of a body of known length. As in Go, the
                      * answer does not say that the connection ends */
    int64_t begun;   /* the time from which the deadline of the head or of the body counts. While
                      * no byte of a head has arrived: when the connection became idle */
    uint64_t received; /* bytes of the body, with its framing, that have arrived since `begun` */
    size_t discarded;  /* bytes of the body that were not needed for the answer */
    size_t held;       /* bytes that were added to budget->held */
    bool first;        /* no request was answered yet */
    /* The answer, while it cannot be sent. In STREAM, `body` is the piece that is not sent yet. */
    struct http_answer answer; /* its headers and body are in the next two fields */
    struct buf headers;
    struct buf body;
    struct http_stream stream; /* there is no stream while `end` is NULL */
    bool stream_begun;         /* the head of the answer is sent */
    struct list streaming;     /* in server->streaming */
    struct list idle;          /* in server->idle while there is no request */
    struct list idle_of_all;   /* the same, in http_slots.idle */
};

/* --- http_server_call.c ----------------------------------------------------------------------- */

/* Called when the head is complete. Finds the route and calls its handler, or answers. */
void http_session_dispatch(struct http_session *s, int64_t now);

/* Called when the body is complete. `broken`: called when the body is bad, too long or too late, or
 * when the client has sent its last byte before the end of the body. */
void http_session_end_body(struct http_session *s, bool broken, int64_t now);

/* Makes the next piece of a stream. Keeps the pieces while the body is short enough for a
 * Content-Length. When it becomes longer, sends them as chunks. */
void http_session_pull(struct http_session *s, int64_t now);

/* Frees what belongs to the current request, and its stream. */
void http_session_drop_call(struct http_session *s);

/* --- http_server.c ---------------------------------------------------------------------------- */

/* Called when the answer was sent. Begins the next request, or ends the connection. */
void http_session_answered(struct http_session *s, int64_t now);

/* Called when the answer is ready, but the rest of the body must be discarded first. */
void http_session_discard(struct http_session *s, int64_t now);

/* Pauses the input if the phase needs no input. Otherwise resumes it. */
void http_session_pause_or_resume(struct http_session *s);

#endif
