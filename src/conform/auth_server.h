/* SPDX-License-Identifier: MIT */
/*
 * Owns: an auth server for cases, in its own process. The answer's body is the secret that the
 * client sent. If the secret begins with "HTTP/", the secret is the whole answer, with its head. So
 * a case chooses the answer when it chooses the secret. When a secret arrives for the second time,
 * the server answers 500, because no case expects nsqd to ask a second time.
 * Must not know: NSQ.
 */
#ifndef CONFORM_AUTH_SERVER_H
#define CONFORM_AUTH_SERVER_H

#include <sys/types.h>

#include "base/buf.h"
#include "shell/socket.h"

/* Starts an auth server at a free TCP port of 127.0.0.1 and writes its address to `address`.
 * Returns the process id, or 0 if the server could not be started. The caller kills the process. */
pid_t auth_server_start(char address[SOCKET_ADDRESS_MAX]);

/* Returns true if `in` contains a whole HTTP request. */
bool auth_server_has_request(struct span in);

/* Appends the answer to an HTTP request to `out`. `seen` contains the secrets of earlier requests.
 */
void auth_server_answer(struct span request, struct buf *seen, struct buf *out);

#endif
