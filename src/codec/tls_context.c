/* SPDX-License-Identifier: MIT */
/*
 * Makes contexts of OpenSSL from PEM texts and settings. If they contain an error, the error text
 * is the text of Go. Must not know files and single connections.
 */
#include "codec/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "codec/tls_words.h"

#define WHY_MAX 512

__attribute__((format(printf, 2, 3))) static bool fail(struct buf *why, const char *format, ...)
{
    char line[WHY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_append(why, span_make(line, strlen(line)));
    ERR_clear_error();
    return false;
}

/* --- PEM -------------------------------------------------------------------------------------- */

/* The blocks of a PEM file that are not certificates. */
struct pem_rest {
    bool any;       /* there is at least one such block */
    bool key;       /* one of these blocks is a private key */
    char first[64]; /* the name of the first such block */
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static BIO *open_pem(const struct tls_pem *pem)
{
    return BIO_new_mem_buf(pem->bytes.n == 0 ? "" : (const char *)pem->bytes.p, (int)pem->bytes.n);
}

/* Reads the certificates of a file, up to the first damaged certificate. The caller frees the
 * list. */
static STACK_OF(X509) *
    read_certificates(const struct tls_pem *pem, struct pem_rest *rest, bool *damaged)
{
    STACK_OF(X509) *list = sk_X509_new_null();
    BIO *bio = open_pem(pem);
    char *name;
    char *header;
    unsigned char *data;
    long n;
    *rest = (struct pem_rest){0};
    *damaged = false;
    while (!*damaged && PEM_read_bio(bio, &name, &header, &data, &n) == 1) {
        const unsigned char *p = data;
        X509 *x = strcmp(name, "CERTIFICATE") == 0 ? d2i_X509(NULL, &p, n) : NULL;
        if (x != NULL) {
            sk_X509_push(list, x);
        } else if (strcmp(name, "CERTIFICATE") == 0) {
            *damaged = true;
        } else {
            if (!rest->any) {
                snprintf(rest->first, sizeof rest->first, "%s", name);
            }
            rest->any = true;
            rest->key = rest->key || ends_with(name, "PRIVATE KEY");
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    ERR_clear_error(); /* OpenSSL reports the end of the file as an error */
    BIO_free(bio);
    return list;
}

static void free_certificates(STACK_OF(X509) * list)
{
    sk_X509_pop_free(list, X509_free);
}

/* --- certificates and keys -------------------------------------------------------------------- */

#define WANTED "%s: expected \"-----BEGIN CERTIFICATE-----\""

static bool no_certificate(const struct tls_pem *pem, const struct pem_rest *rest, bool damaged,
                           struct buf *why)
{
    if (damaged) {
        return fail(why, "x509: malformed certificate (%s: expected certificates in PEM)",
                    pem->file);
    }
    if (!rest->any) {
        return fail(why, "tls: failed to find any PEM data in certificate input (" WANTED ")",
                    pem->file);
    }
    if (rest->key) {
        return fail(why,
                    "tls: failed to find certificate PEM data in certificate input, but did find a "
                    "private key; PEM inputs may have been switched (" WANTED ")",
                    pem->file);
    }
    return fail(why,
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping "
                "PEM blocks of the following types: [%s] (" WANTED ")",
                rest->first, pem->file);
}

static bool take_chain(SSL_CTX *ssl, STACK_OF(X509) * list, const char *file, struct buf *why)
{
    if (SSL_CTX_use_certificate(ssl, sk_X509_value(list, 0)) != 1) {
        return fail(why, "tls: %s (%s: expected a certificate that TLS can use)", tls_words_last(),
                    file);
    }
    for (int i = 1; i < sk_X509_num(list); i++) {
        SSL_CTX_add1_chain_cert(ssl, sk_X509_value(list, i));
    }
    return true;
}

static bool use_certificates(SSL_CTX *ssl, const struct tls_pem *pem, struct buf *why)
{
    struct pem_rest rest;
    bool damaged;
    STACK_OF(X509) *list = read_certificates(pem, &rest, &damaged);
    bool ok = !damaged && sk_X509_num(list) > 0 ? take_chain(ssl, list, pem->file, why)
                                                : no_certificate(pem, &rest, damaged, why);
    free_certificates(list);
    return ok;
}

/* Without this function, OpenSSL would wait for a passphrase from the terminal. */
static int no_passphrase(char *to, int size, int writing, void *context)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static bool no_key(const struct tls_pem *pem, struct buf *why)
{
    struct pem_rest rest;
    bool damaged;
    STACK_OF(X509) *list = read_certificates(pem, &rest, &damaged);
    bool certificate = sk_X509_num(list) > 0;
    free_certificates(list);
    const char *what = rest.key      ? "failed to parse private key"
                       : certificate ? "found a certificate rather than a key in the PEM for the "
                                       "private key"
                       : rest.any    ? "failed to find PEM block with type ending in \"PRIVATE "
                                       "KEY\" in key input"
                                     : "failed to find any PEM data in key input";
    return fail(why, "tls: %s (%s: expected a private key in PEM, without a passphrase)", what,
                pem->file);
}

static bool use_key(SSL_CTX *ssl, const struct tls_pem *certificates, const struct tls_pem *pem,
                    struct buf *why)
{
    BIO *bio = open_pem(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (key == NULL) {
        return no_key(pem, why);
    }
    const X509 *leaf = SSL_CTX_get0_certificate(ssl);
    bool same_type = EVP_PKEY_get_base_id(X509_get0_pubkey(leaf)) == EVP_PKEY_get_base_id(key);
    bool match = X509_check_private_key(leaf, key) == 1;
    bool used = match && SSL_CTX_use_PrivateKey(ssl, key) == 1;
    EVP_PKEY_free(key);
    if (!match) {
        return fail(
            why, "tls: private key %sdoes not match public key%s (%s: expected the key of %s)",
            same_type ? "" : "type ", same_type ? "" : " type", pem->file, certificates->file);
    }
    return used ||
           fail(why, "tls: %s (%s: expected a key that TLS can use)", tls_words_last(), pem->file);
}

/* Sets the authorities that may sign a peer's certificate. If `tell` is true, the server also sends
 * the names of the authorities to its clients. Some clients use these names to choose a
 * certificate. */
static bool use_authorities(SSL_CTX *ssl, const struct tls_pem *pem, bool tell, struct buf *why)
{
    struct pem_rest rest;
    bool damaged;
    STACK_OF(X509) *list = read_certificates(pem, &rest, &damaged);
    int n = sk_X509_num(list);
    for (int i = 0; i < n; i++) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), sk_X509_value(list, i));
        if (tell) {
            SSL_CTX_add_client_CA(ssl, sk_X509_value(list, i));
        }
    }
    free_certificates(list);
    return n > 0 || fail(why, "failed to append certificate to pool (" WANTED ")", pem->file);
}

/* --- verification ----------------------------------------------------------------------------- */

static int trust_anybody(X509_STORE_CTX *store, void *context)
{
    (void)store;
    (void)context;
    return 1;
}

/* Like Go, this function refuses signatures with SHA-1 and MD5, because attackers can forge them.
 * OpenSSL's security level could refuse them too. But then OpenSSL would also refuse small RSA
 * keys, which nsqd accepts. The signature of the last certificate of the chain is not checked,
 * because this certificate is itself trusted. */
static int refuse_weak_digests(int ok, X509_STORE_CTX *store)
{
    int depth = X509_STORE_CTX_get_error_depth(store);
    const X509 *x = X509_STORE_CTX_get_current_cert(store);
    const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
    int digest;
    if (ok == 1 && x != NULL && depth + 1 < sk_X509_num(chain) &&
        X509_get_signature_info((X509 *)x, &digest, NULL, NULL, NULL) == 1 &&
        (digest == NID_sha1 || digest == NID_md5)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_CA_MD_TOO_WEAK);
        return 0;
    }
    return ok;
}

/* --- contexts --------------------------------------------------------------------------------- */

/* Sets the options that all contexts have. They override the system's openssl.cnf, because nsqd
 * does not read this file. */
static bool set_up(SSL_CTX *ssl, int min_version, int max_version)
{
    SSL_CTX_set_security_level(ssl, 0);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ssl, 0);
    SSL_CTX_set_max_cert_list(ssl, TLS_CERTIFICATES_MAX);
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);
    X509_VERIFY_PARAM_set_flags(
        param, X509_V_FLAG_PARTIAL_CHAIN); /* as in Go, any certificate of the file is trusted */
    return SSL_CTX_set_min_proto_version(ssl, min_version) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, max_version) == 1 &&
           SSL_CTX_set_cipher_list(ssl, "DEFAULT:!aNULL:!eNULL:!PSK:!SRP") == 1;
}

