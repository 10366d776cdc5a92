/* SPDX-License-Identifier: MIT */
/*
 * Owns: a connection that goes on through a proxy decoded: the proxy is the server's end of TLS,
 * snappy and deflate to the client, and the client's end to the server. It puts on what the answer
 * to an IDENTIFY announces, on each side when that has come so far. Must not know: sockets, and
 * what becomes of what was said.
 *
 *     client --raw--> from_client --> asked, and to_server
 *     server --raw--> from_server --> (held) --next--> a part of what it said, and to_client
 */
#ifndef CONFORM_RELAY_H
#define CONFORM_RELAY_H

#include "conform/wire.h"

#define RELAY_UPGRADES_MAX 2 /* TLS, and a compression upon it */

/* What is sent to whom; the caller takes it out. */
struct relay_out {
    struct buf client;
    struct buf server;
};

struct relay {
    struct tls *tls;     /* for clients, borrowed; NULL: there is no certificate */
    struct wire client;  /* where the proxy is the server's end */
    struct wire server;  /* and the client's */
    struct buf framed;   /* from the server, decoded, not a whole frame yet */
    struct buf answered; /* whole frames that were not passed on */
    struct step upgrades[RELAY_UPGRADES_MAX]; /* that were announced */
    size_t announced;
    size_t put_on;                    /* of them, towards the server */
    size_t passed_on;                 /* and towards the client */
    size_t marks[RELAY_UPGRADES_MAX]; /* bytes of `answered` before each that was put on */
    struct buf unsaid;                /* for the server, during its handshake */
    const char *broken;               /* NULL: all is well */
    bool lost; /* a client said something past what was put on: it was left out */
};

/* All zeros, with `tls` set, is a connection that was just opened. */
void relay_free(struct relay *relay);

/* Bytes came from the client; what they mean is appended to `asked`. */
void relay_from_client(struct relay *relay, struct span bytes, struct buf *asked,
                       struct relay_out *out);

/* Bytes came from the server; what they mean is held. */
void relay_from_server(struct relay *relay, struct span bytes, struct relay_out *out);

/* No more comes from the server: what is no whole frame counts as it is. */
void relay_server_over(struct relay *relay);

/* What is passed on next. */
enum relay_part { RELAY_NOTHING, RELAY_BYTES, RELAY_UPGRADE };

/* Passes a part on: appended to `said`, which was empty; or *upgrade (borrowed) was put on. NOTHING
 * while the client is in its handshake. */
enum relay_part relay_next(struct relay *relay, struct buf *said, const struct step **upgrade,
                           struct relay_out *out);

/* Appends the last words of what is on. */
void relay_finish_client(struct relay *relay, struct relay_out *out);
void relay_finish_server(struct relay *relay, struct relay_out *out);

#endif
