/* SPDX-License-Identifier: MIT */
/*
 * Owns: quoting bytes of a peer for an error text, as the format %q of Go does. Must not know: what
 * the bytes mean.
 */
#ifndef JSON_QUOTE_H
#define JSON_QUOTE_H

#include "base/buf.h"

/* Appends the bytes in double quotes. Printable characters are appended unchanged. A double quote
 * is appended as \" and a backslash as \\. Control characters that have a short form are appended
 * as \a \b \f \n \r \t \v. Other control characters of ASCII, and bytes that are not UTF-8, are
 * appended as \xNN. Other characters that Go does not print are appended as \uNNNN or \UNNNNNNNN.
 * Source: Go's strconv.Quote. */
void quote_append(struct buf *b, struct span s);

#endif
