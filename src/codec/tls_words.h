/* SPDX-License-Identifier: MIT */
/*
 * Owns: texts for OpenSSL's errors. They are the texts of Go's crypto/tls, which users of nsqd
 * know, or OpenSSL's own text if Go has none.
 * Must not know: what the connection was for.
 */
#ifndef CODEC_TLS_WORDS_H
#define CODEC_TLS_WORDS_H

#include <stddef.h>

/* Writes why a connection has failed into `why`, which has `size` bytes, as a text that ends with a
 * NUL. It takes the errors from OpenSSL's queue, which is empty afterwards. `verified` is the
 * result of SSL_get_verify_result. */
void tls_words(char *why, size_t size, long verified);

/* OpenSSL's own text for its last error. The text is static. OpenSSL's queue of errors is empty
 * afterwards. */
const char *tls_words_last(void);

#endif
