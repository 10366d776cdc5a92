/* SPDX-License-Identifier: MIT */
/*
 * Owns: a server of this project as a process of its own on loopback: its start, its end, its
 * temporary data path. Must not know: what is done to it.
 */
#ifndef TESTS_SOAK_SERVER_H
#define TESTS_SOAK_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    char address[32];
    char data[32];
    int64_t descriptors; /* open ones, without any client */
};

/* Starts `program` on a free port with further flags, NULL at their end, or NULL, and waits until
 * it answers. `descriptors`: how many it may have; 0: as many as this process. Ends this process
 * when that fails; the server ends with this process. */
void server_start(struct server *s, const char *program, const char *const *flags,
                  unsigned descriptors);

/* Whether its process has not ended. */
bool server_lives(const struct server *s);

/* Whether it answers a new client. */
bool server_answers(const struct server *s);

/* Whether, all clients gone, no more descriptors are open than at the start; waits for that. */
bool server_is_left(const struct server *s);

/* SIGTERM. False when it does not exit in time, or not with 0. */
bool server_end(struct server *s);

#endif
