/* SPDX-License-Identifier: MIT */
/*
 * Decides which auth server is asked next, what its answer means, and what the log may contain
 * about a server that failed. http_client sends the requests. Must not know: connections, what
 * sessions do with a grant.
 */
#include "auth/auth.h"

#include "auth/auth_forbidden.h"
#include "auth/auth_reply.h"
#include "base/alloc.h"
#include "base/text.h"

#define STATUS_OK 200
#define STATUS_FORBIDDEN 403
#define WHY_MAX 1024 /* bytes kept of the reasons of one query */

struct auth_query {
    struct auth *auth;
    void *owner;
    struct list link; /* in auth->open, auth->reading or auth->done */
    struct buf parameters;
    size_t first; /* the server that is asked first */
    size_t tried; /* how many servers have been asked, with the current one */
    bool secured; /* the current server is asked by https: by its own URL or after a 403 */
    struct http_fetch *fetch;         /* NULL: none */
    struct auth_reply *reply;         /* the answer of `fetch` that is read; NULL: none */
    struct auth_forbidden *forbidden; /* the same for a 403 */
    size_t cost;                      /* what is charged for the query; 0: nothing yet */
    size_t granted; /* what is charged for the permissions of `reply`, and then for `state` */
    size_t held;    /* this query's part of budget->held, bytes: memory of the reading */
    struct buf why; /* why servers failed */
    struct auth_state *state; /* what is granted; NULL: nothing */
};

/* --- how a query ends ------------------------------------------------------------------------- */

static void hold(struct auth_query *q, size_t n)
{
    budget_hold(q->auth->budget, q->held, n);
    q->held = n;
}

static void end_reading(struct auth_query *q)
{
    auth_reply_free(q->reply);
    q->reply = NULL;
    hold(q, 0);
    budget_release(q->auth->budget, q->granted);
    q->granted = 0;
    if (q->forbidden != NULL) {
        auth_forbidden_free(q->forbidden);
        alloc_free(q->forbidden);
        q->forbidden = NULL;
    }
}

static void end_fetch(struct auth_query *q)
{
    end_reading(q);
    if (q->fetch != NULL) {
        http_fetch_drop(q->fetch);
        q->fetch = NULL;
    }
}

static void move_to(struct auth_query *q, struct list *list)
{
    list_remove(&q->link);
    list_push(list, &q->link);
}

