/* SPDX-License-Identifier: MIT */
/*
 * Owns: the loads of the gates: what one peer may do that is much work for a server. Each is
 * prepared first, which is not measured, and then happens at once. Must not know: what is measured.
 */
#ifndef TESTS_SOAK_GATE_LOADS_H
#define TESTS_SOAK_GATE_LOADS_H

#include "soak/gate_crowd.h"
#include "soak/scene.h"

#define GATE_CLIENTS 2 /* of one load, besides its crowd */

struct load;

/* How a load is prepared, happens, and is over as far as its clients can see. */
struct load_kind {
    void (*prepare)(struct load *l);
    void (*act)(struct load *l);
    bool (*is_over)(const struct load *l);
};

struct load_size {
    const struct load_kind *kind;
    uint64_t messages;
    unsigned channels; /* or connections */
};

struct load {
    struct load_size size;
    struct scene *scene;
    struct client *clients; /* GATE_CLIENTS of the scene's */
    struct crowd crowd;
};

extern const struct load_kind load_none;     /* an idle server */
extern const struct load_kind load_mpub;     /* one MPUB of one-byte messages to many channels */
extern const struct load_kind load_pubs;     /* small PUBs to many channels, in 64 KiB of input */
extern const struct load_kind load_deferred; /* an ephemeral channel ends: its last consumer left */
extern const struct load_kind load_first;    /* a SUB makes the first channel of a full topic */
extern const struct load_kind load_handshakes; /* handshakes that the clients do not finish */
extern const struct load_kind load_bodies;     /* 1 MiB to the consumers of many channels */
extern const struct load_kind load_identify;   /* IDENTIFY bodies of `messages` bytes of JSON */
/* AUTH with answers that are much work, and PUBs to `messages` topics */
extern const struct load_kind load_tokens, load_classes, load_matches;
/* `messages` times POST /pub on each of many connections at once */
extern const struct load_kind load_posts;
/* GET /stats of `messages` topics with `channels` channels, by a few clients at once */
extern const struct load_kind load_stats;
extern const struct load_kind load_shares; /* MPUBs until a number of messages waits in channels */

/* Prepares a load of the scene. `clients`: unused ones. */
void load_begin(struct load *l, const struct load_size *size, struct scene *scene,
                struct client *clients);
void load_turn(struct load *l);
void load_end(struct load *l);

#endif
