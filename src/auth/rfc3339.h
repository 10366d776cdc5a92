/* SPDX-License-Identifier: MIT */
/*
 * Owns: the test whether a text is a time that Go's encoding/json accepts. Must not know: what the
 * time is for.
 */
#ifndef AUTH_RFC3339_H
#define AUTH_RFC3339_H

#include <nsq/span.h>

/* Returns true if a text is a time in the format of RFC 3339, for example
 * "2006-01-02T15:04:05.9+01:00". As in Go, the text may have a ',' in place of the '.'. */
bool rfc3339_is_time(struct span text);

#endif
