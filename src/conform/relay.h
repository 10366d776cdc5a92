/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codecs of one connection through a proxy. The proxy is the server's end of TLS, snappy
 * and deflate towards the client, and the client's end towards the server. On each side it enables
 * the codecs that the answer to an IDENTIFY announces, when that side has come so far. Must not
 * know: sockets, and what is done with the decoded bytes.
 *
 *     client --bytes--> relay_from_client --> `commands`, decoded; and encoded to the server
 *     server --bytes--> relay_from_server --> held, decoded
 *                       relay_next        --> a part of what is held; and encoded to the client
 */
#ifndef CONFORM_RELAY_H
#define CONFORM_RELAY_H

#include "conform/wire.h"

#define RELAY_UPGRADES_MAX 2 /* TLS, then one compression */

/* Bytes that are to be sent to each side; the caller takes them out. */
struct relay_out {
    struct buf client;
    struct buf server;
};

struct relay {
    struct tls *tls;     /* the server's end for clients; borrowed; NULL: no certificate */
    struct wire client;  /* codecs towards the client */
    struct wire server;  /* codecs towards the server */
    struct buf framed;   /* from the server, decoded: the beginning of a frame */
    struct buf answered; /* from the server: whole frames that were not passed on yet */
    struct step upgrades[RELAY_UPGRADES_MAX]; /* the codecs that were announced */
    size_t announced;
    size_t enabled_at_server; /* how many of them are enabled towards the server */
    size_t enabled_at_client; /* and towards the client */
    size_t upgrade_offsets[RELAY_UPGRADES_MAX]; /* bytes of `answered` that come before each one */
    struct buf unsent_to_server;                /* kept during the handshake with the server */
    const char *broken;                         /* NULL: all is well */
    bool lost; /* the client sent bytes that its codecs cannot decode */
};

/* All zeros, with `tls` set, is a new connection. */
void relay_free(struct relay *relay);

/* Bytes have come from the client. Appends them, decoded, to `commands`. */
void relay_from_client(struct relay *relay, struct span bytes, struct buf *commands,
                       struct relay_out *out);

/* Bytes have come from the server. They are decoded and held. */
void relay_from_server(struct relay *relay, struct span bytes, struct relay_out *out);

/* The server has closed: the beginning of a frame is passed on as it is. */
void relay_server_ended(struct relay *relay);

/* What was passed on. */
enum relay_part { RELAY_NOTHING, RELAY_BYTES, RELAY_UPGRADE };

/* Passes the next part on to the client. BYTES: they are appended to `decoded`, which was empty.
 * UPGRADE: *upgrade (borrowed) was enabled. NOTHING: nothing is held, or the client is in its
 * handshake. */
enum relay_part relay_next(struct relay *relay, struct buf *decoded, const struct step **upgrade,
                           struct relay_out *out);

/* Appends what the codecs send before the output ends, such as TLS's close_notify. */
void relay_finish_client(struct relay *relay, struct relay_out *out);
void relay_finish_server(struct relay *relay, struct relay_out *out);

#endif
