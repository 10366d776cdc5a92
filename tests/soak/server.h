/* SPDX-License-Identifier: MIT */
/*
 * Owns: a server of this project as a process of its own on loopback: its start, its end, its
 * temporary data path. Must not know: the load.
 */
#ifndef TESTS_SOAK_SERVER_H
#define TESTS_SOAK_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    char address[32];
    char http[32]; /* the address of the HTTP API */
    char data[32];
    int64_t descriptors; /* open ones, without any client */
};

/* Starts `program` on a free port and waits until it answers. `flags`: further flags, ended by
 * NULL; may be NULL. `descriptors`: the limit of its file descriptors; 0: that of this process.
 * Ends this process if the start fails. The server ends together with this process. */
void server_start(struct server *s, const char *program, const char *const *flags,
                  unsigned descriptors);

/* Whether its process is still running. */
bool server_lives(const struct server *s);

/* Whether it answers a new client. */
bool server_answers(const struct server *s);

/* After all clients have left: whether no more descriptors are open than at the start. Waits for
 * that for a while. */
bool server_is_left(const struct server *s);

/* Sends SIGTERM. False: it does not exit in time, or its exit code is not 0. */
bool server_end(struct server *s);

#endif