static bool is_there(const struct tls_pem *pem)
{
    return pem->file != NULL;
}

/* Verifies peers with these authorities. If there is no file of authorities, uses the authorities
 * of the system. */
static bool verify(SSL_CTX *ssl, const struct tls_pem *authorities, int mode)
{
    SSL_CTX_set_verify(ssl, mode, refuse_weak_digests);
    return is_there(authorities) || SSL_CTX_set_default_verify_paths(ssl) == 1;
}

static bool fill_server(SSL_CTX *ssl, const struct tls_server_settings *s, struct buf *why)
{
    const int certificate = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (!set_up(ssl, s->min_version, 0)) {
        return fail(why, "tls: %s", tls_words_last());
    }
    if (!use_certificates(ssl, &s->certificates, why) ||
        !use_key(ssl, &s->certificates, &s->key, why)) {
        return false;
    }
    if (is_there(&s->authorities) && !use_authorities(ssl, &s->authorities, true, why)) {
        return false;
    }
    if (s->clients == TLS_CLIENTS_SHOWN) {
        SSL_CTX_set_verify(ssl, certificate, NULL);
        SSL_CTX_set_cert_verify_callback(ssl, trust_anybody, NULL);
    }
    if (s->clients == TLS_CLIENTS_VERIFIED && !verify(ssl, &s->authorities, certificate)) {
        return fail(why, "tls: %s", tls_words_last());
    }
    return true;
}

