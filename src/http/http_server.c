/* SPDX-License-Identifier: MIT */
/*
 * Reads the requests of connections, and handles their deadlines. Must not know how requests are
 * answered (http_server_call.c), what routes do, sockets, clocks.
 */
#include "http/http_server.h"

#include "base/alloc.h"
#include "http/http_session.h"

#define SESSION_COST (sizeof(struct http_session) + sizeof(struct conn) + 2 * ALLOC_OVERHEAD)
/* Go's answer to a request in clear text at a port with TLS. */
#define NOT_ENCRYPTED                                                                              \
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
#define PART_OF_OTHERS 8 /* 1 / PART_OF_OTHERS of all connections is not for HTTP */
/* The codecs of a server may use 1 / PART_OF_CODECS of the memory budget, but CODECS_LEAST
 * connections are always possible. Without this bound, clients that only connect could fill the
 * memory, because TLS needs much of it. */
#define PART_OF_CODECS 8
#define CODECS_LEAST 2
/* Go's server waits for this many bytes of the next request before it looks at them. */
#define NEXT_LEAST 4

/* --- memory ----------------------------------------------------------------------------------- */

/* Notes how much memory the connection holds. To be called after every change of its buffers. */
static void note_held(struct http_session *s)
{
    const struct http_reader *r = &s->reader;
    size_t held = r->bytes.cap + r->target.path.cap + s->headers.cap + s->body.cap;
    budget_hold(s->call.server->config.budget, s->held, held);
    s->held = held;
}

static size_t cost_of(const struct http_server *server)
{
    return SESSION_COST + (server->config.tls.make == NULL ? 0 : server->config.tls.cost);
}

/* --- slots ------------------------------------------------------------------------------------ */

void http_slots_init(struct http_slots *slots, size_t connections)
{
    *slots = (struct http_slots){.most = connections - connections / PART_OF_OTHERS};
    list_init(&slots->idle);
}

/* Notes that the connection has no request now. */
static void note_idle(struct http_session *s)
{
    struct http_server *server = s->call.server;
    list_push(&server->idle, &s->idle);
    if (server->config.slots != NULL) {
        list_push(&server->config.slots->idle, &s->idle_of_all);
    }
}

/* Notes that a request has begun, or that the connection ends. */
static void note_busy(struct http_session *s)
{
    list_remove(&s->idle);
    list_remove(&s->idle_of_all);
}

/* --- deadlines -------------------------------------------------------------------------------- */

static int64_t deadline(const struct http_session *s)
{
    switch (s->phase) {
    case HTTP_IN_HEAD:
        return time_after(s->begun,
                          http_reader_has_begun(&s->reader) ? HTTP_HEAD_NS : HTTP_IDLE_NS);
    case HTTP_IN_BODY:
    case HTTP_IN_DISCARD:
        return time_after(s->begun,
                          HTTP_BODY_NS + (int64_t)(s->received / HTTP_BODY_A_SECOND) * TIME_SECOND);
    default:
        return TIME_NEVER;
    }
}

static void set_due(struct http_session *s)
{
    if (s->phase != HTTP_IS_OVER) {
        conn_set_due(s->conn, deadline(s));
    }
}

static void finish(struct http_session *s, bool linger, int64_t now)
{
    s->phase = HTTP_IS_OVER;
    note_busy(s);
    http_session_drop_call(s);
    conn_set_due(s->conn, TIME_NEVER);
    conn_finish(s->conn, linger && !s->eof, now);
}

static void on_due(void *service, void *session, int64_t now)
{
    struct http_session *s = session;
    (void)service;
    if (!conn_may_read(s->conn) && s->phase != HTTP_IS_OVER) {
        s->begun = now; /* the client is not late: its output must be taken first */
    } else if (s->phase == HTTP_IN_BODY || s->phase == HTTP_IN_DISCARD) {
        http_session_end_body(s, true, now);
    } else if (s->phase == HTTP_IN_HEAD) {
        finish(s, http_reader_has_begun(&s->reader), now);
    }
    set_due(s);
    note_held(s);
}

/* --- requests --------------------------------------------------------------------------------- */

void http_session_pause_or_resume(struct http_session *s)
{
    bool pause = s->phase == HTTP_IS_HELD || s->phase == HTTP_IN_STREAM;
    if (s->phase != HTTP_IS_OVER && pause != s->conn->input_paused) {
        conn_pause_input(s->conn, pause);
    }
}

/* The time in which the client had to wait does not count as time for the body. */
void http_session_discard(struct http_session *s, int64_t now)
{
    if (s->phase == HTTP_IS_HELD) {
        s->begun = now;
        s->received = 0;
    }
    s->phase = HTTP_IN_DISCARD;
    s->discarded = s->call.unused;
    http_session_pause_or_resume(s);
    set_due(s);
}

