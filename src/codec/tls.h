/* SPDX-License-Identifier: MIT */
/*
 * Owns: TLS as a codec (codec/codec.h), by OpenSSL. nsqd uses the server's side for its clients,
 * and the client's side for its own requests; the conformance kit uses the client's side too.
 * Must not know: sockets, files (the caller passes their bytes), NSQ.
 *
 * Versions 1.0 to 1.3 are possible. OpenSSL's security level is 0: like nsqd, a server uses any
 * certificate, also one that is expired, self-signed, or signed with SHA-1 or with a small RSA key.
 * There is no renegotiation, no compression and no resumption of sessions.
 */
#ifndef CODEC_TLS_H
#define CODEC_TLS_H

#include "codec/codec.h"

/* TLS versions, by their numbers on the wire. As a limit in the settings below, 0 means none. */
enum tls_version { TLS_1_0 = 0x0301, TLS_1_1 = 0x0302, TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

/* Which certificate a server wants from its clients: the values of nsqd's --tls-client-auth-policy.
 */
enum tls_clients {
    TLS_CLIENTS_ANY,      /* none (the empty policy) */
    TLS_CLIENTS_SHOWN,    /* any certificate; it is not verified (require) */
    TLS_CLIENTS_VERIFIED, /* one that is signed by an authority (require-verify) */
};

/* The content of a PEM file. */
struct tls_pem {
    struct span bytes;
    const char *file; /* the file's name, for error texts; NULL: there is no such file */
};

struct tls_server_settings {
    struct tls_pem certificates; /* the server's own, then those between it and its authority */
    struct tls_pem key;
    struct tls_pem authorities; /* authorities that may sign clients' certificates; without a file:
                                 * those of the system */
    enum tls_clients clients;
    int min_version; /* of enum tls_version */
};

struct tls_client_settings {
    struct tls_pem certificates; /* as above; without a file: the client shows no certificate */
    struct tls_pem key;
    struct tls_pem authorities; /* authorities that may sign the server's certificate; without a
                                 * file: those of the system */
    bool verify;     /* check the server's certificate, and that it is for the server's name */
    int min_version; /* of enum tls_version */
    int max_version;
};

/* What all connections of a server, or of a client, share: certificates, policy, versions. */
struct tls;

/* Make a server's or a client's context. The settings are borrowed for the call. The caller ends
 * the result with tls_free. On an error they return NULL and append one line of text to `why`: the
 * message of Go if Go has one, then in brackets the file and what was expected in it. */
struct tls *tls_server_new(const struct tls_server_settings *settings, struct buf *why);
struct tls *tls_client_new(const struct tls_client_settings *settings, struct buf *why);

/* Gives up the caller's use of the context. Codecs that were made with it stay valid. `tls` may be
 * NULL. */
void tls_free(struct tls *tls);

/* Returns a maker of server's sides of connections. The context must outlive the maker. */
struct codec_maker tls_server(struct tls *tls);

/* Makes the client's side of a connection. The caller owns it. `server_name` is the host name or
 * the IP address of the server; it is borrowed for the call. If it is NULL, the name in the
 * server's certificate is not checked. */
struct codec tls_connect(struct tls *tls, const char *server_name);

#endif