static bool fill_client(SSL_CTX *ssl, const struct tls_client_settings *s, struct buf *why)
{
    if (!set_up(ssl, s->min_version, s->max_version)) {
        return fail(why, "tls: %s", tls_words_last());
    }
    if (is_there(&s->certificates) && (!use_certificates(ssl, &s->certificates, why) ||
                                       !use_key(ssl, &s->certificates, &s->key, why))) {
        return false;
    }
    if (is_there(&s->authorities) && !use_authorities(ssl, &s->authorities, false, why)) {
        return false;
    }
    if (s->verify && !verify(ssl, &s->authorities, SSL_VERIFY_PEER)) {
        return fail(why, "tls: %s", tls_words_last());
    }
    return true;
}

static struct tls *context_new(const SSL_METHOD *method, struct buf *why)
{
    struct tls *tls = alloc_zeroed(sizeof *tls);
    tls->users = 1;
    tls->ssl = SSL_CTX_new(method);
    tls->io = tls_io_new();
    if (tls->ssl == NULL || tls->io == NULL) {
        fail(why, "tls: %s", tls_words_last());
        tls_release(tls);
        return NULL;
    }
    return tls;
}

struct tls *tls_server_new(const struct tls_server_settings *settings, struct buf *why)
{
    struct tls *tls = context_new(TLS_server_method(), why);
    if (tls != NULL && !fill_server(tls->ssl, settings, why)) {
        tls_release(tls);
        return NULL;
    }
    return tls;
}

struct tls *tls_client_new(const struct tls_client_settings *settings, struct buf *why)
{
    struct tls *tls = context_new(TLS_client_method(), why);
    if (tls != NULL && !fill_client(tls->ssl, settings, why)) {
        tls_release(tls);
        return NULL;
    }
    return tls;
}

void tls_release(struct tls *tls)
{
    if (--tls->users == 0) {
        SSL_CTX_free(tls->ssl);
        BIO_meth_free(tls->io);
        alloc_free(tls);
    }
}

void tls_free(struct tls *tls)
{
    if (tls != NULL) {
        tls_release(tls);
    }
}