void http_session_answered(struct http_session *s, int64_t now)
{
    if (s->must_close || s->eof) {
        finish(s, true, now);
        return;
    }
    http_session_drop_call(s);
    http_reader_next(&s->reader);
    s->first = false;
    s->phase = HTTP_IN_HEAD;
    note_idle(s);
    s->begun = now;
    s->received = 0;
    http_session_pause_or_resume(s);
    set_due(s);
}

static void refuse(struct http_session *s, enum http_refusal refusal, int64_t now)
{
    conn_send(s->conn, http_refusal_text(refusal), now);
    finish(s, true, now);
}

/* Returns whether too much of a head has arrived without its end, while connections hold more than
 * their share. */
static bool is_long_head(const struct http_session *s)
{
    const struct http_reader *r = &s->reader;
    return r->state == HTTP_READER_HEAD && r->bytes.n > r->limits->head_little &&
           budget_share_is_passed(s->call.server->config.budget);
}

/* Line ends that the reader skips are no bytes of a request. */
static size_t take_head(struct http_session *s, struct span in, int64_t now)
{
    struct http_reader *r = &s->reader;
    bool had_begun = http_reader_has_begun(r);
    size_t n = http_reader_head(r, in);
    effort_use(s->call.server->config.effort, EFFORT_PART + n / EFFORT_HEAD_BYTES);
    if (!had_begun && http_reader_has_begun(r)) {
        s->begun = now;
        note_busy(s);
    }
    if (is_long_head(s)) {
        refuse(s, HTTP_TOO_LARGE, now);
    } else if (r->state == HTTP_READER_REFUSED) {
        refuse(s, r->refusal, now);
    } else if (r->state != HTTP_READER_HEAD) {
        effort_use(s->call.server->config.effort, EFFORT_REQUEST);
        s->begun = now;
        http_session_dispatch(s, now);
    }
    return n;
}

/* Gives bytes of the body to the handler, or discards them. */
static void use_data(struct http_session *s, struct span data, int64_t now)
{
    const struct http_route *route = s->call.route;
    if (s->phase == HTTP_IN_DISCARD) {
        s->discarded += data.n;
    } else if (data.n > 0 && route->body == HTTP_BODY_PIECES) {
        s->call.unused = 0;
        route->piece(s->call.server->config.service, &s->call, data, now);
    }
}

static size_t take_body(struct http_session *s, struct span in, int64_t now)
{
    struct span data;
    size_t n = http_reader_body(&s->reader, in, &data);
    enum http_reader_state state = s->reader.state;
    effort_use(s->call.server->config.effort, EFFORT_PART + n / EFFORT_BYTES);
    s->received += n;
    use_data(s, data, now);
    bool too_long = s->phase == HTTP_IN_DISCARD && s->discarded > s->reader.limits->discard;
    bool ends = state != HTTP_READER_BODY || too_long;
    if (ends && (s->phase == HTTP_IN_BODY || s->phase == HTTP_IN_DISCARD)) {
        http_session_end_body(s, state == HTTP_READER_BROKEN || too_long, now);
    }
    return n;
}

static size_t on_recv(void *service, void *session, struct span in, int64_t now)
{
    struct http_session *s = session;
    const struct http_server_config *config = &((struct http_server *)service)->config;
    size_t consumed = 0;
    effort_allow_input(config->effort, config->effort_a_call);
    while (consumed < in.n && conn_may_read(s->conn) && effort_is_left(config->effort)) {
        struct span rest = span_skip(in, consumed);
        consumed += s->phase == HTTP_IN_HEAD ? take_head(s, rest, now) : take_body(s, rest, now);
    }
    set_due(s);
    note_held(s);
    return consumed;
}

/* Go answers a head that has arrived in part with an error. */
static void end_in_head(struct http_session *s, int64_t now)
{
    size_t n = s->reader.bytes.n;
    if (n == 0 || (!s->first && n < NEXT_LEAST)) {
        finish(s, false, now);
    } else {
        refuse(s, HTTP_BAD_REQUEST, now);
    }
}

static void on_eof(void *service, void *session, int64_t now)
{
    struct http_session *s = session;
    const struct http_server_config *config = &((struct http_server *)service)->config;
    s->eof = true;
    effort_allow(config->effort, config->effort_a_call);
    if (s->phase == HTTP_IN_HEAD) {
        end_in_head(s, now);
    } else if (s->phase == HTTP_IN_BODY || s->phase == HTTP_IN_DISCARD) {
        http_session_end_body(s, true, now);
    }
    note_held(s);
}

/* --- connections ------------------------------------------------------------------------------ */

/* Returns whether the codecs of the server need too much memory. A codec needs it as soon as its
 * connection begins. */
