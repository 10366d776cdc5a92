/* SPDX-License-Identifier: MIT */
/*
 * Owns: many plain connections to a server, of which only counts are kept: how many bytes have
 * arrived, and on how many connections. Must not know: what the bytes mean.
 */
#ifndef TESTS_SOAK_GATE_CROWD_H
#define TESTS_SOAK_GATE_CROWD_H

#include <nsq/span.h>

#include <stdbool.h>
#include <stdint.h>

struct crowd {
    int epoll; /* readable when a connection is */
    int *fds;
    bool *heard; /* whether bytes have arrived since crowd_watch */
    size_t n;
    size_t heard_count;
    size_t ended_count; /* connections that the server has ended */
    uint64_t bytes;
    bool broken;  /* the server has ended a connection */
    bool may_end; /* the server may end a connection; then the connection counts as heard */
};

/* Connects once, sends the bytes, waits for one frame and leaves. Ends this process if that fails.
 */
void crowd_visit(const char *address, struct span bytes);

/* The same, but the connection stays and is the next one of the crowd. */
void crowd_join(struct crowd *c, const char *address, struct span bytes);

/* Connects, and sends nothing; the connection is the next one of the crowd. */
void crowd_add(struct crowd *c, const char *address);

/* From now on arriving bytes are counted. */
void crowd_watch(struct crowd *c);

/* Sends the bytes on all connections. They must fit into the sockets. */
void crowd_say(struct crowd *c, struct span bytes);

/* Reads what has arrived, without waiting. */
void crowd_turn(struct crowd *c);

void crowd_free(struct crowd *c);

#endif
