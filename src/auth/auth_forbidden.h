/* SPDX-License-Identifier: MIT */
/*
 * Owns: the meaning of a 403 answer, which tells nsqd to ask again by https. Must not know: HTTP,
 * which server has answered.
 */
#ifndef AUTH_AUTH_FORBIDDEN_H
#define AUTH_AUTH_FORBIDDEN_H

#include "auth/auth_document.h"
#include "json/fields.h"

struct auth_forbidden {
    struct auth_document document;
    struct json_fields fields; /* reads the document into https_port */
    int64_t https_port;
};

/* Begins an answer. *forbidden must not move until auth_forbidden_free. */
void auth_forbidden_begin(struct auth_forbidden *forbidden);

/* Reads the next slice of the body. Every call must get the same body. Returns true when everything
 * is read. */
bool auth_forbidden_read(struct auth_forbidden *forbidden, struct span body, struct effort *effort);

/* Must be called once, when everything is read. Sets *port to the port in the body, or to 0 if the
 * body names no port. Returns false if the body is not a JSON document of this kind. */
bool auth_forbidden_port(struct auth_forbidden *forbidden, int64_t *port);

void auth_forbidden_free(struct auth_forbidden *forbidden);

#endif
