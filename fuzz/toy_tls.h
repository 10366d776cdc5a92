/* SPDX-License-Identifier: MIT */
/*
 * Owns: a toy in place of TLS, for fuzz targets, because OpenSSL's bytes are random. It has a
 * handshake with bytes of both sides, which may fail, and a stream, which may end or break. Bytes
 * below are hexadecimal.
 *
 *     client  16 n, then n more bytes   n modulo 4: 0, 3 the handshake succeeds, 1 it fails, 2 the
 *                                       client ends the stream
 *     server  02 after the n, then fe; or 15 if the handshake fails
 *     then    each byte is changed to another; ff is doubled; ff 00 ends the stream; any other byte
 *             after ff is an error, which a server reports with ff 15
 */
#ifndef FUZZ_TOY_TLS_H
#define FUZZ_TOY_TLS_H

#include "codec/codec.h"

#define TOY_HELLO 0x16
#define TOY_COST 512

/* Makes codecs for the server's end. */
struct codec_maker toy_tls_server(void);

/* The client's end, for decoding. The handshake fails at the first byte that a server would not
 * send, and that byte is not taken. */
struct codec toy_tls_client(void);

/* The client's end, for encoding what it sends after its handshake. */
struct codec toy_tls_speaker(void);

#endif
