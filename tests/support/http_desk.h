/* SPDX-License-Identifier: MIT */
/*
 * Owns: a small HTTP server for tests of src/http, on virtual time and without sockets: its routes,
 * and clients that send bytes to it. Must not know NSQ.
 *
 *     GET  /ping           OK; the body is not read
 *     POST /echo           the body; it must not contain '!', which is answered with 413 at once
 *     POST /skip           an empty answer, when the body has arrived; 400 when it is broken
 *     GET  /param/:p       the parameter; PUT as well
 *     GET  /later          answered by http_desk_answer; POST as well, which reads one piece first
 *     GET  /stream?SIZE    a body of this many bytes, made by a stream in pieces of 7000
 *
 * The date is always HTTP_DESK_DATE: virtual time does not reach the next second, except in tests
 * of deadlines.
 */
#ifndef TESTS_SUPPORT_HTTP_DESK_H
#define TESTS_SUPPORT_HTTP_DESK_H

#include "http/http_server.h"

#define HTTP_DESK_DATE "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
#define HTTP_DESK_HIGH_WATER 100000

struct http_desk {
    struct log log;
    struct budget budget;
    struct effort effort;
    struct serve serve;
    struct tcp_handler handler;
    struct http_server server;
    struct http_server other; /* has the same routes, and shares the slots with `server` */
    struct http_slots slots;  /* without a limit, until a test sets one */
    struct listener listeners[2];
    int64_t now;
    uint64_t conn;          /* the latest connection; 0: it is closed */
    size_t cut;             /* input is offered in pieces of this many bytes; 0: whole */
    bool stalled;           /* the client takes no output */
    bool shut;              /* the server has shut down writing, or has closed */
    struct buf rest;        /* input that the server has not consumed yet */
    struct buf heard;       /* all output */
    struct buf logged;      /* the arguments of each answer that was logged */
    struct http_call *held; /* a call of /later that waits; NULL: none */
    unsigned streams;       /* how many streams there are */
    bool streams_fail;      /* from now on, the next piece of each stream fails */
    unsigned states;        /* how many calls have a state */
};

/* Effort of a call; 0: the usual one. */
struct http_desk *http_desk_begin(size_t effort);

/* Checks that all memory was given back. */
void http_desk_end(struct http_desk *desk);

/* Open a connection to `server` and to `other`; http_desk_begin has opened the first one. */
void http_desk_open(struct http_desk *desk);
void http_desk_open_other(struct http_desk *desk);

/* Sends bytes, the end of the input, or nothing but the passing of time; then does all that
 * follows. */
void http_desk_send(struct http_desk *desk, struct span bytes);
void http_desk_eof(struct http_desk *desk);
void http_desk_advance(struct http_desk *desk, int64_t ns);
void http_desk_settle(struct http_desk *desk);
/* The client, which was stalled, takes all output. */
void http_desk_wake(struct http_desk *desk);
void http_desk_lose(struct http_desk *desk);

/* Answers the call that is held with 200 and a text. */
void http_desk_answer(struct http_desk *desk, struct span text);

/* Everything that was received since the last call is this; "<" at its end: the connection is
 * closed or shut down. */
void http_desk_expect(struct http_desk *desk, struct span expected);
#define DESK_EXPECT(desk, literal) http_desk_expect((desk), SPAN(literal))

/* A conversation of one connection. `eof`: the client sends nothing more after `in`. */
struct http_desk_case {
    const char *rule;
    struct span in;
    struct span out;
    bool eof;
};

/* Runs a case with its input whole, byte by byte, and cut once at every place, and with one unit of
 * effort a call. */
void http_desk_check(const struct http_desk_case *c);

#endif
