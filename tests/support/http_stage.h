/* SPDX-License-Identifier: MIT */
/*
 * Owns: a stage for tests of http_client: one client on a serve without listeners, virtual time,
 * and servers that the test plays. The owner of all fetches is the stage: it takes up each one that
 * is done, and adds its outcome to a text. Must not know: what is asked, NSQ.
 *
 *     struct http_stage *s = http_stage_begin(NULL);
 *     http_stage_fetch(s, "http://h:1/x");
 *     http_stage_accept(s);
 *     http_stage_send(s, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"));
 *     http_stage_expect_outcome(s, SPAN("200 abc; "));
 *     http_stage_end(s);
 *
 * Everything that can follow at the same time has happened when a function returns.
 */
#ifndef TESTS_SUPPORT_HTTP_STAGE_H
#define TESTS_SUPPORT_HTTP_STAGE_H

#include "http/http_client.h"
#include "serve/serve.h"
#include "serve/stack.h"

#define HTTP_STAGE_BODY_MAX 1000
#define HTTP_STAGE_CONNECTIONS_MAX 4

/* A connection that the client asks for and that is not made yet. */
struct http_stage_wanted {
    uint64_t conn;
    struct buf address;
};

struct http_stage {
    struct log log;
    struct budget budget;
    struct serve serve;
    struct tcp_handler handler;
    struct http_client client;
    int64_t now;
    struct http_stage_wanted wanted[HTTP_STAGE_CONNECTIONS_MAX]; /* the oldest first */
    size_t wanted_count;
    uint64_t conn;       /* the latest that was made; 0: it is closed */
    struct stack *stack; /* the server's codecs, the stage's own; NULL: none */
    struct buf heard;    /* what the server has received, decoded */
    struct buf outcome;
};

/* Timeouts as nsqd's, HTTP_STAGE_BODY_MAX, Accept: text/x, no TLS. */
struct http_client_config http_stage_config(void);

/* `config` NULL: http_stage_config(). The caller ends the stage with http_stage_end, which checks
 * that all memory was given back to the budget. */
struct http_stage *http_stage_begin(const struct http_client_config *config);
void http_stage_end(struct http_stage *stage);

/* Rounds of serve/drive.h until nothing is left to do; http_stage_advance lets `ns` pass before. */
void http_stage_settle(struct http_stage *stage);
void http_stage_advance(struct http_stage *stage, int64_t ns);

/* Begins a fetch. The pointer is valid until the fetch is done. */
struct http_fetch *http_stage_fetch(struct http_stage *stage, const char *url);

/* The oldest connection that the client asks for: it goes to this address; it is made; it fails for
 * a reason. */
void http_stage_expect_dialled(const struct http_stage *stage, struct span address);
void http_stage_accept(struct http_stage *stage);
void http_stage_refuse(struct http_stage *stage, struct span why);

/* The server of the latest connection sends bytes, ends its output, or is lost. */
void http_stage_send(struct http_stage *stage, struct span bytes);
void http_stage_eof(struct http_stage *stage);
void http_stage_lose(struct http_stage *stage);

/* All that this server has received. */
void http_stage_expect_heard(const struct http_stage *stage, struct span expected);

/* The outcomes since the last call, each as "STATUS BODY; " or "- REASON; ". */
void http_stage_expect_outcome(struct http_stage *stage, struct span expected);

#define HTTP_STAGE_REQUEST(target, host)                                                           \
    "GET " target " HTTP/1.1\r\nHost: " host                                                       \
    "\r\nUser-Agent: Go-http-client/1.1\r\nAccept: text/x\r\nAccept-Encoding: gzip\r\n\r\n"
#define HTTP_STAGE_OK_ABC "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

/* Short forms for literals. */
#define SEND(s, literal) http_stage_send((s), SPAN(literal))
#define EXPECT_OUTCOME(s, literal) http_stage_expect_outcome((s), SPAN(literal))
#define EXPECT_NOTHING(s) http_stage_expect_outcome((s), SPAN(""))

#endif
