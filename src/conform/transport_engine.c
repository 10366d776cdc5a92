/* SPDX-License-Identifier: MIT */
/* The round that drives the engine is serve/drive.h's, as in the server. Must not know: what a step
 * expects. */
#include "conform/transport_engine.h"

#include <assert.h>

#include <string.h>

#include "base/alloc.h"
#include "base/time.h"
#include "conform/auth_server.h"
#include "serve/drive.h"

#define START (1000 * TIME_SECOND)                      /* the virtual clock when a case begins */
#define WALL_OFFSET (INT64_C(1767225600) * TIME_SECOND) /* the wall clock at 0: 2026-01-01 */
#define SPANS_AT_ONCE 16
#define ROUNDS_MAX 1000000 /* at one virtual time; an engine that needs more is never idle */
#define FNV_BASIS 0xcbf29ce484222325U
#define FNV_PRIME 0x100000001b3U

static size_t number_of(const struct engine_transport *t, uint64_t id)
{
    size_t i = 0;
    while (i < t->player->conn_count && t->ids[i] != id) {
        i++;
    }
    return i < t->player->conn_count ? i : PLAYER_CONNS_MAX;
}

static void hash_output(struct engine_transport *t, size_t i, struct span bytes)
{
    for (size_t k = 0; bytes.p != NULL && k < bytes.n; k++) {
        t->hashes[i] = (t->hashes[i] ^ bytes.p[k]) * FNV_PRIME;
    }
    t->output += bytes.n;
}

/* Decoded output is hashed, because TLS encrypts the same output to different bytes every time. */
static void keep_output(struct engine_transport *t, size_t i, struct span out)
{
    const struct buf *in = &t->player->conns[i].in;
    size_t before = in->n;
    player_arrived(t->player, i, out);
    hash_output(t, i, span_skip(buf_span(in), before));
}

static void take_output(struct engine_transport *t, size_t i)
{
    const struct tcp_handler *h = &t->server.handler;
    struct span spans[SPANS_AT_ONCE];
    size_t count;
    while ((count = h->out(h->self, t->ids[i], spans, SPANS_AT_ONCE, t->now)) > 0) {
        size_t n = span_total(spans, count);
        for (size_t k = 0; k < count && t->player->conns[i].open; k++) {
            keep_output(t, i, spans[k]);
        }
        h->sent(h->self, t->ids[i], n, t->now);
    }
}

static void closed(struct engine_transport *t, size_t i, enum closed_reason reason)
{
    uint64_t id = t->ids[i];
    t->ids[i] = 0;
    buf_free(&t->rest[i]);
    t->server.handler.closed(t->server.handler.self, id, reason, t->now);
}

/* Offers the input that the engine has not consumed yet, and then the end of the input. */
static void offer(struct engine_transport *t, size_t i)
{
    const struct tcp_handler *h = &t->server.handler;
    if (t->rest[i].n > 0) {
        buf_drop(&t->rest[i], h->recv(h->self, t->ids[i], buf_span(&t->rest[i]), t->now));
    }
    if (t->rest[i].n == 0 && t->eof[i]) {
        t->eof[i] = false;
        h->eof(h->self, t->ids[i], t->now);
    }
}

/* Does what a connection that changed wants. Returns true if there is input for the next round. */
static bool settle_one(struct engine_transport *t, size_t i)
{
    const struct tcp_handler *h = &t->server.handler;
    if (!t->stopped[i]) {
        take_output(t, i);
    }
    unsigned want = h->want(h->self, t->ids[i]);
    if (want & (WANT_CLOSE | WANT_SHUT_WR)) {
        t->player->conns[i].ended = END_FIN;
    }
    if (want & WANT_CLOSE) {
        closed(t, i, CLOSED_AS_WANTED);
        return false;
    }
    return (want & WANT_READ) && (t->rest[i].n > 0 || t->eof[i]);
}

/* --- connections that the engine makes -------------------------------------------------------- */

static struct engine_outbound *outbound_of(struct engine_transport *t, uint64_t id)
{
    struct engine_outbound *o = t->outbound;
    while (o < t->outbound + ENGINE_OUTBOUND_MAX && o->id != id) {
        o++;
    }
    return o < t->outbound + ENGINE_OUTBOUND_MAX ? o : NULL;
}

static void forget_outbound(struct engine_outbound *o)
{
    buf_free(&o->in);
    buf_free(&o->out);
    *o = (struct engine_outbound){0};
}

