/* SPDX-License-Identifier: MIT */
/*
 * Owns: a toy that stands where TLS does, for fuzz targets: OpenSSL's bytes are random. It has a
 * handshake that takes bytes of both sides and may fail, and a stream that may end or break.
 *
 *     client  16 n, n more bytes        n modulo 4: 0, 3 it is well, 1 it fails, 2 the client ends
 *     server  02 behind the n, then fe, or 15 when it fails
 *     then    each byte is another, ff is twice; ff 00 is the end, anything else behind ff fails,
 *             which a server says with ff 15
 */
#ifndef FUZZ_TOY_TLS_H
#define FUZZ_TOY_TLS_H

#include "codec/codec.h"

#define TOY_HELLO 0x16
#define TOY_COST 512

/* Makes the server's ends. */
struct codec_maker toy_tls_server(void);

/* The client's end, for what it hears: the handshake fails at the first byte that is none of a
 * server's, and that byte is not taken. */
struct codec toy_tls_client(void);

/* The client's end, for what it says behind its handshake. */
struct codec toy_tls_speaker(void);

#endif
