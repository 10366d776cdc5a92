/* SPDX-License-Identifier: MIT */
#include "auth/auth.h"

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "http/http_request.h"
#include "http/http_response.h"

#define STATUS_OK 200
#define STATUS_FORBIDDEN 403
#define WHY_MAX 1024 /* bytes kept of the reasons of one query */

/* One query, and the request in hand. */
struct auth_query {
    struct auth *auth;
    void *owner;
    struct list link; /* in auth->open, or auth->done */
    struct buf parameters;
    size_t first;           /* the server that was asked first */
    size_t tried;           /* how many were */
    struct http_url target; /* of the request in hand */
    unsigned redirects;
    bool secured;      /* the server's own URL is https, or a 403 has turned it to that */
    struct conn *conn; /* NULL: none */
    bool connected;
    struct http_response http;
    int64_t connect_deadline;
    int64_t request_deadline;
    size_t cost; /* what is charged for it */
    struct buf why;
    struct auth_state *state;
};

static void ask_next(struct auth_query *q, int64_t now);
static struct span server_of(const struct auth_query *q);
static bool target_server(struct auth_query *q, struct span *why);
static void send_request(struct auth_query *q, int64_t now);

/* --- the ends of requests and queries --------------------------------------------------------- */

/* Charges what the query holds now. False: there is no room for it. */
static bool charge(struct auth_query *q)
{
    size_t held = sizeof *q + sizeof(struct conn) + 3 * q->parameters.n + q->http.body.n +
                  (q->target.https ? q->auth->config.tls.cost : 0);
    if (held > q->cost && !budget_has_room(q->auth->budget, BUDGET_CLIENT, held - q->cost)) {
        return false;
    }
    budget_release(q->auth->budget, q->cost);
    budget_charge(q->auth->budget, held);
    q->cost = held;
    return true;
}

static void end_request(struct auth_query *q)
{
    if (q->conn != NULL) {
        conn_leave(q->conn);
        q->conn = NULL;
    }
    http_response_free(&q->http);
    http_response_init(&q->http, q->auth->config.max_body);
}

static void finish(struct auth_query *q)
{
    end_request(q);
    list_remove(&q->link);
    list_push(&q->auth->done, &q->link);
}

/* The server's own URL: where it has redirected to may repeat the secret. */
static void show_server(struct auth_query *q)
{
    struct http_url own = {0};
    struct span why = {NULL, 0};
    auth_request_url(&own, server_of(q), SPAN(""), &why);
    http_url_show(&own, &q->why);
    http_url_free(&own);
}

/* The server in hand is of no use: the next is asked. */
static void server_failed(struct auth_query *q, struct span why, int64_t now)
{
    end_request(q);
    if (q->why.n < WHY_MAX) {
        text_append(&q->why, "failed to auth against ");
        show_server(q);
        text_append(&q->why, " - ");
        buf_append(&q->why, why);
        text_append(&q->why, "; ");
    }
    ask_next(q, now);
}

#define FAILED(q, literal, now) server_failed((q), SPAN(literal), (now))

/* --- what a server answers -------------------------------------------------------------------- */

static void got_grants(struct auth_query *q, int64_t now)
{
    struct buf why = {0};
    q->state = auth_reply_parse(buf_span(&q->http.body), q->auth->config.max_state, &why);
    if (q->state != NULL) {
        finish(q);
    } else {
        server_failed(q, buf_span(&why), now);
    }
    buf_free(&why);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* "got response 500" */
static void bad_status(struct auth_query *q, int status, int64_t now)
{
    struct buf why = {0};
    text_append(&why, "got response ");
    text_append_decimal(&why, status);
    server_failed(q, buf_span(&why), now);
    buf_free(&why);
}

/* Asks the target again, which was turned elsewhere. */
static void ask_elsewhere(struct auth_query *q, bool turned, struct span why, int64_t now)
{
    end_request(q);
    if (turned) {
        send_request(q, now);
    } else {
        server_failed(q, why, now);
    }
}

static void got_answer(struct auth_query *q, int64_t now)
{
    int status = http_response_status(&q->http);
    struct span why = {NULL, 0};
    int64_t port;
    if (status == STATUS_OK) {
        got_grants(q, now);
    } else if (is_redirect(status) && q->http.location.n > 0) {
        if (++q->redirects >= AUTH_REDIRECTS_MAX) {
            FAILED(q, "stopped after 10 redirects", now);
            return;
        }
        bool moved = http_url_follow(&q->target, buf_span(&q->http.location), &why);
        ask_elsewhere(q, moved, why, now);
    } else if (status == STATUS_FORBIDDEN && !q->secured) {
        if (!auth_reply_https_port(buf_span(&q->http.body), &port)) {
            FAILED(q, "got response 403", now);
            return;
        }
        /* As nsqd: not where a redirect has led to. */
        bool turned = target_server(q, &why) && http_url_secure(&q->target, port, &why);
        q->secured = true;
        q->redirects = 0; /* a request of its own, with the whole time again */
        q->request_deadline = TIME_NEVER;
        ask_elsewhere(q, turned, why, now);
    } else {
        bad_status(q, status, now);
    }
}

static void took(struct auth_query *q, enum http_response_state outcome, int64_t now)
{
    if (!charge(q)) {
        FAILED(q, "no room for the answer", now);
    } else if (outcome == HTTP_RESPONSE_WHOLE) {
        got_answer(q, now);
    } else if (outcome == HTTP_RESPONSE_BAD) {
        server_failed(q, q->http.bad, now);
    }
}

/* --- the connection --------------------------------------------------------------------------- */

static void say_request(struct auth_query *q)
{
    struct buf request = {0};
    http_request_append(&request, &q->target, SPAN("application/vnd.nsq; version=1.0"));
    conn_send(q->conn, buf_span(&request));
    buf_free(&request);
}

/* Gives the name of the server as a C string. */
static void begin_tls(struct auth_query *q, int64_t now)
{
    const struct auth_tls *tls = &q->auth->config.tls;
    struct buf name = {0};
    buf_append(&name, buf_span(&q->target.name));
    text_append(&name, "\0");
    struct codec codec = {NULL, NULL};
    if (tls->connect != NULL) {
        codec = tls->connect(tls->self, (const char *)buf_span(&name).p);
    }
    buf_free(&name);
    if (codec.calls == NULL) {
        FAILED(q, "no TLS to be had", now);
        return;
    }
    int64_t left = q->request_deadline == TIME_NEVER ? TIME_NEVER : q->request_deadline - now;
    conn_push(q->conn, codec, time_earlier(AUTH_HANDSHAKE_NS, left));
}

static void on_connected(void *service, void *session, struct span why, int64_t now)
{
    struct auth_query *q = session;
    (void)service;
    if (why.n > 0) {
        q->conn = NULL;
        server_failed(q, why, now);
        return;
    }
    q->connected = true;
    conn_set_due(q->conn, q->request_deadline);
    if (q->target.https) {
        begin_tls(q, now);
    } else {
        say_request(q);
    }
}

static void on_upgraded(void *service, void *session, struct span why, int64_t now)
{
    struct auth_query *q = session;
    (void)service;
    if (why.n > 0) {
        server_failed(q, why, now);
    } else {
        say_request(q);
    }
}

static size_t on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct auth_query *q = session;
    (void)service;
    took(q, http_response_parse(&q->http, in), now);
    return in.n;
}

