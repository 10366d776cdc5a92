/* SPDX-License-Identifier: MIT */
/*
 * Owns: the request to an auth server, byte for byte as nsqd's (Go's) HTTP client sends it, and the
 * URL that it goes to. Must not know: connections.
 */
#ifndef AUTH_AUTH_REQUEST_H
#define AUTH_AUTH_REQUEST_H

#include "base/buf.h"

#define AUTH_URL_MAX 4096 /* bytes of a URL without our parameters; stops an endless redirect */

/* A parsed URL. */
struct auth_target {
    bool https;
    struct buf host;    /* as the Host header has it */
    struct buf name;    /* without brackets and port */
    struct buf address; /* what to connect to: "host:port" */
    struct buf user;    /* "user:password", not escaped; has_user: it is there */
    bool has_user;
    struct buf path;  /* as the request line has it */
    struct buf query; /* behind the '?'; has_query: there is one */
    bool has_query;
};

/* Appends the parameters that tell an auth server who asks, sorted and escaped as nsqd's are. */
void auth_query_append(struct buf *out, struct span common_name, struct span remote_ip,
                       struct span secret, bool tls);

/* Where nsqd asks a server that --auth-http-address names: "host:port" is a host whose path is
 * /auth, what has "://" in it a whole URL. False with a static reason: there is no asking it. The
 * target is ended with auth_target_free in any case. */
bool auth_target_of(struct auth_target *target, struct span server, struct span query,
                    struct span *why);
void auth_target_free(struct auth_target *target);

/* Turns a target to where its answer's Location points: a URL, or a path that begins with '/'. */
bool auth_target_move(struct auth_target *target, struct span location, struct span *why);

/* Turns it to https at another port. */
bool auth_target_secure(struct auth_target *target, int64_t port, struct span *why);

/* Appends the request. */
void auth_target_request(const struct auth_target *target, struct buf *out);

/* Appends the target for a log: no user, no password, no parameters. */
void auth_target_show(const struct auth_target *target, struct buf *out);

#endif
