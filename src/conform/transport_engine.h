/* SPDX-License-Identifier: MIT */
/*
 * Owns: playing a case against a server in this process, on virtual time. The server is nsqd's
 * engine or nsqlookupd's service; "engine" means both here. A plan says where the
 * input is cut into pieces. A trace contains the output after each piece. Must not know: what a
 * step expects.
 */
#ifndef CONFORM_TRANSPORT_ENGINE_H
#define CONFORM_TRANSPORT_ENGINE_H

#include "conform/local_server.h"
#include "conform/player.h"

/* The engine finds an auth server (conform/auth_server.h) at this address. Connections to other
 * addresses are refused. */
#define ENGINE_TRANSPORT_AUTH "127.0.0.1:2"

/* The engine finds the scripted nsqlookupds, and the HTTP side of the first, at these addresses. */
#define ENGINE_TRANSPORT_LOOKUPD "127.0.0.1:3"
#define ENGINE_TRANSPORT_LOOKUPD2 "127.0.0.1:4"
#define ENGINE_TRANSPORT_LOOKUPD_HTTP "127.0.0.1:5"

/* Says where the input of a case is cut, and how much the engine may do in one call. A position is
 * a number of input bytes, counted over all connections together. */
struct cut_plan {
    bool compared;     /* the output is compared with the output of another plan. So
                          --output-gather-timeout is 0 in such a play. Otherwise the output would depend
                          on when the input comes */
    bool least_effort; /* each call of the engine has an allowance of one unit (base/effort.h) */
    bool every_byte;
    size_t every;   /* bytes: no piece is longer; 0: no limit */
    size_t cuts[2]; /* the input is cut before these bytes; 0: no cut */
};

/* The output of the engine after `offset` bytes of input. */
struct trace_point {
    uint64_t offset;
    uint64_t output; /* bytes of output on all connections */
    uint64_t hash;   /* hash of these bytes */
};

#define ENGINE_OUTBOUND_MAX 16 /* connections that the engine may have at the same time */

/* A connection that the engine opens to its auth server. */
struct engine_outbound {
    uint64_t id; /* the engine's number for the connection; 0: unused */
    struct buf in;
    struct buf out;
    bool answered;
};

#define ENGINE_BACKLOG_MAX 16 /* connections that wait to be accepted */

/* A connection that the engine has opened to a scripted nsqlookupd, and that no step has accepted
 * yet. */
struct engine_backlog {
    uint64_t id; /* the engine's number for the connection; 0: the engine has closed it */
    unsigned listener;
    struct buf in; /* what the engine has sent */
};

struct engine_transport {
    struct player *player; /* receives the output */
    struct local_server server;
    struct local_config config; /* of the engine, and of the next one after a restart */
    /* Makes the configuration for a restart with other flags. Returns false if nsqd would refuse
     * the flags; then `why` is the reason. make_config and `maker` must be set before a file with
     * such a step is played. */
    bool (*make_config)(void *maker, struct span flags, struct local_config *config,
                        struct buf *why);
    void *maker;
    struct cut_plan plan;
    int64_t now;
    size_t offset;                     /* bytes of input that all connections have sent */
    uint64_t ids[PLAYER_CONNS_MAX];    /* the engine's numbers for the connections; 0: closed */
    struct buf rest[PLAYER_CONNS_MAX]; /* input that the engine has not read yet */
    bool stopped[PLAYER_CONNS_MAX]; /* the client reads nothing: the output stays in the engine */
    bool eof[PLAYER_CONNS_MAX]; /* the client has closed its output; the engine learns this after it
                                   has read all of `rest` */
    struct engine_outbound outbound[ENGINE_OUTBOUND_MAX];
    struct engine_backlog backlog[ENGINE_BACKLOG_MAX]; /* in the order in which they were opened */
    size_t backlog_count;
    struct buf secrets; /* the secrets that the auth server has received */
    uint64_t hashes[PLAYER_CONNS_MAX];
    uint64_t output;
    struct buf trace; /* an array of struct trace_point: one for each piece of input */
};

/* Makes an engine with this configuration. The caller frees it with engine_transport_free. */
void engine_transport_init(struct engine_transport *t, struct player *player,
                           const struct local_config *config, const struct cut_plan *plan);
void engine_transport_free(struct engine_transport *t);

/* Returns the functions for the player, which borrows `t`. */
struct transport engine_transport_calls(struct engine_transport *t);

#endif
