/* SPDX-License-Identifier: MIT */
/*
 * Owns: what TLS connections share, as OpenSSL knows it. For tls.c alone.
 */
#ifndef CODEC_TLS_CONTEXT_H
#define CODEC_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "codec/tls.h"

/* Bytes of certificates that a peer may show. Stops the one that sends authorities without end; Go
 * takes handshake messages of so many bytes. */
#define TLS_CERTIFICATES_MAX 65536

struct tls {
    SSL_CTX *ssl;
    BIO_METHOD *io; /* how codecs hand OpenSSL their bytes */
    size_t users;   /* codecs, and whoever made it */
};

/* Gives up one use; the last one ends it. */
void tls_release(struct tls *tls);

/* How OpenSSL reads and writes the memory of a codec: a BIO whose data is the codec. tls.c has it.
 */
BIO_METHOD *tls_io_new(void);

#endif