/* Returns the number of the listener at this address, or TRANSCRIPT_LISTENERS. */
static unsigned listener_at(struct span address)
{
    static const struct span addresses[TRANSCRIPT_LISTENERS] = {
        SPAN_LITERAL(ENGINE_TRANSPORT_LOOKUPD), SPAN_LITERAL(ENGINE_TRANSPORT_LOOKUPD2),
        [TRANSCRIPT_LISTENER_HTTP] = SPAN_LITERAL(ENGINE_TRANSPORT_LOOKUPD_HTTP)};
    unsigned i = 0;
    while (i < TRANSCRIPT_LISTENERS && !span_equal(address, addresses[i])) {
        i++;
    }
    return i;
}

/* Keeps a new connection of the engine. Returns false if nobody listens at its address. */
static bool keep_connection(struct engine_transport *t, const struct ask *ask)
{
    struct engine_outbound *o = outbound_of(t, 0);
    unsigned listener = listener_at(ask->address);
    if (listener < TRANSCRIPT_LISTENERS && t->backlog_count < ENGINE_BACKLOG_MAX) {
        t->backlog[t->backlog_count++] =
            (struct engine_backlog){.id = ask->ticket, .listener = listener};
        return true;
    }
    if (o != NULL && span_equal(ask->address, SPAN(ENGINE_TRANSPORT_AUTH))) {
        o->id = ask->ticket;
        return true;
    }
    return false;
}

static void connect_outbound(struct engine_transport *t, const struct ask *ask)
{
    const struct tcp_handler *h = &t->server.handler;
    if (h->want(h->self, ask->ticket) & WANT_CLOSE) {
        h->closed(h->self, ask->ticket, CLOSED_AS_WANTED, t->now);
        return;
    }
    bool there = keep_connection(t, ask);
    h->connected(h->self, ask->ticket, there ? SPAN("") : SPAN("connection refused"), t->now);
}

/* Appends what the engine sends on a connection that it has opened. */
static void collect_output(struct engine_transport *t, uint64_t id, struct buf *in)
{
    const struct tcp_handler *h = &t->server.handler;
    struct span spans[SPANS_AT_ONCE];
    size_t count;
    while ((count = h->out(h->self, id, spans, SPANS_AT_ONCE, t->now)) > 0) {
        for (size_t k = 0; k < count; k++) {
            buf_append(in, spans[k]);
        }
        h->sent(h->self, id, span_total(spans, count), t->now);
    }
}

/* Keeps what the engine sends until a step accepts the connection. */
static void settle_backlog(struct engine_transport *t, struct engine_backlog *b)
{
    const struct tcp_handler *h = &t->server.handler;
    collect_output(t, b->id, &b->in);
    if (h->want(h->self, b->id) & WANT_CLOSE) {
        h->closed(h->self, b->id, CLOSED_AS_WANTED, t->now);
        b->id = 0;
    }
}

static struct engine_backlog *backlog_of(struct engine_transport *t, uint64_t id)
{
    size_t i = 0;
    while (i < t->backlog_count && t->backlog[i].id != id) {
        i++;
    }
    return i < t->backlog_count ? &t->backlog[i] : NULL;
}

/* Reads a request, and creates the answer when the request is complete. Returns true if the engine
 * must be called in the next round. */
static bool settle_outbound(struct engine_transport *t, struct engine_outbound *o)
{
    const struct tcp_handler *h = &t->server.handler;
    collect_output(t, o->id, &o->in);
    unsigned want = h->want(h->self, o->id);
    if (want & WANT_CLOSE) {
        h->closed(h->self, o->id, CLOSED_AS_WANTED, t->now);
        forget_outbound(o);
        return false;
    }
    if (!o->answered && auth_server_has_request(buf_span(&o->in))) {
        o->answered = true;
        auth_server_answer(buf_span(&o->in), &t->secrets, &o->out);
    }
    return o->answered && (want & WANT_READ);
}

/* Passes the auth server's answer to the engine, and then the end of the answer. */
static void offer_outbound(struct engine_transport *t, struct engine_outbound *o)
{
    const struct tcp_handler *h = &t->server.handler;
    if (o->out.n > 0) {
        buf_drop(&o->out, h->recv(h->self, o->id, buf_span(&o->out), t->now));
    } else {
        o->answered = false;
        buf_drop(&o->in, o->in.n);
        h->eof(h->self, o->id, t->now);
    }
}

