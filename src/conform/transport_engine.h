/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a case against an engine in this process, on virtual time. The input is cut into
 * pieces as a plan says, and a trace shows the output after each piece. Must not know: what a step
 * expects.
 */
#ifndef CONFORM_TRANSPORT_ENGINE_H
#define CONFORM_TRANSPORT_ENGINE_H

#include "conform/player.h"
#include "engine/engine.h"

/* At this address the engine finds an auth server (conform/auth_server.h). At any other address its
 * connections are refused. */
#define ENGINE_TRANSPORT_AUTH "127.0.0.1:2"

/* Where the input of a case is cut. An offset counts the bytes that all connections send. */
struct cut_plan {
    bool every_byte;
    size_t cuts[2]; /* before these bytes; 0: no cut */
};

/* The output when the engine had received `offset` bytes of input. */
struct trace_point {
    uint64_t offset;
    uint64_t output; /* bytes of output on all connections */
    uint64_t hash;   /* of these bytes */
};

/* A connection that the engine opens, to its auth server. */
struct engine_outbound {
    uint64_t id; /* the engine's number for it; 0: unused */
    struct buf in;
    struct buf out;
    bool answered;
};

struct engine_transport {
    struct player *player; /* receives the output */
    struct engine *engine;
    struct tcp_handler handler;
    struct cut_plan plan;
    int64_t now;
    size_t offset;                  /* bytes sent so far */
    uint64_t ids[PLAYER_CONNS_MAX]; /* the engine's numbers for them; 0: closed */
    struct buf rest[PLAYER_CONNS_MAX];
    bool eof[PLAYER_CONNS_MAX]; /* the client has ended its output; the engine is told behind `rest`
                                 */
    struct engine_outbound outbound[PLAYER_CONNS_MAX];
    struct buf secrets; /* that the auth server was asked for */
    uint64_t hashes[PLAYER_CONNS_MAX];
    uint64_t output;
    struct buf trace; /* struct trace_point, one after each piece of input */
};

/* Makes an engine with this configuration. Free it with engine_transport_free. */
void engine_transport_init(struct engine_transport *t, struct player *player,
                           const struct engine_config *config, const struct cut_plan *plan);
void engine_transport_free(struct engine_transport *t);

/* The calls for the player, which borrows `t`. */
struct transport engine_transport_calls(struct engine_transport *t);

#endif