static void on_eof(void *service, void *session, int64_t now)
{
    struct auth_query *q = session;
    (void)service;
    took(q, http_response_eof(&q->http), now);
}

static void on_due(void *service, void *session, int64_t now)
{
    struct auth_query *q = session;
    (void)service;
    if (q->connected) {
        FAILED(q, "Client.Timeout exceeded", now);
    } else {
        FAILED(q, "i/o timeout", now);
    }
}

static void on_drained(void *service, void *session)
{
    (void)service;
    (void)session;
}

static void on_closed(void *service, void *session)
{
    struct auth_query *q = session;
    (void)service;
    q->conn = NULL;
    FAILED(q, "connection lost", q->auth->serve->now);
}

static const struct protocol auth_protocol = {
    .connected = on_connected,
    .recv = on_recv,
    .eof = on_eof,
    .due = on_due,
    .upgraded = on_upgraded,
    .drained = on_drained,
    .closed = on_closed,
};

/* --- asking ----------------------------------------------------------------------------------- */

/* ns from now; none or less: never. */
static int64_t deadline(int64_t now, int64_t timeout)
{
    return timeout > 0 ? time_after(now, timeout) : TIME_NEVER;
}

static void send_request(struct auth_query *q, int64_t now)
{
    const struct auth_config *c = &q->auth->config;
    if (q->request_deadline == TIME_NEVER) {
        q->request_deadline = deadline(now, c->request_timeout);
    }
    if (!charge(q)) {
        FAILED(q, "no room for the request", now);
        return;
    }
    int64_t connect = c->connect_timeout < 0 ? now : deadline(now, c->connect_timeout);
    q->connected = false;
    q->conn =
        conn_connect(q->auth->serve, buf_span(&q->target.address), &auth_protocol, q->auth, q);
    if (q->conn == NULL) {
        FAILED(q, "too many connections", now);
        return;
    }
    conn_set_due(q->conn, time_earlier(connect, q->request_deadline));
}

/* The server in hand, as the command line names it. */
static struct span server_of(const struct auth_query *q)
{
    const struct auth_config *c = &q->auth->config;
    const char *server = c->servers[(q->first + q->tried - 1) % c->server_count];
    return span_make(server, strlen(server));
}

static bool target_server(struct auth_query *q, struct span *why)
{
    http_url_free(&q->target);
    q->target = (struct http_url){0};
    return auth_request_url(&q->target, server_of(q), buf_span(&q->parameters), why);
}

/* Asks the next server; without one, the query has failed. It goes no deeper than there are
 * servers. */
static void ask_next(struct auth_query *q, int64_t now)
{
    const struct auth_config *c = &q->auth->config;
    struct span why = {NULL, 0};
    if (q->tried == c->server_count) {
        finish(q);
        return;
    }
    q->tried++;
    q->redirects = 0;
    q->request_deadline = TIME_NEVER;
    bool good = target_server(q, &why);
    q->secured = q->target.https;
    if (good) {
        send_request(q, now);
    } else {
        server_failed(q, why, now);
    }
}

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
    http_response_init(&q->http, auth->config.max_body);
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

struct auth_query *auth_next_done(const struct auth *auth)
{
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
    end_request(query);
    http_response_free(&query->http);
    http_url_free(&query->target);
    auth_state_free(query->state);
    buf_free(&query->parameters);
    buf_free(&query->why);
    list_remove(&query->link);
    budget_release(query->auth->budget, query->cost);
    alloc_free(query);
}

/* --- the service ------------------------------------------------------------------------------ */

void auth_init(struct auth *auth, const struct auth_config *config, struct serve *serve,
               struct budget *budget, struct log *log, const struct hash_seed *seed)
{
    *auth = (struct auth){
        .config = *config, .serve = serve, .budget = budget, .log = log, .seed = *seed};
    list_init(&auth->open);
    list_init(&auth->done);
}

bool auth_is_on(const struct auth *auth)
{
    return auth->config.server_count > 0;
}
