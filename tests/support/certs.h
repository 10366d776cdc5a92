/* SPDX-License-Identifier: MIT */
/*
 * Owns: the certificates of tests, made when a test program begins, with keys on P-256, which are
 * made quickly. Valid certificates are valid for a hundred years; the expired one expired in 2001.
 */
#ifndef TESTS_SUPPORT_CERTS_H
#define TESTS_SUPPORT_CERTS_H

#include "codec/tls.h"

/* A certificate with its chain up to the authority, and its key, as PEM files. */
struct cert {
    struct buf certificates;
    struct buf key;
    void *x509;
    void *pkey;
};

/* The properties of a certificate to make. */
struct cert_wish {
    const char *name;          /* the subject's common name; NULL: none */
    const char *alternatives;  /* as "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const struct cert *signer; /* NULL: self-signed */
    bool authority;
    bool expired;
    bool sha1;    /* signed with SHA-1 */
    int rsa_bits; /* 0: P-256 */
};

/* The certificates of all tests. */
struct certs {
    struct cert authority;       /* the tests' servers trust it */
    struct cert other_authority; /* nobody trusts it */
    struct cert server;          /* for localhost and 127.0.0.1 */
    struct cert client;          /* common name "client" */
    struct cert expired;         /* a client's; common name "expired" */
    struct cert stranger;        /* a client's, of the other authority; common name "stranger" */
    struct cert self_signed;     /* a client's; common name "self" */
};
extern struct certs certs;

/* cmocka's set-up and tear-down of a group: fills and empties `certs`. */
int certs_make_all(void **state);
int certs_free_all(void **state);

/* The caller ends it with cert_free. */
struct cert cert_make(const struct cert_wish *wish);
void cert_free(struct cert *cert);

/* The files of a certificate, for TLS settings. NULL: no files. */
struct tls_pem cert_pem(const struct cert *cert);
struct tls_pem cert_key_pem(const struct cert *cert);

/* A TLS context for a server, with certs.server, and one for a client. Both fail the test on an
 * error. The server trusts certs.authority. `cert` NULL: the client has no certificate. */
struct tls *cert_server(enum tls_clients clients, int min_version);
struct tls *cert_client(const struct cert *cert, int version);

/* One handshake in memory, without a limit of time. Under valgrind the first handshake of a program
 * takes seconds. A test whose handshakes have a limit calls this before, and before it forks. Needs
 * `certs`. */
void certs_warm_up(void);

#endif
