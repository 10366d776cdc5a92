/* SPDX-License-Identifier: MIT */
/*
 * Owns: one play of a case against an engine in this process, byte by byte and on virtual time, as
 * a list of events. An event says what a connection sent or received, when this happened, and how
 * many bytes of input all connections had sent before. Must not know: how the events are written.
 */
#ifndef CONFORM_VECTORS_RECORD_H
#define CONFORM_VECTORS_RECORD_H

#include "conform/transport_engine.h"

enum vector_kind {
    VECTOR_CONNECT, /* the client's actions: VECTOR_CONNECT to VECTOR_RESET */
    VECTOR_CONNECT_HTTP,
    VECTOR_SEND,
    VECTOR_END,
    VECTOR_CLOSE,
    VECTOR_RESET,
    VECTOR_FRAME, /* the server's actions: VECTOR_FRAME to VECTOR_CLOSED */
    VECTOR_HTTP,  /* a whole response of HTTP */
    VECTOR_CLOSED,
};

struct vector_event {
    enum vector_kind kind;
    size_t conn;
    size_t after;  /* bytes that all connections together had sent before the event */
    int64_t ms;    /* milliseconds since the case began */
    size_t offset; /* SEND, FRAME, HTTP: the event's bytes begin here in the record's `bytes` */
    size_t size;   /* SEND, FRAME, HTTP: how many bytes the event has */
};

struct vector_record {
    struct player player;
    struct engine_transport engine;
    struct transport calls;            /* the functions of `engine`, which the record calls */
    int64_t start;                     /* ns: when the case began */
    size_t sent;                       /* bytes that all connections together have sent */
    size_t seen[PLAYER_CONNS_MAX];     /* bytes that each connection had received when the
                                          transport was called last. Bytes behind them are new */
    bool closed[PLAYER_CONNS_MAX];     /* the list has an event VECTOR_CLOSED for this connection */
    struct buf part[PLAYER_CONNS_MAX]; /* a frame or response that is not whole */
    struct buf events;                 /* an array of struct vector_event */
    struct buf bytes;                  /* the bytes of the events SEND, FRAME and HTTP */
};

/* Plays the case and fills the record. `names` is the prefix of the names of topics and channels.
 * The record must not be moved before vector_record_free. */
void vector_record_play(struct vector_record *record, const struct local_config *config,
                        const struct transcript *file, struct span names);
void vector_record_free(struct vector_record *record);

/* vector_record_count returns the number of events. vector_record_event returns event number `i`,
 * from 0. vector_record_bytes returns the bytes of an event, borrowed from the record. */
size_t vector_record_count(const struct vector_record *record);
struct vector_event vector_record_event(const struct vector_record *record, size_t i);
struct span vector_record_bytes(const struct vector_record *record,
                                const struct vector_event *event);

#endif
