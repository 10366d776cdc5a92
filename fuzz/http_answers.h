/* SPDX-License-Identifier: MIT */
/*
 * Owns: the answers of an HTTP server on one connection, read while their bytes arrive. It checks
 * that they are well formed. So no part of a request can add a line to an answer, or a second
 * answer. Must not know: requests, routes, the server.
 */
#ifndef FUZZ_HTTP_ANSWERS_H
#define FUZZ_HTTP_ANSWERS_H

#include <nsq/span.h>

#define HTTP_ANSWERS_LINE_MAX 4096 /* bytes of a line of a head that are kept */

enum http_answers_state {
    HTTP_ANSWERS_STATUS, /* before an answer, or in its first line */
    HTTP_ANSWERS_HEADER,
    HTTP_ANSWERS_BODY, /* `left` bytes of a body or of a chunk */
    HTTP_ANSWERS_SIZE, /* in the line with the size of a chunk */
    HTTP_ANSWERS_DATA_END,
    HTTP_ANSWERS_LAST_LINE,   /* the empty line behind the last chunk */
    HTTP_ANSWERS_UNTIL_CLOSE, /* the body ends with the connection */
};

/* A struct of zeros is ready for the first byte. */
struct http_answers {
    enum http_answers_state state;
    unsigned count;     /* answers that are complete, without "100 Continue" */
    unsigned continues; /* "100 Continue" */
    int status;         /* of the latest answer */
    bool head_only;     /* set by the caller: the next answer answers HEAD, so it has no body */
    bool closes;        /* the latest answer said that the connection ends */
    bool keeps;         /* HTTP/1.0: the latest answer said that the connection does not end */
    bool has_length;
    bool chunked;
    uint64_t left;
    size_t n;
    uint8_t line[HTTP_ANSWERS_LINE_MAX];
};

/* Takes bytes up to the end of an answer, or all of them. Returns how many were taken. The program
 * ends when the bytes cannot be a part of an answer. */
size_t http_answers_take(struct http_answers *answers, struct span in);

/* Whether no answer has begun that is not complete. */
bool http_answers_rest(const struct http_answers *answers);

#endif
