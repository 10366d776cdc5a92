/* SPDX-License-Identifier: MIT */
/*
 * One fetch is a protocol on a connection that this side opens. Each redirect opens a new
 * connection. All memory of a fetch is charged to the memory budget before the connection is
 * opened. The body is charged while it grows. Must not know: why the owner asks, what an answer
 * means, logs.
 */
#include "http/http_client.h"

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"
#include "http/http_request.h"
#include "http/http_response.h"

struct http_fetch {
    struct http_client *client;
    void *owner;
    struct list link;    /* in client->open, or client->done */
    struct http_url url; /* of the current connection */
    unsigned redirects;
    struct conn *conn; /* NULL: none */
    bool connected;
    struct http_response response;
    int64_t deadline; /* of the whole fetch */
    size_t cost;      /* what is charged for it */
    struct buf failure;
};

/* --- how a fetch ends ------------------------------------------------------------------------- */

static void leave(struct http_fetch *f)
{
    if (f->conn != NULL) {
        conn_leave(f->conn);
        f->conn = NULL;
    }
}

static void end(struct http_fetch *f)
{
    leave(f);
    list_remove(&f->link);
    list_push(&f->client->done, &f->link);
}

static void fail(struct http_fetch *f, struct span why)
{
    buf_append(&f->failure, why);
    end(f);
}

static size_t url_size(const struct http_url *u)
{
    return u->host.n + u->name.n + u->address.n + u->user.n + u->path.n + u->query.n;
}

/* Charges the memory that the fetch uses now. Its URL counts twice, because the request repeats it.
 * Returns false if the budget has no room. */
static bool charge(struct http_fetch *f)
{
    struct budget *budget = f->client->budget;
    size_t held = sizeof *f + sizeof(struct conn) + 2 * url_size(&f->url) + f->response.body.n +
                  (f->url.https ? f->client->config.tls.cost : 0);
    if (held > f->cost && !budget_has_room(budget, BUDGET_CLIENT, held - f->cost)) {
        return false;
    }
    budget_release(budget, f->cost);
    budget_charge(budget, held);
    f->cost = held;
    return true;
}

/* --- making a connection ---------------------------------------------------------------------- */

static const struct protocol http_protocol;

static int64_t deadline(int64_t now, int64_t timeout)
{
    return timeout > 0 ? time_after(now, timeout) : TIME_NEVER;
}

/* Connects to the address of the current URL. */
static void connect_to(struct http_fetch *f, int64_t now)
{
    struct http_client *client = f->client;
    int64_t timeout = client->config.connect_timeout;
    if (!charge(f)) {
        fail(f, SPAN("no room for the request"));
        return;
    }
    f->connected = false;
    f->conn = conn_connect(client->serve, buf_span(&f->url.address), &http_protocol, client, f);
    if (f->conn == NULL) {
        fail(f, SPAN("too many connections"));
        return;
    }
    conn_set_due(f->conn, time_earlier(timeout < 0 ? now : deadline(now, timeout), f->deadline));
}

static void send_request(struct http_fetch *f, int64_t now)
{
    struct buf request = {0};
    http_request_append(&request, &f->url, f->client->config.accept);
    conn_send(f->conn, buf_span(&request), now);
    buf_free(&request);
}

static void start_tls(struct http_fetch *f, int64_t now)
{
    const struct http_tls *tls = &f->client->config.tls;
    struct codec codec = {NULL, NULL};
    struct buf name = {0};
    buf_append(&name, buf_span(&f->url.name));
    text_append(&name, "\0");
    if (tls->connect != NULL) {
        codec = tls->connect(tls->self, (const char *)buf_span(&name).p);
    }
    buf_free(&name);
    if (codec.calls == NULL) {
        fail(f, SPAN("no TLS to be had"));
        return;
    }
    int64_t rest = f->deadline == TIME_NEVER ? TIME_NEVER : f->deadline - now;
    conn_add_codec(f->conn, codec, time_earlier(HTTP_HANDSHAKE_NS, rest), now);
}

/* --- the answer ------------------------------------------------------------------------------- */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Prepares for the next answer. */
static void clear_response(struct http_fetch *f)
{
    http_response_free(&f->response);
    http_response_init(&f->response, f->client->config.body_max);
}

