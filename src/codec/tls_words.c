/* SPDX-License-Identifier: MIT */
/*
 * Finds texts for OpenSSL's errors in tables. Must not know the connection, and must not know who
 * reads the text.
 */
#include "codec/tls_words.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stdio.h>

/* Go's names for alerts. The numbers are in RFC 8446, section 6, and RFC 5246, section 7.2. */
static const struct {
    int alert;
    const char *name;
} alerts[] = {
    {0, "close notify"},
    {10, "unexpected message"},
    {20, "bad record MAC"},
    {21, "decryption failed"},
    {22, "record overflow"},
    {30, "decompression failure"},
    {40, "handshake failure"},
    {42, "bad certificate"},
    {43, "unsupported certificate"},
    {44, "revoked certificate"},
    {45, "expired certificate"},
    {46, "unknown certificate"},
    {47, "illegal parameter"},
    {48, "unknown certificate authority"},
    {49, "access denied"},
    {50, "error decoding message"},
    {51, "error decrypting message"},
    {60, "export restriction"},
    {70, "protocol version not supported"},
    {71, "insufficient security level"},
    {80, "internal error"},
    {86, "inappropriate fallback"},
    {90, "user canceled"},
    {100, "no renegotiation"},
    {109, "missing extension"},
    {110, "unsupported extension"},
    {111, "certificate unobtainable"},
    {112, "unrecognized name"},
    {113, "bad certificate status response"},
    {114, "bad certificate hash value"},
    {115, "unknown PSK identity"},
    {116, "certificate required"},
    {120, "no application protocol"},
    {121, "encrypted client hello required"},
};

static const struct {
    int reason;
    const char *words;
} reasons[] = {
    {SSL_R_HTTP_REQUEST, "tls: first record does not look like a TLS handshake"},
    {SSL_R_HTTPS_PROXY_REQUEST, "tls: first record does not look like a TLS handshake"},
    {SSL_R_WRONG_VERSION_NUMBER, "tls: first record does not look like a TLS handshake"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "tls: client didn't provide a certificate"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "tls: client offered only unsupported versions"},
    {SSL_R_NO_SHARED_CIPHER, "tls: no cipher suite supported by both client and server"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "local error: tls: bad record MAC"},
    {SSL_R_LENGTH_MISMATCH, "local error: tls: error decoding message"},
    {SSL_R_LENGTH_TOO_SHORT, "local error: tls: error decoding message"},
    {SSL_R_LENGTH_TOO_LONG, "local error: tls: error decoding message"},
    {SSL_R_BAD_LENGTH, "local error: tls: error decoding message"},
    {SSL_R_DATA_LENGTH_TOO_LONG, "local error: tls: record overflow"},
    {SSL_R_ENCRYPTED_LENGTH_TOO_LONG, "local error: tls: record overflow"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "local error: tls: record overflow"},
};

static const struct {
    long verified;
    const char *words;
} verdicts[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "certificate has expired or is not yet valid"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "certificate has expired or is not yet valid"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "certificate signed by unknown authority"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "certificate signed by unknown authority"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "certificate signed by unknown authority"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "certificate signed by unknown authority"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "certificate signed by unknown authority"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "certificate signed by unknown authority"},
    {X509_V_ERR_INVALID_PURPOSE, "certificate specifies an incompatible key usage"},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void write_alert(char *why, size_t size, int alert)
{
    for (size_t i = 0; i < COUNT(alerts); i++) {
        if (alerts[i].alert == alert) {
            snprintf(why, size, "remote error: tls: %s", alerts[i].name);
            return;
        }
    }
    snprintf(why, size, "remote error: tls: alert(%d)", alert);
}

static void write_verdict(char *why, size_t size, long verified)
{
    const char *words = X509_verify_cert_error_string(verified);
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        if (verdicts[i].verified == verified) {
            words = verdicts[i].words;
        }
    }
    snprintf(why, size, "tls: failed to verify certificate: x509: %s", words);
}

static void write_reason(char *why, size_t size, unsigned long error)
{
    for (size_t i = 0; i < COUNT(reasons); i++) {
        if (reasons[i].reason == ERR_GET_REASON(error)) {
            snprintf(why, size, "%s", reasons[i].words);
            return;
        }
    }
    const char *words = ERR_reason_error_string(error);
    snprintf(why, size, "tls: %s", words == NULL ? "internal error" : words);
}

/* Empties OpenSSL's queue of errors and returns the error that is the reason. The reason is the
 * first error of TLS itself. If the queue has no error of TLS, the reason is the first error.
 * (Errors before the reason are from functions that TLS has called. Errors after it are
 * consequences.) */
static unsigned long take_error(void)
{
    unsigned long first = 0;
    unsigned long tls = 0;
    unsigned long error;
    while ((error = ERR_get_error()) != 0) {
        first = first == 0 ? error : first;
        tls = tls == 0 && ERR_GET_LIB(error) == ERR_LIB_SSL ? error : tls;
    }
    return tls != 0 ? tls : first;
}

void tls_words(char *why, size_t size, long verified)
{
    unsigned long error = take_error();
    int reason = ERR_GET_REASON(error);
    if (error == 0 || ERR_GET_LIB(error) != ERR_LIB_SSL) {
        snprintf(why, size, "tls: %s",
                 error == 0 ? "internal error" : ERR_reason_error_string(error));
    } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        write_verdict(why, size, verified);
    } else if (reason >= SSL_AD_REASON_OFFSET) { /* the peer has sent this alert */
        write_alert(why, size, reason - SSL_AD_REASON_OFFSET);
    } else {
        write_reason(why, size, error);
    }
}

const char *tls_words_last(void)
{
    unsigned long error = ERR_peek_last_error();
    const char *words = ERR_reason_error_string(error);
    ERR_clear_error();
    return words == NULL ? "internal error" : words;
}
