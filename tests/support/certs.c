/* SPDX-License-Identifier: MIT */
/*
 * Makes the tests' certificates and keys with OpenSSL.
 */
#include "support/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

struct certs certs;

static void extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void take_pem(BIO *bio, struct buf *out)
{
    char *bytes;
    long n = BIO_get_mem_data(bio, &bytes);
    buf_append(out, span_make(bytes, (size_t)n));
    BIO_free(bio);
}

static X509 *sign(const struct cert_wish *wish, EVP_PKEY *key)
{
    static long serial;
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    ASN1_TIME_set_string(X509_getm_notBefore(x), "20000101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(x),
                         wish->expired ? "20010101000000Z" : "21000101000000Z");
    if (wish->name != NULL) {
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)wish->name,
                                   -1, -1, 0);
    }
    X509_set_pubkey(x, key);
    X509_set_issuer_name(x, wish->signer == NULL ? subject
                                                 : X509_get_subject_name(wish->signer->x509));
    extend(x, NID_basic_constraints, wish->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (wish->alternatives != NULL) {
        extend(x, NID_subject_alt_name, wish->alternatives);
    }
    assert_int_not_equal(X509_sign(x, wish->signer == NULL ? key : wish->signer->pkey,
                                   wish->sha1 ? EVP_sha1() : EVP_sha256()),
                         0);
    return x;
}

struct cert cert_make(const struct cert_wish *wish)
{
    struct cert cert = {.pkey = wish->rsa_bits > 0 ? EVP_RSA_gen((unsigned)wish->rsa_bits)
                                                   : EVP_EC_gen("P-256")};
    assert_non_null(cert.pkey);
    cert.x509 = sign(wish, cert.pkey);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, cert.x509), 1);
    take_pem(bio, &cert.certificates);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, cert.pkey, NULL, NULL, 0, NULL, NULL), 1);
    take_pem(bio, &cert.key);
    return cert;
}

void cert_free(struct cert *cert)
{
    buf_free(&cert->certificates);
    buf_free(&cert->key);
    X509_free(cert->x509);
    EVP_PKEY_free(cert->pkey);
    *cert = (struct cert){.x509 = NULL};
}

int certs_make_all(void **state)
{
    (void)state;
    struct certs *c = &certs;
    const struct cert *root = &c->authority;
    c->authority = cert_make(&(struct cert_wish){.name = "authority", .authority = true});
    c->other_authority = cert_make(&(struct cert_wish){.name = "other", .authority = true});
    c->server = cert_make(&(struct cert_wish){
        .name = "server", .alternatives = "DNS:localhost,IP:127.0.0.1", .signer = root});
    c->client = cert_make(&(struct cert_wish){.name = "client", .signer = root});
    c->expired = cert_make(&(struct cert_wish){.name = "expired", .signer = root, .expired = true});
    c->stranger = cert_make(&(struct cert_wish){.name = "stranger", .signer = &c->other_authority});
    c->self_signed = cert_make(&(struct cert_wish){.name = "self"});
    return 0;
}

int certs_free_all(void **state)
{
    (void)state;
    struct certs *c = &certs;
    struct cert *all[] = {&c->authority, &c->other_authority, &c->server,     &c->client,
                          &c->expired,   &c->stranger,        &c->self_signed};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        cert_free(all[i]);
    }
    return 0;
}

struct tls_pem cert_pem(const struct cert *cert)
{
    return cert == NULL ? (struct tls_pem){.file = NULL}
                        : (struct tls_pem){buf_span(&cert->certificates), "cert.pem"};
}

struct tls_pem cert_key_pem(const struct cert *cert)
{
    return cert == NULL ? (struct tls_pem){.file = NULL}
                        : (struct tls_pem){buf_span(&cert->key), "key.pem"};
}

static struct tls *made(struct tls *tls, struct buf *why)
{
    if (tls == NULL) {
        fail_msg("%.*s", (int)why->n, (const char *)buf_span(why).p);
    }
    return tls;
}

struct tls *cert_server(enum tls_clients clients, int min_version)
{
    struct buf why = {0};
    const struct tls_server_settings settings = {
        .certificates = cert_pem(&certs.server),
        .key = cert_key_pem(&certs.server),
        .authorities = cert_pem(&certs.authority),
        .clients = clients,
        .min_version = min_version,
    };
    return made(tls_server_new(&settings, &why), &why);
}

struct tls *cert_client(const struct cert *cert, int version)
{
    struct buf why = {0};
    const struct tls_client_settings settings = {
        .certificates = cert_pem(cert),
        .key = cert_key_pem(cert),
        .authorities = cert_pem(&certs.authority),
        .verify = true,
        .min_version = version,
        .max_version = version,
    };
    return made(tls_client_new(&settings, &why), &why);
}

void certs_warm_up(void)
{
    struct tls *contexts[] = {cert_server(TLS_CLIENTS_VERIFIED, 0), cert_client(&certs.client, 0)};
    struct codec_maker maker = tls_server(contexts[0]);
    struct codec ends[] = {maker.make(maker.self), tls_connect(contexts[1], "localhost")};
    struct buf wires[2] = {{0}, {0}}; /* [i]: bytes on their way to end i */
    struct buf up = {0};
    for (size_t i = 1; ends[0].calls->state(ends[0].self) == CODEC_HANDSHAKING; i = 1 - i) {
        do {
            buf_drop(&wires[i], ends[i].calls->decode(ends[i].self, buf_span(&wires[i]), 1 << 14,
                                                      &up, &wires[1 - i]));
        } while (wires[i].n > 0);
    }
    for (size_t i = 0; i < 2; i++) {
        ends[i].calls->free(ends[i].self);
        tls_free(contexts[i]);
        buf_free(&wires[i]);
    }
    buf_free(&up);
}
