/* SPDX-License-Identifier: MIT */
/*
 * Owns: a whole nsqlookupd for tests, with virtual time and clients without sockets. It drives the
 * service as the shell does, by the round of serve/drive.h. Must not know what is registered.
 *
 *     struct lookup_stage *s = lookup_stage_begin(NULL);
 *     size_t c = lookup_stage_open(s, LOOKUP_TCP);
 *     lookup_stage_send(s, c, SPAN("  V1PING\n"));
 *     lookup_stage_expect(s, c, "OK; ");
 *     lookup_stage_end(s);
 *
 * Everything that can follow at the same time has happened when a function returns.
 */
#ifndef TESTS_SUPPORT_LOOKUP_STAGE_H
#define TESTS_SUPPORT_LOOKUP_STAGE_H

#include "lookup/lookup_service.h"

#define LOOKUP_STAGE_CLIENTS 16

struct lookup_stage_client {
    uint64_t conn;   /* 0: it is closed */
    struct buf rest; /* sent, but not consumed yet */
    struct buf in;   /* received since the last expectation */
    bool shut;       /* the server has shut down writing, or has closed */
    bool ended;      /* the client sends nothing more */
    bool eof_told;
    bool stalled; /* it takes no output */
};

struct lookup_stage {
    struct lookup_service *service;
    struct tcp_handler handler;
    int64_t now;
    size_t cut; /* input is offered in pieces of this many bytes; 0: whole */
    struct lookup_stage_client clients[LOOKUP_STAGE_CLIENTS];
    size_t count;
    size_t rounds;  /* of the last call */
    struct buf log; /* lines "LEVEL: text\n" since lookup_stage_expect_log */
    struct buf text;
};

/* The configuration of a stage: the defaults, with names, ports and a fixed seed. */
struct lookup_config lookup_stage_config(void);

/* `config` NULL: lookup_stage_config(). lookup_stage_end checks that all memory was given back. */
struct lookup_stage *lookup_stage_begin(const struct lookup_config *config);
void lookup_stage_end(struct lookup_stage *s);

/* Opens a connection and returns its index. Client i has the address "10.0.0.1:i", i from 0. */
size_t lookup_stage_open(struct lookup_stage *s, unsigned listener);

/* The client sends bytes, ends its input, is lost, or takes no output from now on. */
void lookup_stage_send(struct lookup_stage *s, size_t client, struct span bytes);
void lookup_stage_eof(struct lookup_stage *s, size_t client);
void lookup_stage_lose(struct lookup_stage *s, size_t client);
void lookup_stage_stall(struct lookup_stage *s, size_t client, bool stalled);

/* Breaks the connection that was opened last, and forgets its client. So a test may have more than
 * LOOKUP_STAGE_CLIENTS clients, one after the other. */
void lookup_stage_forget(struct lookup_stage *s);

/* Lets `ns` pass. */
void lookup_stage_advance(struct lookup_stage *s, int64_t ns);

/* Opens a connection, and sends the magic and an IDENTIFY with this broadcast address. Returns its
 * index; the reply was checked. */
size_t lookup_stage_join(struct lookup_stage *s, const char *host);

/* Registers the client for topic "t" and `count` channels of it: "c0", "c1" and so on. */
void lookup_stage_fill(struct lookup_stage *s, size_t client, int count);

/* What the client has received since the last call is this. For V1: the data of each reply,
 * followed by "; ". "<" at the end: the server has shut down writing. */
void lookup_stage_expect(struct lookup_stage *s, size_t client, const char *expected);

/* The raw bytes that were received since the last call, as a string that lives until the next
 * call. */
const char *lookup_stage_bytes(struct lookup_stage *s, size_t client);

/* The log since the last call is this. */
void lookup_stage_expect_log(struct lookup_stage *s, const char *expected);
const char *lookup_stage_log(struct lookup_stage *s); /* valid until the next call */
void lookup_stage_forget_log(struct lookup_stage *s);

#endif