/* Does what a connection of either kind wants. True when there is input for the next round. */
static bool settle_changed(struct engine_transport *t, uint64_t id)
{
    size_t i = number_of(t, id);
    struct engine_outbound *o = outbound_of(t, id);
    struct engine_backlog *b = backlog_of(t, id);
    if (b != NULL) {
        settle_backlog(t, b);
        return false;
    }
    return i < PLAYER_CONNS_MAX ? settle_one(t, i) : o != NULL && settle_outbound(t, o);
}

/* Offers all input that a connection wants. Returns true if some input is left for another round.
 */
static bool offer_all(struct engine_transport *t)
{
    const struct tcp_handler *h = &t->server.handler;
    bool left = false;
    for (size_t i = 0; i < t->player->conn_count; i++) {
        bool has_input = t->ids[i] != 0 && (t->rest[i].n > 0 || t->eof[i]);
        if (has_input && (h->want(h->self, t->ids[i]) & WANT_READ)) {
            offer(t, i);
        }
    }
    for (size_t i = 0; i < ENGINE_OUTBOUND_MAX; i++) {
        struct engine_outbound *o = &t->outbound[i];
        if (o->id != 0 && o->answered && (h->want(h->self, o->id) & WANT_READ)) {
            offer_outbound(t, o);
            left = left || o->answered;
        }
    }
    return left;
}

static void do_ask(struct engine_transport *t, const struct ask *ask)
{
    const struct tcp_handler *h = &t->server.handler;
    const struct answer done = {{NULL, 0}, {NULL, 0}};
    if (ask->kind == ASK_APPEND || ask->kind == ASK_UDP_OPEN) { /* datagrams are not looked at */
        h->answer(h->self, ask->ticket, &done, t->now);
    } else if (ask->kind == ASK_CONNECT) {
        connect_outbound(t, ask);
    }
}

/* Does everything that can happen at this time, in the order of serve/drive.h. */
static void settle(struct engine_transport *t)
{
    struct drive drive = {.rounds_max = ROUNDS_MAX};
    while (drive_next(&drive, &t->server.handler, t->now) != DRIVE_OVER) {
        switch (drive.turn) {
        case DRIVE_INPUT:
            drive.more_input = offer_all(t);
            break;
        case DRIVE_CHANGED:
            drive.more_input = settle_changed(t, drive.conn) || drive.more_input;
            break;
        case DRIVE_ASK:
            do_ask(t, &drive.ask);
            break;
        case DRIVE_OVER:
            break;
        }
    }
    assert(!drive_has_work_left(&drive, &t->server.handler, t->now));
}

static void add_trace_point(struct engine_transport *t)
{
    struct trace_point point = {.offset = t->offset, .output = t->output};
    for (size_t i = 0; i < t->player->conn_count; i++) {
        point.hash = (point.hash ^ t->hashes[i]) * FNV_PRIME;
    }
    buf_append(&t->trace, span_make(&point, sizeof point));
}

/* --- struct transport ------------------------------------------------------------------------- */

static int64_t on_now(void *self)
{
    return ((struct engine_transport *)self)->now;
}

static bool on_connect(void *self, size_t i, enum connect_kind kind)
{
    struct engine_transport *t = self;
    const struct tcp_handler *h = &t->server.handler;
    unsigned listener = local_server_listener(&t->config, kind);
    if (listener == LOCAL_SERVER_NONE) {
        return false;
    }
    t->ids[i] = h->open(h->self, listener, SPAN("127.0.0.1:40000"), t->now);
    settle(t);
    return t->ids[i] != 0;
}

/* Takes the oldest connection to this listener. */
static bool on_accept(void *self, size_t i, unsigned listener)
{
    struct engine_transport *t = self;
    size_t k = 0;
    while (k < t->backlog_count && t->backlog[k].listener != listener) {
        k++;
    }
    if (k == t->backlog_count) {
        return false;
    }
    struct engine_backlog taken = t->backlog[k];
    t->backlog_count--;
    memmove(&t->backlog[k], &t->backlog[k + 1], (t->backlog_count - k) * sizeof taken);
    t->ids[i] = taken.id;
    t->player->conns[i].ended = taken.id == 0 ? END_FIN : END_NONE;
    keep_output(t, i, buf_span(&taken.in));
    buf_free(&taken.in);
    return true;
}

static void forget_backlog(struct engine_transport *t)
{
    while (t->backlog_count > 0) {
        buf_free(&t->backlog[--t->backlog_count].in);
    }
}

