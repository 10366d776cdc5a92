/* SPDX-License-Identifier: MIT */
/*
 * Owns: the context that TLS connections share (struct tls), as OpenSSL needs it. Only tls.c and
 * tls_context.c may include this.
 * Must not know: a single connection.
 */
#ifndef CODEC_TLS_CONTEXT_H
#define CODEC_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "codec/tls.h"

/* Bytes of certificates that a peer may send. Stops a peer that sends certificates without end. Go
 * has the same limit for a message of the handshake. */
#define TLS_CERTIFICATES_MAX 65536

struct tls {
    SSL_CTX *ssl;
    BIO_METHOD *io; /* how OpenSSL reads and writes a codec's bytes */
    size_t users;   /* the codecs that use it, and its owner until tls_free */
};

/* Gives up one use. The last one frees the context. */
void tls_release(struct tls *tls);

/* Makes a kind of BIO through which OpenSSL reads and writes a codec's bytes. The data of such a
 * BIO is the codec. NULL: no memory. It is in tls.c. */
BIO_METHOD *tls_io_new(void);

#endif
