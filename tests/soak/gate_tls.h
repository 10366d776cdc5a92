/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the load of half-open TLS handshakes needs: a server's key with its certificate, and
 * the first message of a client. Must not know: the server.
 */
#ifndef TESTS_SOAK_GATE_TLS_H
#define TESTS_SOAK_GATE_TLS_H

#include "base/buf.h"

/* Writes the certificate and the RSA key into one file. Ends this process if that fails. */
void gate_tls_key(const char *path, unsigned bits);

/* Appends a ClientHello. */
void gate_tls_hello(struct buf *out);

#endif
