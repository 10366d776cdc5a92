/* SPDX-License-Identifier: MIT */
/*
 * Owns: an auth server, in a process of its own, and the answers that are much work for a server.
 * Must not know: the clients.
 */
#ifndef TESTS_SOAK_GATE_AUTH_H
#define TESTS_SOAK_GATE_AUTH_H

#include <nsq/span.h>
#include <sys/types.h>

/* The secrets that the auth server knows. Each allows everything. */
#define GATE_AUTH_PLAIN "plain"     /* with a short answer */
#define GATE_AUTH_TOKENS "tokens"   /* 1 MiB in which almost each byte is a token of JSON */
#define GATE_AUTH_CLASSES "classes" /* 1 MiB, with patterns that take long to compile */
#define GATE_AUTH_MATCHES "matches" /* 1 MiB, with patterns that take long to match */

#define GATE_AUTH_NAME_SIZE 64

struct gate_auth {
    pid_t pid;
    char address[32];
};

/* Starts the auth server. Ends this process if that fails. It ends together with this process. */
void gate_auth_start(struct gate_auth *auth);
void gate_auth_end(struct gate_auth *auth);

/* Writes the n-th of the topics for which the patterns of GATE_AUTH_MATCHES take longest. */
void gate_auth_topic(char name[GATE_AUTH_NAME_SIZE + 1], unsigned n);

#endif
