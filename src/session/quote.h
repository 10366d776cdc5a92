/* SPDX-License-Identifier: MIT */
/*
 * Owns: the %q of nsqd's error texts: a peer's bytes in quotes, as Go prints them. Must not know:
 * what the bytes are.
 */
#ifndef SESSION_QUOTE_H
#define SESSION_QUOTE_H

#include "base/buf.h"

/* Appends the bytes in double quotes: printable characters as they are, \" and \\, \a \b \f \n \r
 * \t \v, \xNN for other control characters and for bytes that are not UTF-8, \uNNNN or \UNNNNNNNN
 * for other characters that Go does not print. Source: Go's strconv.Quote. */
void quote_append(struct buf *b, struct span s);

#endif
