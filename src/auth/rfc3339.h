/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a text is a point in time that Go's encoding/json accepts. Must not know: what the
 * time is for.
 */
#ifndef AUTH_RFC3339_H
#define AUTH_RFC3339_H

#include <nsq/span.h>

/* Whether a text is a time as RFC 3339 writes it, such as "2006-01-02T15:04:05.9+01:00". Go also
 * accepts a ',' in place of the '.'. */
bool rfc3339_is_time(struct span text);

#endif
