/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the overload scenarios share: a server, the probe, connections that load the server,
 * and the checks at the end. Must not know: the load.
 */
#ifndef TESTS_SOAK_SCENE_H
#define TESTS_SOAK_SCENE_H

#include "bench/peer.h"
#include "soak/probe.h"
#include "soak/server.h"
#include "soak/verdict.h"

#define SCENE_MIB 1024 /* KiB */
#define SCENE_LIMIT                                                                                \
    (30 * TIME_SECOND) /* the longest wait for something that must happen by itself */

struct client {
    struct peer peer;
    int64_t due;    /* when it acts next */
    uint64_t said;  /* commands or bytes sent */
    uint64_t heard; /* responses received */
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
    char why[160]; /* the first failure; empty: none */
};

/* Begins an empty scene. A connection that the server ends is a failure. */
void scene_begin(struct scene *s, const char *name);

/* Counts responses and answers heartbeats. For peers whose `user` is a struct client. */
void scene_on_frame(struct peer *p, const struct nsq_frame *frame);

/* Starts the server and allocates `count` clients. */
void scene_start(struct scene *s, const char *program, const char *const *flags,
                 unsigned descriptors, size_t count);

/* Starts the probe and the time of the scenario. */
void scene_probe(struct scene *s, int64_t ns, bool circling);

bool scene_open(struct scene *s, struct client *c);

/* One round of at most 1 ms. False: the time of the scenario is over. */
bool scene_turn(struct scene *s);

/* Runs until a client has received this many responses. */
void scene_wait(struct scene *s, const struct client *c, uint64_t heard);

void scene_run_ms(struct scene *s, int64_t ms);

/* Notes a failure, unless one is noted already. */
void scene_fail(struct scene *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Resident KiB of the server now. 0: it is gone. */
int64_t scene_resident(const struct scene *s);

/* Checks that a repeated load takes at most `slack` KiB more than before. Otherwise some memory is
 * not released, too little to show in the peak. */
void scene_check_growth(struct scene *s, int64_t before, int64_t slack);

/* Checks what must hold in every scenario, including the server's peak of memory, prints the line
 * and frees everything. */
enum verdict scene_finish(struct scene *s, int64_t most_kib, const char *figures);

#endif
