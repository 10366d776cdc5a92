/* SPDX-License-Identifier: MIT */
/*
 * Owns: the codec for TLS (codec/codec.h). It uses OpenSSL. This server uses the server side for
 * its clients, and the client side for two kinds of requests: to auth servers, and to the target of
 * a redirect that an nsqlookupd has answered. The conformance kit uses both sides. Must not know:
 * sockets, files (the caller passes the content of files), NSQ.
 *
 * TLS versions 1.0 to 1.3 are possible. OpenSSL's security level is 0. So, like upstream's nsqd, a
 * server can use any certificate as its own. The certificate may be expired or self-signed, or
 * signed with SHA-1 or with a small RSA key. Renegotiation, compression and resumption of sessions
 * are switched off.
 */
#ifndef CODEC_TLS_H
#define CODEC_TLS_H

#include "codec/codec.h"

/* TLS versions, as numbers on the wire. In the settings below, 0 means that there is no limit. */
enum tls_version { TLS_1_0 = 0x0301, TLS_1_1 = 0x0302, TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

/* Which certificate a server requires from its clients. In brackets: the value of the flag
 * --tls-client-auth-policy. */
enum tls_clients {
    TLS_CLIENTS_ANY,      /* none: clients need no certificate (the empty value) */
    TLS_CLIENTS_SHOWN,    /* a certificate, which is not verified (require) */
    TLS_CLIENTS_VERIFIED, /* a certificate that an authority has signed (require-verify) */
};

/* The content of a PEM file. */
struct tls_pem {
    struct span bytes;
    const char *file; /* the name of the file, for error texts; NULL: there is no file */
};

struct tls_server_settings {
    struct tls_pem certificates; /* the server's own certificate, then the intermediate
                                  * certificates */
    struct tls_pem key;
    struct tls_pem authorities; /* authorities that may sign clients' certificates. If there is no
                                 * file, the authorities of the system are used. */
    enum tls_clients clients;
    int min_version; /* an enum tls_version, or 0 */
};

struct tls_client_settings {
    struct tls_pem certificates; /* the client's own certificate, then the intermediate
                                  * certificates. If there is no file, the client sends no
                                  * certificate. */
    struct tls_pem key;
    struct tls_pem authorities; /* authorities that may sign the server's certificate. If there is
                                 * no file, the authorities of the system are used. */
    bool verify;     /* whether the client checks the server's certificate and the name in it */
    int min_version; /* an enum tls_version, or 0 */
    int max_version; /* an enum tls_version, or 0 */
};

/* A context contains the certificates, the policy and the versions. All connections of a server, or
 * of a client, share one context. */
struct tls;

/* Makes the context of a server. The settings are borrowed during the call. The caller must call
 * tls_free. If there is an error, the function returns NULL and appends one line of text to `why`.
 * The line begins with Go's message, if Go has one. The name of the file and the expected content
 * follow in brackets. */
struct tls *tls_server_new(const struct tls_server_settings *settings, struct buf *why);

/* Makes the context of a client. Borrows the settings and reports errors as tls_server_new does. */
struct tls *tls_client_new(const struct tls_client_settings *settings, struct buf *why);

/* Frees the context. If codecs still use the context, the codecs stay valid, and the context is
 * freed together with the last of them. The caller must not use the context afterwards. `tls` may
 * be NULL. */
void tls_free(struct tls *tls);

/* Returns a maker of codecs for the server side of connections. The context must be valid as long
 * as the maker is used. */
struct codec_maker tls_server(struct tls *tls);

/* The same for HTTPS. A codec that gets the beginning of an HTTP request fails with the reason
 * CODEC_WHY_HTTP. */
struct codec_maker tls_https_server(struct tls *tls);

/* Makes a codec for the client side of a connection. The caller owns the codec. `server_name` is
 * the host name or the IP address of the server. `server_name` is borrowed during the call. If it
 * is NULL, the name in the server's certificate is not checked. */
struct codec tls_connect(struct tls *tls, const char *server_name);

#endif