static void finish(struct auth_query *q)
{
    end_fetch(q);
    move_to(q, &q->auth->done);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* The current server, as the command line names it. */
static struct span server_of(const struct auth_query *q)
{
    const struct auth_config *c = &q->auth->config;
    const char *server = c->servers[(q->first + q->tried - 1) % c->server_count];
    return span_make(server, strlen(server));
}

/* Appends the server's own URL. The URL of a redirect may repeat the secret, so it is not used. */
static void show_server(struct auth_query *q)
{
    struct http_url own = {0};
    struct span why = {NULL, 0};
    auth_request_url(&own, server_of(q), SPAN(""), &why);
    http_url_show(&own, &q->why);
    http_url_free(&own);
}

static void note_failure(struct auth_query *q, struct span why)
{
    if (q->why.n < WHY_MAX) {
        text_append(&q->why, "failed to auth against ");
        show_server(q);
        text_append(&q->why, " - ");
        buf_append(&q->why, why);
        text_append(&q->why, "; ");
    }
}

/* Charges the query to the memory budget, once. Returns false if the budget has no room for it. */
static bool charge(struct auth_query *q)
{
    size_t held = sizeof *q + q->parameters.n;
    if (q->cost > 0) {
        return true;
    }
    if (!budget_has_room(q->auth->budget, BUDGET_CLIENT, held)) {
        return false;
    }
    budget_charge(q->auth->budget, held);
    q->cost = held;
    return true;
}

/* Asks the current server. Returns false, with a static reason, if the server cannot be asked. */
static bool ask(struct auth_query *q, struct span *why, int64_t now)
{
    struct http_url url = {0};
    bool good = auth_request_url(&url, server_of(q), buf_span(&q->parameters), why);
    if (good && !charge(q)) {
        *why = SPAN("no room for the request");
        good = false;
    }
    if (good) {
        q->secured = url.https;
        q->fetch = http_fetch_begin(&q->auth->http, &url, q, now);
    }
    http_url_free(&url);
    return good;
}

/* Asks the current server by https at this port. As in nsqd, this uses the server's own URL and not
 * the URL of a redirect, and the timeout starts again. Returns false, with a static reason, if the
 * server cannot be asked. */
static bool ask_by_https(struct auth_query *q, int64_t port, struct span *why, int64_t now)
{
    struct http_url url = {0};
    bool good = auth_request_url(&url, server_of(q), buf_span(&q->parameters), why) &&
                http_url_secure(&url, port, why);
    q->secured = true;
    if (good) {
        q->fetch = http_fetch_begin(&q->auth->http, &url, q, now);
    }
    http_url_free(&url);
    return good;
}

/* Asks the next server. When there is none, the query has failed. */
static void ask_next(struct auth_query *q, int64_t now)
{
    while (q->tried < q->auth->config.server_count) {
        struct span why = {NULL, 0};
        q->tried++;
        if (ask(q, &why, now)) {
            return;
        }
        note_failure(q, why);
    }
    finish(q);
}

static void server_failed(struct auth_query *q, struct span why, int64_t now)
{
    note_failure(q, why); /* before the fetch ends, which may own the reason */
    end_fetch(q);
    move_to(q, &q->auth->open);
    ask_next(q, now);
}

/* --- what a server answers -------------------------------------------------------------------- */

/* "got response 500" */
static void got_bad_status(struct auth_query *q, int status, int64_t now)
{
    struct buf why = {0};
    text_append(&why, "got response ");
    text_append_decimal(&why, status);
    server_failed(q, buf_span(&why), now);
    buf_free(&why);
}

/* Charges the memory that the permissions use now. Returns false if the budget has no room for it.
 * The memory of the reading itself is held only for a short time, and is not refused. */
static bool charge_reply(struct auth_query *q)
{
    struct budget *budget = q->auth->budget;
    size_t cost = auth_reply_cost(q->reply);
    if (cost > q->granted && !budget_has_room(budget, BUDGET_CLIENT, cost - q->granted)) {
        return false;
    }
    budget_release(budget, q->granted);
    budget_charge(budget, cost);
    q->granted = cost;
    hold(q, auth_reply_memory(q->reply));
    return true;
}

/* Reads a slice of an answer that says what is granted. */
static void read_grants(struct auth_query *q, int64_t now)
{
    bool over = auth_reply_go_on(q->reply, http_fetch_body(q->fetch), q->auth->effort);
    if (!charge_reply(q)) {
        server_failed(q, SPAN("no room for what was granted"), now);
        return;
    }
    if (!over) {
        return;
    }
    struct buf why = {0};
    q->state = auth_reply_take(q->reply, &why);
    if (q->state != NULL) {
        finish(q);
        q->granted = q->state->cost;
        budget_charge(q->auth->budget, q->granted);
    } else {
        server_failed(q, buf_span(&why), now);
    }
    buf_free(&why);
}

/* Reads a slice of an answer that may tell to ask by https. */
static void read_forbidden(struct auth_query *q, int64_t now)
{
    struct span why = {NULL, 0};
    int64_t port;
    bool over = auth_forbidden_read(q->forbidden, http_fetch_body(q->fetch), q->auth->effort);
    hold(q, sizeof *q->forbidden + ALLOC_OVERHEAD + auth_document_memory(&q->forbidden->document));
    if (!over) {
        return;
    }
    if (!auth_forbidden_port(q->forbidden, &port)) {
        got_bad_status(q, STATUS_FORBIDDEN, now);
        return;
    }
    end_fetch(q);
    move_to(q, &q->auth->open);
    if (!ask_by_https(q, port, &why, now)) {
        server_failed(q, why, now);
    }
}

static void begin_reading(struct auth_query *q, int status)
{
    http_fetch_keep(q->fetch);
    if (status == STATUS_OK) {
        q->reply = auth_reply_new(q->auth->config.max_state);
    } else {
        q->forbidden = alloc_zeroed(sizeof *q->forbidden);
        auth_forbidden_begin(q->forbidden);
    }
    move_to(q, &q->auth->reading);
}

static void fetch_done(struct auth_query *q, int64_t now)
{
    struct span failure = http_fetch_failure(q->fetch);
    int status = http_fetch_status(q->fetch);
    effort_use(q->auth->effort, EFFORT_COMMAND);
    if (failure.n > 0) {
        server_failed(q, failure, now);
    } else if (status == STATUS_OK || (status == STATUS_FORBIDDEN && !q->secured)) {
        begin_reading(q, status);
    } else {
        got_bad_status(q, status, now);
    }
}

/* Reads a slice of the answer that has waited for the longest time. */
static void read_next(struct auth *auth, int64_t now)
{
    struct auth_query *q = container_of(auth->reading.next, struct auth_query, link);
    move_to(q, &auth->reading);
    if (q->reply != NULL) {
        read_grants(q, now);
    } else {
        read_forbidden(q, now);
    }
}

/* --- queries ---------------------------------------------------------------------------------- */

static size_t random_server(struct auth *auth)
{
    uint64_t count = auth->asked++;
    return (size_t)(hash_bytes(&auth->seed, span_make(&count, sizeof count)) %
                    auth->config.server_count);
}

struct auth_query *auth_ask(struct auth *auth, const struct auth_client *client, void *owner,
                            int64_t now)
{
    struct auth_query *q = alloc_zeroed(sizeof *q);
    q->auth = auth;
    q->owner = owner;
    q->first = random_server(auth);
    list_init(&q->link);
    list_push(&auth->open, &q->link);
    if (client->secret.n > AUTH_SECRET_MAX) {
        text_append(&q->why, "secret too long; ");
        finish(q);
        return q;
    }
    auth_query_append(&q->parameters, client->common_name, client->remote_ip, client->secret,
                      client->tls);
    ask_next(q, now);
    return q;
}

bool auth_has_done(const struct auth *auth)
{
    return !list_empty(&auth->done) || !list_empty(&auth->reading) ||
           http_client_next_done(&auth->http) != NULL;
}

struct auth_query *auth_next_done(struct auth *auth, int64_t now)
{
    while (list_empty(&auth->done) && auth_has_done(auth) && effort_is_left(auth->effort)) {
        struct http_fetch *fetch = http_client_next_done(&auth->http);
        if (fetch != NULL) {
            fetch_done(http_fetch_owner(fetch), now);
        } else {
            read_next(auth, now);
        }
    }
    return list_empty(&auth->done) ? NULL : container_of(auth->done.next, struct auth_query, link);
}

void *auth_owner(const struct auth_query *query)
{
    return query->owner;
}

struct auth_state *auth_take(struct auth_query *query, struct buf *why)
{
    struct auth_state *state = query->state;
    struct span text = buf_span(&query->why);
    query->state = NULL;
    if (text.n > 2) { /* without the last "; " */
        buf_append(why, span_first(text, text.n - 2));
    }
    auth_drop(query);
    return state;
}

void auth_drop(struct auth_query *query)
{
    end_fetch(query);
    auth_state_free(query->state);
    buf_free(&query->parameters);
    buf_free(&query->why);
    list_remove(&query->link);
    budget_release(query->auth->budget, query->cost);
    alloc_free(query);
}

/* --- the service ------------------------------------------------------------------------------ */

void auth_init(struct auth *auth, const struct auth_config *config, struct serve *serve,
               struct budget *budget, struct effort *effort, const struct hash_seed *seed)
{
    const struct http_client_config http = {
        .connect_timeout = config->connect_timeout,
        .request_timeout = config->request_timeout,
        .body_max = config->max_body,
        .accept = SPAN("application/vnd.nsq; version=1.0"),
        .tls = config->tls,
    };
    *auth = (struct auth){.config = *config, .budget = budget, .effort = effort, .seed = *seed};
    http_client_init(&auth->http, &http, serve, budget);
    list_init(&auth->open);
    list_init(&auth->reading);
    list_init(&auth->done);
}

bool auth_is_on(const struct auth *auth)
{
    return auth->config.server_count > 0;
}
