/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codecs of one connection that passes through a proxy. Towards the client, the proxy
 * does TLS, snappy and deflate as a server does. Towards the server, it does them as a client does.
 * The answer to an IDENTIFY announces the codecs. Some bytes of each side are sent before a codec
 * is enabled, so they are not encoded with it. The proxy first handles these bytes, and then
 * enables the codec. Must not know: sockets, and how the decoded bytes are used.
 *
 *     client --bytes--> relay_from_client --> decoded into `commands`, and encoded for the server
 *     server --bytes--> relay_from_server --> decoded and kept
 *                       relay_next        --> a part of the kept bytes, encoded for the client
 */
#ifndef CONFORM_RELAY_H
#define CONFORM_RELAY_H

#include "conform/wire.h"

#define RELAY_UPGRADES_MAX 2 /* TLS, then one compression */

/* At most this many decoded bytes of the server are kept for a client. The bytes of one call of
 * relay_from_client may decode to at most this many bytes. Without this limit, a frame that never
 * ends, or a small input that decodes to very many bytes, could fill the memory. */
#define RELAY_HELD_MAX ((size_t)64 << 20)

/* The bytes that the caller must send to each side. The caller removes them. */
struct relay_out {
    struct buf client;
    struct buf server;
};

struct relay {
    struct tls *tls;     /* the server's side of TLS; borrowed; NULL: there is no certificate */
    struct wire client;  /* the codecs towards the client */
    struct wire server;  /* the codecs towards the server */
    size_t magic_size;   /* how many bytes of its magic the client has sent */
    bool v1;             /* the client speaks V1, which has no frames and no codecs */
    struct buf framed;   /* the decoded beginning of a frame from the server */
    struct buf answered; /* whole frames that are not passed on yet */
    struct step upgrades[RELAY_UPGRADES_MAX]; /* the codecs that were announced */
    size_t announced;
    size_t enabled_at_server; /* how many of the announced codecs are enabled towards the server */
    size_t enabled_at_client; /* how many of the announced codecs are enabled towards the client */
    size_t upgrade_offsets[RELAY_UPGRADES_MAX]; /* each codec is enabled after this number of bytes
                                                   of `answered` */
    struct buf unsent_to_server; /* bytes that are kept during the handshake with the server */
    const char *broken;          /* why the relay cannot continue; NULL: the relay can continue */
    bool lost;                   /* the client sent bytes that its codecs cannot decode */
};

/* A struct of zeros, in which only `tls` is set, is a new connection. */
void relay_free(struct relay *relay);

/* Handles bytes from the client. Decodes them, and appends the decoded bytes to `commands`. Appends
 * to `out` the bytes that the caller must send. */
void relay_from_client(struct relay *relay, struct span bytes, struct buf *commands,
                       struct relay_out *out);

/* Handles bytes from the server. Decodes them and keeps them for relay_next. Appends to `out` the
 * bytes that the caller must send. */
void relay_from_server(struct relay *relay, struct span bytes, struct relay_out *out);

/* Tells the relay that the server has closed. If the last frame is incomplete, its bytes are passed
 * on unchanged. */
void relay_server_ended(struct relay *relay);

/* What relay_next has passed on. */
enum relay_part { RELAY_NOTHING, RELAY_BYTES, RELAY_UPGRADE };

/* Passes the next part on to the client. RELAY_BYTES: bytes were passed on, and they are appended
 * to `decoded`, which must be empty before the call. RELAY_UPGRADE: the codec *upgrade (borrowed)
 * was enabled for the client. RELAY_NOTHING: no bytes are kept, or the handshake with the client is
 * not complete. */
enum relay_part relay_next(struct relay *relay, struct buf *decoded, const struct step **upgrade,
                           struct relay_out *out);

/* These functions append to `out` the bytes that the codecs send before the output is closed, for
 * example TLS's close_notify. relay_finish_client does this for the output to the client, and
 * relay_finish_server for the output to the server. */
void relay_finish_client(struct relay *relay, struct relay_out *out);
void relay_finish_server(struct relay *relay, struct relay_out *out);

#endif
