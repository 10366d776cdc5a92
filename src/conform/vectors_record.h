/* SPDX-License-Identifier: MIT */
/*
 * Owns: one play of a case against an engine in this process, byte by byte on virtual time, as a
 * list of events: what every connection sent and got, how many bytes of input had gone in by then,
 * and when. Must not know: how that is written down.
 */
#ifndef CONFORM_VECTORS_RECORD_H
#define CONFORM_VECTORS_RECORD_H

#include "conform/transport_engine.h"

enum vector_kind {
    VECTOR_CONNECT, /* what the client does */
    VECTOR_SEND,
    VECTOR_END,
    VECTOR_CLOSE,
    VECTOR_RESET,
    VECTOR_FRAME, /* what the server does */
    VECTOR_CLOSED,
};

struct vector_event {
    enum vector_kind kind;
    size_t conn;
    size_t after;  /* bytes that all connections had sent */
    int64_t ms;    /* since the case began */
    size_t offset; /* SEND, FRAME: its bytes in the record's `bytes` */
    size_t size;
};

struct vector_record {
    struct player player;
    struct engine_transport engine;
    struct transport calls; /* the engine's, which it hands everything on to */
    int64_t start;
    size_t sent;                       /* bytes of input so far */
    size_t seen[PLAYER_CONNS_MAX];     /* bytes that had come before a call */
    bool closed[PLAYER_CONNS_MAX];     /* written down already */
    struct buf part[PLAYER_CONNS_MAX]; /* of a frame */
    struct buf events;                 /* of struct vector_event */
    struct buf bytes;
};

/* Plays the case. `record` must stay where it is until vector_record_free. */
void vector_record_play(struct vector_record *record, const struct engine_config *config,
                        const struct transcript *file, struct span names);
void vector_record_free(struct vector_record *record);

size_t vector_record_count(const struct vector_record *record);
struct vector_event vector_record_event(const struct vector_record *record, size_t i);
struct span vector_record_bytes(const struct vector_record *record,
                                const struct vector_event *event);

#endif