static void follow(struct http_fetch *f, int64_t now)
{
    struct span why = {NULL, 0};
    if (++f->redirects >= HTTP_REDIRECTS_MAX) {
        fail(f, SPAN("stopped after 10 redirects"));
    } else if (!http_url_follow(&f->url, buf_span(&f->response.location), &why)) {
        fail(f, why);
    } else {
        leave(f);
        clear_response(f);
        connect_to(f, now);
    }
}

static void received(struct http_fetch *f, enum http_response_state state, int64_t now)
{
    if (!charge(f)) {
        fail(f, SPAN("no room for the answer"));
    } else if (state == HTTP_RESPONSE_BAD) {
        fail(f, f->response.bad);
    } else if (state == HTTP_RESPONSE_WHOLE) {
        if (is_redirect(http_response_status(&f->response)) && f->response.location.n > 0) {
            follow(f, now);
        } else {
            end(f);
        }
    }
}

/* --- what serve calls ------------------------------------------------------------------------- */

static void on_connected(void *service, void *session, struct span why, int64_t now)
{
    struct http_fetch *f = session;
    (void)service;
    if (why.n > 0) {
        f->conn = NULL;
        fail(f, why);
        return;
    }
    f->connected = true;
    conn_set_due(f->conn, f->deadline);
    if (f->url.https) {
        start_tls(f, now);
    } else {
        send_request(f, now);
    }
}

static void on_upgraded(void *service, void *session, struct span why, int64_t now)
{
    struct http_fetch *f = session;
    (void)service;
    if (why.n > 0) {
        fail(f, why);
    } else {
        send_request(f, now);
    }
}

static size_t on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct http_fetch *f = session;
    (void)service;
    received(f, http_response_parse(&f->response, in), now);
    return in.n;
}

static void on_eof(void *service, void *session, int64_t now)
{
    struct http_fetch *f = session;
    (void)service;
    received(f, http_response_eof(&f->response), now);
}

static void on_due(void *service, void *session, int64_t now)
{
    struct http_fetch *f = session;
    (void)service;
    (void)now;
    fail(f, f->connected ? SPAN("Client.Timeout exceeded") : SPAN("i/o timeout"));
}

static void on_closed(void *service, void *session, int64_t now)
{
    (void)now;
    struct http_fetch *f = session;
    (void)service;
    f->conn = NULL;
    fail(f, SPAN("connection lost"));
}

static const struct protocol http_protocol = {
    .connected = on_connected,
    .recv = on_recv,
    .eof = on_eof,
    .due = on_due,
    .upgraded = on_upgraded,
    .closed = on_closed,
};

/* --- for owners ------------------------------------------------------------------------------- */

void http_client_init(struct http_client *client, const struct http_client_config *config,
                      struct serve *serve, struct budget *budget)
{
    *client = (struct http_client){.config = *config, .serve = serve, .budget = budget};
    list_init(&client->open);
    list_init(&client->done);
}

struct http_fetch *http_fetch_begin(struct http_client *client, struct http_url *url, void *owner,
                                    int64_t now)
{
    struct http_fetch *f = alloc_zeroed(sizeof *f);
    f->client = client;
    f->owner = owner;
    f->url = *url;
    *url = (struct http_url){0};
    f->deadline = deadline(now, client->config.request_timeout);
    list_init(&f->link);
    list_push(&client->open, &f->link);
    http_response_init(&f->response, client->config.body_max);
    connect_to(f, now);
    return f;
}

struct http_fetch *http_client_next_done(const struct http_client *client)
{
    const struct list *done = &client->done;
    return list_empty(done) ? NULL : container_of(done->next, struct http_fetch, link);
}

void *http_fetch_owner(const struct http_fetch *fetch)
{
    return fetch->owner;
}

struct span http_fetch_failure(const struct http_fetch *fetch)
{
    return buf_span(&fetch->failure);
}

int http_fetch_status(const struct http_fetch *fetch)
{
    return http_response_status(&fetch->response);
}

struct span http_fetch_body(const struct http_fetch *fetch)
{
    return buf_span(&fetch->response.body);
}

void http_fetch_keep(struct http_fetch *fetch)
{
    list_remove(&fetch->link);
}

void http_fetch_drop(struct http_fetch *f)
{
    leave(f);
    list_remove(&f->link);
    budget_release(f->client->budget, f->cost);
    http_response_free(&f->response);
    http_url_free(&f->url);
    buf_free(&f->failure);
    alloc_free(f);
}
