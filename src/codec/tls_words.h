/* SPDX-License-Identifier: MIT */
/*
 * Owns: texts for OpenSSL's errors. If Go's crypto/tls has a text for an error, Go's text is used,
 * because users of nsqd know Go's texts. Otherwise OpenSSL's own text is used.
 * Must not know: the purpose of the connection.
 */
#ifndef CODEC_TLS_WORDS_H
#define CODEC_TLS_WORDS_H

#include <stddef.h>

/* Writes into `why` a text that says why a connection has failed. `why` has `size` bytes. The text
 * ends with NUL. The function reads OpenSSL's queue of errors and empties it. `verified` is the
 * result of SSL_get_verify_result. */
void tls_words(char *why, size_t size, long verified);

/* Returns OpenSSL's own text for its last error. The text is static. The function empties OpenSSL's
 * queue of errors. */
const char *tls_words_last(void);

#endif
