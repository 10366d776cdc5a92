/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a case against an engine in this process, on virtual time, with the input cut into
 * pieces as a plan says, and a trace of what had come after each piece.
 */
#ifndef CONFORM_TRANSPORT_ENGINE_H
#define CONFORM_TRANSPORT_ENGINE_H

#include "conform/player.h"
#include "engine/engine.h"

/* The address at which the engine finds an auth server like that of conform/auth_server.h; nobody
 * is at any other. */
#define ENGINE_TRANSPORT_AUTH "127.0.0.1:2"

/* Where the input of a case is cut. Offsets count all bytes that all its connections send. */
struct cut_plan {
    bool every_byte;
    size_t cuts[2]; /* before these bytes; 0: no cut */
};

/* What had come when `offset` bytes of input were in. */
struct trace_point {
    uint64_t offset;
    uint64_t output; /* bytes on all connections */
    uint64_t hash;   /* of them */
};

/* A connection that the engine makes. */
struct engine_outbound {
    uint64_t id; /* the engine's number; 0: none */
    struct buf in;
    struct buf out;
    bool answered;
};

struct engine_transport {
    struct player *player; /* whose connections it fills */
    struct engine *engine;
    struct tcp_handler handler;
    struct cut_plan plan;
    int64_t now;
    size_t offset;                  /* bytes sent so far */
    uint64_t ids[PLAYER_CONNS_MAX]; /* the engine's numbers; 0: closed */
    struct buf rest[PLAYER_CONNS_MAX];
    bool eof[PLAYER_CONNS_MAX]; /* to be told when the rest is consumed */
    struct engine_outbound outbound[PLAYER_CONNS_MAX];
    struct buf secrets; /* that were asked for */
    uint64_t hashes[PLAYER_CONNS_MAX];
    uint64_t output;
    struct buf trace; /* of struct trace_point, one behind each piece */
};

/* Makes an engine with this configuration. Ends with engine_transport_free. */
void engine_transport_init(struct engine_transport *t, struct player *player,
                           const struct engine_config *config, const struct cut_plan *plan);
void engine_transport_free(struct engine_transport *t);

/* What the player drives; borrowed. */
struct transport engine_transport_calls(struct engine_transport *t);

#endif