static bool has_too_many_codecs(const struct http_server *server)
{
    const struct http_server_config *c = &server->config;
    size_t codecs = c->tls.make == NULL ? 0 : server->count * c->tls.cost;
    return codecs > c->budget->cap / PART_OF_CODECS && server->count > CODECS_LEAST;
}

/* Returns the connection of the server that has waited longest for a request; NULL: none waits. */
static struct http_session *longest_idle(const struct http_server *server)
{
    const struct list *idle = &server->idle;
    return list_empty(idle) ? NULL : container_of(idle->next, struct http_session, idle);
}

/* The same, of all connections that share the slots. */
static struct http_session *longest_idle_of_all(const struct http_slots *slots)
{
    const struct list *idle = &slots->idle;
    return list_empty(idle) ? NULL : container_of(idle->next, struct http_session, idle_of_all);
}

/* Makes room for one more connection, which is counted already. Above a limit, this closes the
 * connection that has waited longest for a request. Returns false if no connection waits. */
static bool make_room(const struct http_server *server, int64_t now)
{
    const struct http_slots *slots = server->config.slots;
    struct http_session *ends;
    if (has_too_many_codecs(server)) {
        ends = longest_idle(server); /* only its own connections have such codecs */
    } else if (slots != NULL && slots->count > slots->most) {
        ends = longest_idle_of_all(slots);
    } else {
        return true;
    }
    if (ends != NULL) {
        finish(ends, false, now);
    }
    return ends != NULL;
}

/* A new connection takes a slot, or is closed. */
static void take_slot(struct http_session *s, int64_t now)
{
    struct http_server *server = s->call.server;
    server->count++;
    if (server->config.slots != NULL) {
        server->config.slots->count++;
    }
    if (make_room(server, now)) {
        note_idle(s);
    } else {
        log_say(server->config.log, LOG_WARNING, "http: refusing client(%), too many connections",
                conn_peer(s->conn));
        finish(s, false, now);
    }
}

static void *on_open(void *service, struct conn *conn, int64_t now)
{
    struct http_server *server = service;
    const struct codec_maker *tls = &server->config.tls;
    struct http_session *s = alloc_zeroed(sizeof *s);
    s->call.server = server;
    s->conn = conn;
    s->first = true;
    s->begun = now;
    http_reader_init(&s->reader, server->config.limits);
    list_init(&s->streaming);
    list_init(&s->idle);
    list_init(&s->idle_of_all);
    budget_charge(server->config.budget, cost_of(server));
    conn_set_write_timeout(conn, HTTP_WRITE_NS, now);
    take_slot(s, now);
    set_due(s);
    if (tls->make != NULL && s->phase != HTTP_IS_OVER) {
        conn_add_codec(conn, tls->make(tls->self), HTTP_TLS_NS, now);
    }
    return s;
}

static void on_upgraded(void *service, void *session, struct span why, int64_t now)
{
    struct http_session *s = session;
    const struct http_server *server = service;
    if (why.n > 0) {
        log_say(server->config.log, LOG_WARNING, "http: TLS handshake error from %: %",
                conn_peer(s->conn), why);
        if (span_equal(why, SPAN(CODEC_WHY_HTTP))) {
            conn_send(s->conn, SPAN(NOT_ENCRYPTED), now);
        }
        finish(s, true, now);
    }
}

static void on_drained(void *service, void *session, int64_t now)
{
    struct http_session *s = session;
    (void)now;
    if (s->phase == HTTP_IN_STREAM && list_empty(&s->streaming)) {
        list_push(&((struct http_server *)service)->streaming, &s->streaming);
    }
}

static void on_closed(void *service, void *session, int64_t now)
{
    struct http_session *s = session;
    struct http_server *server = service;
    (void)now;
    http_session_drop_call(s);
    http_reader_free(&s->reader);
    note_held(s);
    note_busy(s);
    server->count--;
    if (server->config.slots != NULL) {
        server->config.slots->count--;
    }
    budget_release(server->config.budget, cost_of(server));
    alloc_free(s);
}

const struct protocol http_protocol = {
    .open = on_open,
    .recv = on_recv,
    .eof = on_eof,
    .due = on_due,
    .upgraded = on_upgraded,
    .drained = on_drained,
    .closed = on_closed,
};

/* --- the server ------------------------------------------------------------------------------- */

void http_server_init(struct http_server *server, const struct http_server_config *config)
{
    static const struct http_limits usual = HTTP_LIMITS_USUAL;
    *server = (struct http_server){.config = *config};
    if (config->limits == NULL) {
        server->config.limits = &usual;
    }
    list_init(&server->streaming);
    list_init(&server->idle);
}

void http_server_step(struct http_server *server, int64_t now)
{
    for (int i = 0; i < HTTP_STREAMS_A_STEP && http_server_has_work(server); i++) {
        struct http_session *s =
            container_of(server->streaming.next, struct http_session, streaming);
        http_session_pull(s, now);
        note_held(s);
    }
}