/* How many of the next n bytes of input belong to the next piece; the first one is at t->offset. */
static size_t next_piece(const struct engine_transport *t, size_t n)
{
    size_t piece = t->plan.every_byte ? 1 : n;
    piece = t->plan.every > 0 && t->plan.every < piece ? t->plan.every : piece;
    for (size_t k = 0; k < 2; k++) {
        size_t cut = t->plan.cuts[k];
        if (cut > t->offset && cut - t->offset < piece) {
            piece = cut - t->offset;
        }
    }
    return piece;
}

static void on_send(void *self, size_t i, struct span bytes)
{
    struct engine_transport *t = self;
    while (bytes.n > 0) {
        size_t piece = next_piece(t, bytes.n);
        t->offset += piece;
        if (t->ids[i] != 0) {
            buf_append(&t->rest[i], span_first(bytes, piece));
            settle(t);
        }
        add_trace_point(t);
        bytes = span_skip(bytes, piece);
    }
}

static void on_end(void *self, size_t i)
{
    struct engine_transport *t = self;
    if (t->ids[i] != 0) {
        t->eof[i] = true;
        settle(t);
    }
}

static void on_close(void *self, size_t i)
{
    struct engine_transport *t = self;
    on_end(t, i); /* the engine reads what was sent before, then the end */
}

static void on_reset(void *self, size_t i)
{
    struct engine_transport *t = self;
    if (t->ids[i] != 0) {
        closed(t, i, CLOSED_BY_ERROR);
        settle(t);
    }
}

static void on_read(void *self, size_t i, bool on)
{
    struct engine_transport *t = self;
    t->stopped[i] = !on;
    if (on && t->ids[i] != 0) {
        settle_one(t, i);
        settle(t);
    }
}

static void set_config(struct engine_transport *t, const struct local_config *config)
{
    t->config = *config;
    if (t->plan.compared) {
        t->config.nsqd.serve.gather_timeout = 0;
    }
    if (t->plan.least_effort) {
        local_config_least_effort(&t->config);
    }
}

static void start_engine(struct engine_transport *t)
{
    local_server_start(&t->server, &t->config, (t->now + WALL_OFFSET) / TIME_SECOND);
    t->server.handler.wall(t->server.handler.self, WALL_OFFSET);
}

/* Nothing is on disk, so it makes no difference how the engine ends. */
static bool on_restart(void *self, bool killed, struct span flags, struct buf *why)
{
    struct engine_transport *t = self;
    struct local_config config;
    (void)killed;
    local_server_free(&t->server);
    bool ok = flags.n == 0 || t->make_config(t->maker, flags, &config, why);
    if (ok && flags.n > 0) {
        set_config(t, &config);
    }
    for (size_t i = 0; i < t->player->conn_count; i++) {
        t->ids[i] = 0;
        t->eof[i] = t->stopped[i] = false;
        buf_free(&t->rest[i]);
    }
    for (size_t i = 0; i < ENGINE_OUTBOUND_MAX; i++) {
        forget_outbound(&t->outbound[i]);
    }
    forget_backlog(t);
    start_engine(t);
    return ok;
}

/* Virtual time jumps to the engine's next deadline, or to the player's. */
static void on_wait(void *self, int64_t deadline)
{
    struct engine_transport *t = self;
    int64_t next = t->server.handler.next_deadline(t->server.handler.self);
    int64_t to = time_earlier(next, deadline);
    t->now = to > t->now ? to : t->now;
    settle(t);
}

void engine_transport_init(struct engine_transport *t, struct player *player,
                           const struct local_config *config, const struct cut_plan *plan)
{
    *t = (struct engine_transport){.player = player, .plan = *plan, .now = START};
    set_config(t, config);
    start_engine(t);
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        t->hashes[i] = FNV_BASIS;
    }
}

void engine_transport_free(struct engine_transport *t)
{
    local_server_free(&t->server);
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        buf_free(&t->rest[i]);
    }
    for (size_t i = 0; i < ENGINE_OUTBOUND_MAX; i++) {
        forget_outbound(&t->outbound[i]);
    }
    forget_backlog(t);
    buf_free(&t->secrets);
    buf_free(&t->trace);
}

struct transport engine_transport_calls(struct engine_transport *t)
{
    return (struct transport){
        .self = t,
        .now = on_now,
        .connect = on_connect,
        .accept = on_accept,
        .send = on_send,
        .end = on_end,
        .close = on_close,
        .reset = on_reset,
        .read = on_read,
        .restart = on_restart,
        .wait = on_wait,
    };
}
