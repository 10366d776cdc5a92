/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the scenarios of overload have in common: a server, the probe beside it, connections
 * that load it, and the checks at the end. Must not know: the load.
 */
#ifndef TESTS_SOAK_SCENE_H
#define TESTS_SOAK_SCENE_H

#include "bench/peer.h"
#include "soak/probe.h"
#include "soak/server.h"

#define SCENE_MIB 1024                 /* KiB */
#define SCENE_LIMIT (30 * TIME_SECOND) /* for what must come about by itself */

struct client {
    struct peer peer;
    int64_t due;    /* when it does its next thing */
    uint64_t said;  /* commands, or bytes */
    uint64_t heard; /* responses */
    uint64_t errors;
    uint64_t messages;
};

struct scene {
    const char *name;
    struct peers peers;
    struct server server;
    struct probe probe;
    struct client *clients;
    size_t count;
    int64_t end;
    bool probing;
    char why[160]; /* what failed first */
};

/* An empty scene, in which no connection ends before its time. */
void scene_begin(struct scene *s, const char *name);

/* Counts, and answers heartbeats. For `peers`, whose users are clients. */
void scene_on_frame(struct peer *p, const struct nsq_frame *frame);

/* Starts the server and `count` clients' memory. */
void scene_start(struct scene *s, const char *program, const char *const *flags,
                 unsigned descriptors, size_t count);

/* The probe begins, and with it the time of the scenario. */
void scene_probe(struct scene *s, int64_t ns, bool circling);

bool scene_open(struct scene *s, struct client *c);

/* One round of a ms or less. False when the time of the scenario is over. */
bool scene_turn(struct scene *s);

/* Until a client has heard so many responses. */
void scene_wait(struct scene *s, const struct client *c, uint64_t heard);

void scene_run_ms(struct scene *s, int64_t ms);

/* Notes what failed, unless something did before. */
void scene_fail(struct scene *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* KiB that the server has resident now; 0: it is gone. */
int64_t scene_resident(const struct scene *s);

/* What comes again takes no more memory than it did before, but for `slack` KiB: else some of it is
 * not given back, too little to show in the peak. */
void scene_check_growth(struct scene *s, int64_t before, int64_t slack);

/* Checks what must be true of all, the server's peak of memory too, prints the line and frees
 * everything. */
bool scene_finish(struct scene *s, int64_t most_kib, const char *figures);

#endif
