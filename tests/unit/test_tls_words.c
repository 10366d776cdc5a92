/* SPDX-License-Identifier: MIT */
/* Tests of codec/tls_words.h: each member of its lists, from OpenSSL's queue of errors. The words
 * are those of Go's crypto/tls. */
#include "codec/tls_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#define WHY_MAX 200

static void expect_words(long verified, const char *expected)
{
    char why[WHY_MAX];
    tls_words(why, sizeof why, verified);
    assert_string_equal(why, expected);
    assert_int_equal(ERR_peek_error(), 0); /* the queue is empty now */
}

static void every_alert(void **state)
{
    (void)state;
    static const char *const names[256] = {
        [0] = "close notify",
        [10] = "unexpected message",
        [20] = "bad record MAC",
        [21] = "decryption failed",
        [22] = "record overflow",
        [30] = "decompression failure",
        [40] = "handshake failure",
        [42] = "bad certificate",
        [43] = "unsupported certificate",
        [44] = "revoked certificate",
        [45] = "expired certificate",
        [46] = "unknown certificate",
        [47] = "illegal parameter",
        [48] = "unknown certificate authority",
        [49] = "access denied",
        [50] = "error decoding message",
        [51] = "error decrypting message",
        [60] = "export restriction",
        [70] = "protocol version not supported",
        [71] = "insufficient security level",
        [80] = "internal error",
        [86] = "inappropriate fallback",
        [90] = "user canceled",
        [100] = "no renegotiation",
        [109] = "missing extension",
        [110] = "unsupported extension",
        [111] = "certificate unobtainable",
        [112] = "unrecognized name",
        [113] = "bad certificate status response",
        [114] = "bad certificate hash value",
        [115] = "unknown PSK identity",
        [116] = "certificate required",
        [120] = "no application protocol",
        [121] = "encrypted client hello required",
    };
    for (int alert = 0; alert < 256; alert++) {
        char expected[WHY_MAX];
        if (names[alert] == NULL) {
            snprintf(expected, sizeof expected, "remote error: tls: alert(%d)", alert);
        } else {
            snprintf(expected, sizeof expected, "remote error: tls: %s", names[alert]);
        }
        ERR_raise(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + alert);
        expect_words(X509_V_OK, expected);
    }
}

#define NO_TLS "tls: first record does not look like a TLS handshake"
#define UNDECODED "local error: tls: error decoding message"
#define TOO_LONG "local error: tls: record overflow"

static void every_reason(void **state)
{
    (void)state;
    static const struct {
        int reason;
        const char *words;
    } cases[] = {
        {SSL_R_HTTP_REQUEST, NO_TLS},
        {SSL_R_HTTPS_PROXY_REQUEST, NO_TLS},
        {SSL_R_WRONG_VERSION_NUMBER, NO_TLS},
        {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "tls: client didn't provide a certificate"},
        {SSL_R_UNSUPPORTED_PROTOCOL, "tls: client offered only unsupported versions"},
        {SSL_R_NO_SHARED_CIPHER, "tls: no cipher suite supported by both client and server"},
        {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "local error: tls: bad record MAC"},
        {SSL_R_LENGTH_MISMATCH, UNDECODED},
        {SSL_R_LENGTH_TOO_SHORT, UNDECODED},
        {SSL_R_LENGTH_TOO_LONG, UNDECODED},
        {SSL_R_BAD_LENGTH, UNDECODED},
        {SSL_R_DATA_LENGTH_TOO_LONG, TOO_LONG},
        {SSL_R_ENCRYPTED_LENGTH_TOO_LONG, TOO_LONG},
        {SSL_R_PACKET_LENGTH_TOO_LONG, TOO_LONG},
        {SSL_R_BAD_SIGNATURE, "tls: bad signature"}, /* one of OpenSSL's own */
        {700, "tls: internal error"},                /* one that nobody knows */
    };
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ERR_raise(ERR_LIB_SSL, cases[i].reason);
        expect_words(X509_V_OK, cases[i].words);
    }
}

#define EXPIRED "certificate has expired or is not yet valid"
#define UNKNOWN "certificate signed by unknown authority"

static void every_verdict(void **state)
{
    (void)state;
    static const struct {
        long verified;
        const char *words;
    } cases[] = {
        {X509_V_ERR_CERT_HAS_EXPIRED, EXPIRED},
        {X509_V_ERR_CERT_NOT_YET_VALID, EXPIRED},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, UNKNOWN},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, UNKNOWN},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, UNKNOWN},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNKNOWN},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNKNOWN},
        {X509_V_ERR_CERT_SIGNATURE_FAILURE, UNKNOWN},
        {X509_V_ERR_INVALID_PURPOSE, "certificate specifies an incompatible key usage"},
        {X509_V_ERR_CERT_REVOKED, "certificate revoked"}, /* OpenSSL's own words */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[WHY_MAX];
        snprintf(expected, sizeof expected, "tls: failed to verify certificate: x509: %s",
                 cases[i].words);
        ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
        expect_words(cases[i].verified, expected);
    }
}

/* The first error of TLS counts, else the first one. */
static void the_first_error_of_tls_counts(void **state)
{
    (void)state;
    expect_words(X509_V_OK, "tls: internal error");
    ERR_raise(ERR_LIB_RSA, ERR_R_MALLOC_FAILURE);
    ERR_raise(ERR_LIB_EC, ERR_R_PASSED_NULL_PARAMETER);
    expect_words(X509_V_OK, "tls: malloc failure");
    ERR_raise(ERR_LIB_RSA, ERR_R_MALLOC_FAILURE);
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER);
    ERR_raise(ERR_LIB_SSL, SSL_R_HTTP_REQUEST);
    ERR_raise(ERR_LIB_RSA, ERR_R_MALLOC_FAILURE);
    expect_words(X509_V_OK, "tls: no cipher suite supported by both client and server");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_alert),
        cmocka_unit_test(every_reason),
        cmocka_unit_test(every_verdict),
        cmocka_unit_test(the_first_error_of_tls_counts),
    };
    return cmocka_run_group_tests_name("tls_words", tests, NULL, NULL);
}
