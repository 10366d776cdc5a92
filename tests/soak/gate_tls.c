/* SPDX-License-Identifier: MIT */
/*
 * Makes keys, certificates and ClientHellos with OpenSSL. Must not know: the server.
 */
#include "soak/gate_tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "bench/process.h"

#define VALID_SECONDS 86400

void gate_tls_key(const char *path, unsigned bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);
    X509 *x = X509_new();
    FILE *file = fopen(path, "w");
    if (key == NULL || x == NULL || file == NULL) {
        process_die("%s: there is no key", path);
    }
    X509_set_version(x, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), VALID_SECONDS);
    X509_set_pubkey(x, key);
    if (X509_sign(x, key, EVP_sha256()) == 0 || PEM_write_X509(file, x) != 1 ||
        PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(file) != 0) {
        process_die("%s: the key cannot be written", path);
    }
    X509_free(x);
    EVP_PKEY_free(key);
}

void gate_tls_hello(struct buf *out)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = context != NULL ? SSL_new(context) : NULL;
    BIO *from = BIO_new(BIO_s_mem());
    BIO *to = BIO_new(BIO_s_mem());
    char *bytes;
    if (ssl == NULL || from == NULL || to == NULL) {
        process_die("OpenSSL has no client");
    }
    SSL_set_bio(ssl, from, to);
    SSL_connect(ssl); /* writes the ClientHello, and finds no answer */
    long n = BIO_get_mem_data(to, &bytes);
    buf_append(out, span_make(bytes, (size_t)n));
    SSL_free(ssl);
    SSL_CTX_free(context);
}
