/* SPDX-License-Identifier: MIT */
/*
 * Owns: TLS as a codec (codec/codec.h), by OpenSSL: a server's end for nsqd, a client's for the kit
 * and for nsqd's own requests. Must not know: sockets, files (their bytes are handed in), NSQ.
 *
 * Versions 1.0 to 1.3. OpenSSL's security level is 0: a certificate is served as it is, be it
 * expired, self-signed, signed with SHA-1 or a small RSA key, as nsqd serves it. No renegotiation,
 * no compression, no resumption: no ticket is sent, no session kept.
 */
#ifndef CODEC_TLS_H
#define CODEC_TLS_H

#include "codec/codec.h"

/* The numbers on the wire; 0 where a limit is left open. */
enum tls_version { TLS_1_0 = 0x0301, TLS_1_1 = 0x0302, TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

/* What a server wants of its clients. */
enum tls_clients {
    TLS_CLIENTS_ANY,      /* no certificate: --tls-client-auth-policy= */
    TLS_CLIENTS_SHOWN,    /* a certificate, whoever signed it, expired too: require */
    TLS_CLIENTS_VERIFIED, /* one that an authority vouches for: require-verify */
};

/* A file in PEM. */
struct tls_pem {
    struct span bytes;
    const char *file; /* its name, for errors; NULL: there is no such file */
};

/* Everything is borrowed for the call of tls_server_new. */
struct tls_server_settings {
    struct tls_pem certificates; /* the server's own, then those that lead to its authority */
    struct tls_pem key;
    struct tls_pem authorities; /* who may vouch for clients; none: those of the system */
    enum tls_clients clients;
    int min_version;
};

struct tls_client_settings {
    struct tls_pem certificates; /* none: shows no certificate */
    struct tls_pem key;
    struct tls_pem authorities; /* who may vouch for servers; none: those of the system */
    bool verify; /* the server's certificate, and that it is for the name asked for */
    int min_version;
    int max_version;
};

/* What connections share: certificates, policy, versions. */
struct tls;

/* NULL, with one line of text appended to `why`, in Go's words where it has any, with the file and
 * what was expected of it in brackets. The caller ends the result with tls_free; codecs may outlive
 * that. */
struct tls *tls_server_new(const struct tls_server_settings *settings, struct buf *why);
struct tls *tls_client_new(const struct tls_client_settings *settings, struct buf *why);
void tls_free(struct tls *tls); /* NULL is allowed */

/* Makes a server's ends; borrows the context. */
struct codec_maker tls_server(struct tls *tls);

/* A client's end, for a server of this name (a host's, or an address; borrowed for the call). NULL:
 * the server has none, and only its authority is verified. The caller owns the codec. */
struct codec tls_connect(struct tls *tls, const char *server_name);

#endif
