/* SPDX-License-Identifier: MIT */
/*
 * Owns: an auth server for cases, in a process of its own. The case says what it answers: a secret
 * is itself the answer, once; asked for it again the server fails.
 */
#ifndef CONFORM_AUTH_SERVER_H
#define CONFORM_AUTH_SERVER_H

#include <sys/types.h>

#include "base/buf.h"
#include "shell/socket.h"

/* Starts one at a free port of 127.0.0.1. 0: it cannot be; else its process, which ends when it is
 * killed. */
pid_t auth_server_start(char address[SOCKET_ADDRESS_MAX]);

/* Whether all of an HTTP request has come. */
bool auth_server_has_request(struct span in);

/* The answer to an HTTP request; `seen` has the secrets that were asked for already. */
void auth_server_answer(struct span request, struct buf *seen, struct buf *out);

#endif
