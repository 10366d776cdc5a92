/* SPDX-License-Identifier: MIT */
/*
 * Owns: asking auth servers what a client may do: which server, by http or https, how long, and
 * what when it fails. A query is begun, and later it is done; meanwhile its connections are
 * connections of serve's like any other.
 *
 * As nsqd does it: the servers in turn, beginning with a random one, until one answers well. No log
 * line has a secret in it, nor anything that a server sent back, where it might be repeated.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/auth_reply.h"
#include "auth/auth_request.h"
#include "base/budget.h"
#include "base/hash.h"
#include "codec/codec.h"
#include "serve/serve.h"

#define AUTH_SERVERS_MAX 64
#define AUTH_REDIRECTS_MAX 10         /* the one at which Go's client stops */
#define AUTH_HANDSHAKE_NS 10000000000 /* for TLS; nsqd's */
/* A longer secret is not asked about: no server takes such a request line, and it would be kept as
 * long as the client stays. */
#define AUTH_SECRET_MAX 65536

/* What makes the client's end of TLS for a server of this name (a C string, borrowed). */
struct auth_tls {
    struct codec (*connect)(void *self, const char *server_name); /* NULL: there is no https */
    void *self;
    size_t cost; /* bytes that one takes at most, for the account of memory */
};

/* Times are ns; 0 or less is no limit, but a connect_timeout below 0 has always passed. */
struct auth_config {
    const char *const *servers; /* --auth-http-address, borrowed; none: nobody needs to authorize */
    size_t server_count;        /* at most AUTH_SERVERS_MAX */
    int64_t connect_timeout;    /* 2 s: --http-client-connect-timeout */
    int64_t request_timeout;    /* 5 s: --http-client-request-timeout; for all of one request */
    size_t max_body;            /* bytes of an answer. Stops a server that answers without end */
    size_t max_state;           /* bytes of what it grants one client. Stops one that grants more */
    struct auth_tls tls;
};

/* Who asks. Borrowed for the call of auth_ask. */
struct auth_client {
    struct span remote_ip;
    struct span common_name; /* of its certificate */
    struct span secret;
    bool tls;
};

struct auth {
    struct auth_config config;
    struct serve *serve;
    struct budget *budget;
    struct log *log;
    struct hash_seed seed;
    uint64_t asked;   /* queries so far, for the random server */
    struct list open; /* of struct auth_query */
    struct list done; /* the same; nobody has taken them yet */
};

struct auth_query;

/* Everything is borrowed, the configuration copied. A query ends when its owner drops it, so there
 * is nothing to free. */
void auth_init(struct auth *auth, const struct auth_config *config, struct serve *serve,
               struct budget *budget, struct log *log, const struct hash_seed *seed);

/* Whether clients need to authorize. */
bool auth_is_on(const struct auth *auth);

/* Begins a query for an owner, who is told the outcome by auth_next_done. */
struct auth_query *auth_ask(struct auth *auth, const struct auth_client *client, void *owner,
                            int64_t now);

/* The next query that is done, or NULL; its owner takes it up with auth_take. */
struct auth_query *auth_next_done(const struct auth *auth);
void *auth_owner(const struct auth_query *query);

/* Ends a query that is done. Returns what is granted, which the caller owns and whose cost is his
 * to charge; NULL when no server could be asked, or none answered well; why is appended. */
struct auth_state *auth_take(struct auth_query *query, struct buf *why);

/* Ends a query, whatever has become of it. */
void auth_drop(struct auth_query *query);

#endif
