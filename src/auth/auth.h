/* SPDX-License-Identifier: MIT */
/*
 * Owns: asking auth servers what a client may do: which server, what its answer means, and what
 * happens when it fails. A query is begun, and later it is done. Its requests are http_client's.
 * Must not know: connections, sessions.
 *
 * As in nsqd, servers are asked in turn, beginning with a random one, until one gives a good
 * answer. No reason for the log contains a secret, or anything that a server sent and that might
 * repeat the secret.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/auth_reply.h"
#include "auth/auth_request.h"
#include "base/budget.h"
#include "base/hash.h"
#include "http/http_client.h"

#define AUTH_SERVERS_MAX 64
/* A longer secret is not asked about. No server accepts so long a request line, and the secret
 * would be kept for as long as the client stays connected. */
#define AUTH_SECRET_MAX 65536

/* Timeouts are ns; 0 or less means no limit, but a connect_timeout below 0 has always passed. */
struct auth_config {
    const char *const *servers; /* --auth-http-address, borrowed; none: clients need no AUTH */
    size_t server_count;        /* at most AUTH_SERVERS_MAX */
    int64_t connect_timeout;    /* 2 s: --http-client-connect-timeout */
    int64_t request_timeout;    /* 5 s: --http-client-request-timeout; for the whole request */
    size_t max_body;            /* bytes of an answer. Stops a server whose answer never ends */
    size_t max_state; /* bytes of what is granted to one client. Stops a server that grants more */
    struct http_tls tls;
};

/* The client that a query is about. Borrowed for the call of auth_ask. */
struct auth_client {
    struct span remote_ip;
    struct span common_name; /* of its certificate */
    struct span secret;
    bool tls;
};

struct auth {
    struct auth_config config;
    struct http_client http; /* its fetches are owned by queries */
    struct budget *budget;
    struct hash_seed seed;
    uint64_t asked;   /* how many queries there were; chooses the random server */
    struct list open; /* of struct auth_query */
    struct list done; /* the same; they wait for their owners */
};

struct auth_query;

/* The configuration is copied, all else is borrowed. There is nothing to free: a query ends when
 * its owner drops it. */
void auth_init(struct auth *auth, const struct auth_config *config, struct serve *serve,
               struct budget *budget, const struct hash_seed *seed);

/* Whether clients need to authorize. */
bool auth_is_on(const struct auth *auth);

/* Begins a query for an owner, which learns from auth_next_done when it is done. */
struct auth_query *auth_ask(struct auth *auth, const struct auth_client *client, void *owner,
                            int64_t now);

/* Continues the queries whose servers have answered or failed. Returns the next query that is done,
 * or NULL; its owner ends it with auth_take. */
struct auth_query *auth_next_done(struct auth *auth, int64_t now);
void *auth_owner(const struct auth_query *query);

/* Whether auth_next_done has something to do. */
bool auth_has_done(const struct auth *auth);

/* Ends a query that is done. Returns what is granted: the caller owns it and charges its cost.
 * NULL, with the reasons appended to `why`: no server could be asked, or none gave a good answer.
 */
struct auth_state *auth_take(struct auth_query *query, struct buf *why);

/* Ends a query, done or not. */
void auth_drop(struct auth_query *query);

#endif
