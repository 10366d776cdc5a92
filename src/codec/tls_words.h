/* SPDX-License-Identifier: MIT */
/*
 * Owns: OpenSSL's errors in the words of Go's crypto/tls, which clients of nsqd know; in OpenSSL's
 * own where Go has none.
 */
#ifndef CODEC_TLS_WORDS_H
#define CODEC_TLS_WORDS_H

#include <stddef.h>

/* Writes why a connection has failed, from OpenSSL's queue of errors, which is empty afterwards.
 * `verified` is SSL_get_verify_result's. */
void tls_words(char *why, size_t size, long verified);

/* OpenSSL's own words for its last error; empties its queue. Borrowed, static. */
const char *tls_words_last(void);

#endif
