/* SPDX-License-Identifier: MIT */
/*
 * Owns: one play of a case against an engine in this process, byte by byte and on virtual time, as
 * a list of events: what every connection sent and received, how many bytes of input had been sent
 * before, and when.
 * Must not know: how the events are written.
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
    size_t after;  /* bytes that all connections together had sent before */
    int64_t ms;    /* milliseconds since the case began */
    size_t offset; /* SEND, FRAME: where its bytes are in the record's `bytes` */
    size_t size;   /* SEND, FRAME: how many they are */
};

struct vector_record {
    struct player player;
    struct engine_transport engine;
    struct transport calls;            /* the engine's; each call is passed on to them */
    int64_t start;                     /* ns: when the case began */
    size_t sent;                       /* bytes that all connections have sent so far */
    size_t seen[PLAYER_CONNS_MAX];     /* bytes received before the current call */
    bool closed[PLAYER_CONNS_MAX];     /* the event VECTOR_CLOSED has been added */
    struct buf part[PLAYER_CONNS_MAX]; /* a frame that has arrived in part */
    struct buf events;                 /* an array of struct vector_event */
    struct buf bytes;                  /* what was sent, and the frames */
};

/* Plays the case and fills the record. `names` is a prefix for topics and channels. `record` must
 * stay where it is until vector_record_free. */
void vector_record_play(struct vector_record *record, const struct engine_config *config,
                        const struct transcript *file, struct span names);
void vector_record_free(struct vector_record *record);

/* The events, in their order, and the bytes of one (borrowed from the record). */
size_t vector_record_count(const struct vector_record *record);
struct vector_event vector_record_event(const struct vector_record *record, size_t i);
struct span vector_record_bytes(const struct vector_record *record,
                                const struct vector_event *event);

#endif
