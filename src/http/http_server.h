/* SPDX-License-Identifier: MIT */
/*
 * Owns: an HTTP/1.1 server as a protocol of src/serve. It handles one request after another on each
 * connection, with their routes, answers and deadlines. Must not know: what the routes do, NSQ,
 * sockets, clocks.
 *
 * A program puts a table of routes into struct http_server_config. In a struct listener it sets
 * `protocol` to &http_protocol and `service` to the server. The life of a request:
 *
 *     HEAD --> BODY ----> HELD --answer-----------+--> HEAD (of the next request)
 *       |        |          |                     |
 *       |        |          +--> STREAM --its end-+
 *       |        |                                |
 *       |        +--answer--> DISCARD --body ends-+
 *       |
 *       +-- refused: the connection ends
 *
 * HEAD: the head arrives. BODY: the handler gets the body. HELD: the handler has all it needs and
 * answers later; the input is paused. STREAM: a stream makes the answer piece by piece, while the
 * client takes the output. DISCARD: the answer is ready, but the body is still arriving. As in Go,
 * the answer is sent when the body is complete. If http_limits.discard bytes or more are left,
 * the answer is sent at once and the connection ends.
 */
#ifndef HTTP_HTTP_SERVER_H
#define HTTP_HTTP_SERVER_H

#include "base/budget.h"
#include "base/effort.h"
#include "base/list.h"
#include "base/time.h"
#include "codec/codec.h"
#include "http/http_answer.h"
#include "http/http_limits.h"
#include "http/http_routes.h"
#include "serve/serve.h"

/* A head must arrive within this time. The time begins with its first byte. Without this limit,
 * clients that send very slowly could occupy all connections. */
#define HTTP_HEAD_NS TIME_MINUTE
/* The longest time for a body: HTTP_BODY_NS, plus one second for each HTTP_BODY_A_SECOND bytes that
 * have arrived. */
#define HTTP_BODY_NS TIME_MINUTE
#define HTTP_BODY_A_SECOND 16384
/* A connection without a request is closed after this time. */
#define HTTP_IDLE_NS (10 * TIME_MINUTE)
/* A client must take each chunk of output (CONN_WRITE_CHUNK) within this time. */
#define HTTP_WRITE_NS TIME_MINUTE
#define HTTP_TLS_NS (10 * TIME_SECOND) /* for a TLS handshake */
#define HTTP_STREAMS_A_STEP 16         /* at most this many streams continue in one step */

/* HTTP servers that share one limit of connections share this struct. */
struct http_slots {
    size_t most;  /* at most this many connections */
    size_t count; /* connections, also those that are being closed */
    /* Of struct http_session (idle_of_all): the connections without a request, of all these
     * servers. The first one has waited longest. It is closed when a new connection would exceed
     * the limit. */
    struct list idle;
};

struct http_server_config {
    const struct http_limits *limits; /* borrowed; NULL: the usual limits */
    struct http_routes routes;
    void *service; /* passed to the handlers */
    /* Headers of http_call_message, in the form of struct http_answer. */
    struct span message_headers;
    /* If this is not NULL, requests get this answer instead of the answer of a route. */
    const struct http_answer *refusal;
    /* The effort of a call (base/effort.h). The server sets the effort to effort_a_call units
     * whenever it handles input of a connection. The handlers count their own work in it. */
    struct effort *effort;
    size_t effort_a_call;
    struct budget *budget;    /* counts what connections hold */
    struct http_slots *slots; /* borrowed, so that servers can share it; NULL: there is no limit */
    struct log *log;
    const char *log_form;   /* of an answer: status, method, target, peer; NULL: no log */
    struct codec_maker tls; /* for all connections; none: connections are not encrypted */
};

struct http_server {
    struct http_server_config config;
    int64_t wall_offset;   /* ns; `now` + wall_offset is the wall clock. Set by the program */
    struct list streaming; /* of struct http_session: their streams can continue */
    size_t count;          /* connections, also those that are being closed */
    /* Of struct http_session (idle): the connections without a request. The first one has waited
     * longest. It is closed when the codecs of a new connection would need too much memory. */
    struct list idle;
};

/* A stream makes a long body piece by piece. */
struct http_stream {
    /* Appends the next piece, which may be empty. The piece ends as soon as it has `enough` bytes.
     * One call does a bounded amount of work. Returns true when this was the last piece: the body
     * is complete, or it has failed (see below). */
    bool (*more)(void *self, struct buf *out, size_t enough, int64_t now);
    /* Called when `more` has returned true. Returns true when the body has failed: it is not
     * complete, because there was no memory. Then the connection ends before the end of the body,
     * so the client notices the failure. NULL: a body never fails. */
    bool (*failed)(const void *self);
    /* Frees `self`. Called once: after the last piece, or when the connection has ended. */
    void (*end)(void *self);
    void *self;
};

/* A request, as its handler sees it. The spans are borrowed until the answer. */
struct http_call {
    struct http_server *server;
    const struct http_route *route;
    struct span query; /* the text after '?' */
    struct span param; /* the parameter of the path */
    bool has_length;   /* the length of the body is known before it arrives */
    uint64_t length;
    void *state; /* of the handler, see http_route.drop */
    /* The number of bytes at the end of the piece that the handler has not used. http_route.piece
     * sets it before it calls http_call_answer or http_call_hold. The unused bytes count as bytes
     * of the body that were not read. So the result does not depend on how the body is cut into
     * pieces.
     */
    size_t unused;
};

/* The functions that src/serve calls. The service is a struct http_server. */
extern const struct protocol http_protocol;

/* Initialises the struct. `connections` is the largest number of connections of the whole program.
 * HTTP may have seven eighths of them. Without this limit, HTTP clients that do nothing could
 * occupy all connections, and no other client could connect. The struct must not be moved
 * afterwards. */
void http_slots_init(struct http_slots *slots, size_t connections);

/* Initialises a server. The configuration is copied; what it points to is borrowed. A server has no
 * memory of its own, so nothing must be freed. The struct must not be moved afterwards. */
void http_server_init(struct http_server *server, const struct http_server_config *config);

/* Continues the streams. Must be called in each step of the program (struct serve_hooks). While
 * http_server_has_work is true, the next step is due at once. */
void http_server_step(struct http_server *server, int64_t now);
static inline bool http_server_has_work(const struct http_server *server)
{
    return !list_empty(&server->streaming);
}

/* --- for handlers ----------------------------------------------------------------------------- */

/* Answers a call. The answer is copied. */
void http_call_answer(struct http_call *call, const struct http_answer *answer, int64_t now);

/* Answers with {"message":"TEXT"}. The text is not escaped, so it must not contain a character
 * that JSON escapes. */
void http_call_message(struct http_call *call, int status, struct span text, int64_t now);

/* Answers with a body that a stream makes. `answer` has no body; its headers are copied. The
 * request must be complete (HTTP_BODY_SKIPPED). A body of at most http_limits.whole bytes gets a
 * Content-Length. While connections hold more than their share of the memory, this limit is
 * http_limits.piece_little. A longer body is chunked; for HTTP/1.0 it ends with the connection. The
 * stream continues only while the client takes the output. */
void http_call_stream(struct http_call *call, const struct http_answer *answer,
                      struct http_stream stream, int64_t now);

/* Called by a handler that needs no more of the body and answers later. */
void http_call_hold(struct http_call *call);

#endif
