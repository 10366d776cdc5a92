/* SPDX-License-Identifier: MIT */
/*
 * Owns: the fields of the context that TLS connections share (struct tls). Only tls.c and
 * tls_context.c may include this header.
 * Must not know: the state of a single connection.
 */
#ifndef CODEC_TLS_CONTEXT_H
#define CODEC_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "codec/tls.h"

/* How many bytes of certificates a peer may send. Without this limit, a peer could send
 * certificates without end. Go has the same limit for a message of the handshake. */
#define TLS_CERTIFICATES_MAX 65536

struct tls {
    SSL_CTX *ssl;
    BIO_METHOD *io; /* the functions with which OpenSSL reads and writes the bytes of a codec */
    size_t users;   /* codecs that use the context, plus 1 until its owner calls tls_free */
};

/* Subtracts one from `users`. Frees the context when `users` becomes 0. */
void tls_release(struct tls *tls);

/* Makes a BIO_METHOD. With a BIO of this kind, OpenSSL reads and writes the bytes of a codec. The
 * data pointer of the BIO is the codec. Returns NULL if there is no memory. The function is in
 * tls.c. */
BIO_METHOD *tls_io_new(void);

#endif
