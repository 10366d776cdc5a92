/* SPDX-License-Identifier: MIT */
/*
 * Owns: quoting bytes of a peer for an error text, as the format %q of Go does. Must not know: what
 * the bytes mean.
 */
#ifndef SESSION_QUOTE_H
#define SESSION_QUOTE_H

#include "base/buf.h"

/* Appends the bytes in double quotes. Printable characters are appended unchanged. A double quote
 * is appended as \" and a backslash as \\. \a \b \f \n \r \t \v are used where they exist. \xNN is
 * used for other control characters and for bytes that are not UTF-8, and \uNNNN or \UNNNNNNNN for
 * other characters that Go does not print. Source: Go's strconv.Quote. */
void quote_append(struct buf *b, struct span s);

#endif
