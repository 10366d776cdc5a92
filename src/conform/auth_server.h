/* SPDX-License-Identifier: MIT */
/*
 * Owns: an auth server for cases, in a process of its own. The case decides what it answers: the
 * secret itself is the body of the answer. When a secret is asked for a second time, the server
 * answers 500: nsqd must not ask twice. Must not know: NSQ.
 */
#ifndef CONFORM_AUTH_SERVER_H
#define CONFORM_AUTH_SERVER_H

#include <sys/types.h>

#include "base/buf.h"
#include "shell/socket.h"

/* Starts an auth server at a free port of 127.0.0.1. Returns its process id, which the caller
 * kills; 0: it could not be started. */
pid_t auth_server_start(char address[SOCKET_ADDRESS_MAX]);

/* Whether `in` holds a whole HTTP request. */
bool auth_server_has_request(struct span in);

/* The answer to an HTTP request; `seen` holds the secrets that were asked for before. */
void auth_server_answer(struct span request, struct buf *seen, struct buf *out);

#endif
