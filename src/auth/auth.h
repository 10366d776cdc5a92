/* SPDX-License-Identifier: MIT */
/*
 * Owns: the queries (struct auth_query). A query asks auth servers what one client may do. This
 * module chooses the server, reads its answer and handles failures. A query begins with auth_ask.
 * When the query is finished, auth_next_done returns it. The module sends its HTTP requests through
 * http_client.
 * Must not know: connections, sessions.
 *
 * As in nsqd, a query asks one server after another until one of them gives a good answer. The
 * first server is chosen at random. When no server gives a good answer, auth_take gives the reason,
 * which the caller logs. A reason never contains a secret. If text from a server may contain the
 * secret, the reason does not contain this text. A server that answers 403 may name a port. Then
 * the query asks the same server once more, by https at this port.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/auth_request.h"
#include "auth/auth_state.h"
#include "base/budget.h"
#include "base/effort.h"
#include "base/hash.h"
#include "http/http_client.h"

#define AUTH_SERVERS_MAX 64
/* The largest size of a secret, in bytes. If a secret is longer, this module asks no server,
 * because no server would accept such a long request line. Also, a long secret would use memory
 * until the client disconnects. */
#define AUTH_SECRET_MAX 65536

/* Timeouts are in ns. A timeout of 0 means no limit. A request_timeout below 0 means no limit too.
 * When connect_timeout is below 0, every attempt to connect times out at once. */
struct auth_config {
    const char *const
        *servers; /* --auth-http-address; borrowed. If there is no server, clients need no AUTH. */
    size_t server_count;     /* at most AUTH_SERVERS_MAX */
    int64_t connect_timeout; /* nsqd's default is 2 s: --http-client-connect-timeout */
    int64_t request_timeout; /* nsqd's default is 5 s: --http-client-request-timeout; for the whole
                                request */
    size_t max_body;  /* bytes: the largest body of an answer. Without this limit, an answer could
                       * be endless */
    size_t max_state; /* the largest number of bytes of memory for the permissions of one client.
                         Without this limit, a server's answer could fill the memory */
    struct http_tls tls;
};

/* The client that a query is about. auth_ask borrows the contents until it returns. */
struct auth_client {
    struct span remote_ip;
    struct span common_name; /* of the client's certificate */
    struct span secret;
    bool tls;
};

struct auth {
    struct auth_config config;
    struct http_client http; /* each of its fetches belongs to a query */
    struct budget *budget;
    struct effort *effort;
    struct hash_seed seed;
    uint64_t asked;   /* how many queries have begun; used to choose the first server at random */
    struct list open; /* of struct auth_query: the queries that wait for a server */
    struct list reading; /* of struct auth_query: the queries whose answers are read */
    struct list done; /* of struct auth_query: the queries that are done; their owners free them */
};

struct auth_query;

/* Copies the configuration and the seed, and borrows all other arguments. auth_next_done uses the
 * effort that is left in `effort`. There is no auth_free: the owner of each query frees it with
 * auth_take or auth_drop. */
void auth_init(struct auth *auth, const struct auth_config *config, struct serve *serve,
               struct budget *budget, struct effort *effort, const struct hash_seed *seed);

/* Returns true if clients must send AUTH. */
bool auth_is_on(const struct auth *auth);

/* Begins a query for an owner. When the query is done, auth_next_done returns it. */
struct auth_query *auth_ask(struct auth *auth, const struct auth_client *client, void *owner,
                            int64_t now);

/* Continues the queries whose servers have answered or failed, while effort is left
 * (base/effort.h). A long answer is read in slices, and other queries have their turn after each
 * slice. Returns a query that is done, or NULL if no query is done. The owner of the query must
 * then free the query with auth_take or auth_drop. auth_owner returns the owner that was passed to
 * auth_ask. */
struct auth_query *auth_next_done(struct auth *auth, int64_t now);
void *auth_owner(const struct auth_query *query);

/* Returns true if a call of auth_next_done would have something to do. */
bool auth_has_done(const struct auth *auth);

/* Frees a query that is done and returns what the server has granted. The caller owns the result
 * and counts its cost in the memory budget, which has room for it. Returns NULL if no server could
 * be asked, or if no server gave a good answer. Appends to `why` the reasons why servers failed.
 * When these have become about 1 KiB long, further reasons are left out. */
struct auth_state *auth_take(struct auth_query *query, struct buf *why);

/* Frees a query. If the query is not done yet, it is stopped first. */
void auth_drop(struct auth_query *query);

#endif
