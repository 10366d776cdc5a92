/* SPDX-License-Identifier: MIT */
#include "serve/serve.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/time.h"

#define SLOTS_LEAST 16
#define WHY_MAX 160 /* bytes kept of why a handshake failed */

/* --- slots ------------------------------------------------------------------------------------ */

static struct conn *find(const struct serve *serve, uint64_t id)
{
    size_t slot = (uint32_t)id;
    bool known = slot < serve->slot_count && serve->slots[slot].conn != NULL &&
                 serve->slots[slot].generation == id >> 32;
    assert(known);
    return known ? serve->slots[slot].conn : NULL;
}

static void grow_slots(struct serve *serve)
{
    size_t count = serve->slot_count == 0 ? SLOTS_LEAST : serve->slot_count * 2;
    serve->slots = alloc_resize(serve->slots, count * sizeof *serve->slots);
    for (size_t i = serve->slot_count; i < count; i++) {
        serve->slots[i] = (struct slot){.next_free = (uint32_t)i + 1};
    }
    serve->slot_count = count;
}

static void take_slot(struct serve *serve, struct conn *conn)
{
    if (serve->first_free == serve->slot_count) {
        grow_slots(serve);
    }
    uint32_t i = serve->first_free;
    struct slot *slot = &serve->slots[i];
    serve->first_free = slot->next_free;
    slot->conn = conn;
    slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1; /* never 0 */
    conn->id = (uint64_t)slot->generation << 32 | i;
    serve->conn_count++;
}

static void release_slot(struct serve *serve, uint32_t i)
{
    serve->slots[i].conn = NULL;
    serve->slots[i].next_free = serve->first_free;
    serve->first_free = i;
    serve->conn_count--;
}

/* --- deadlines -------------------------------------------------------------------------------- */

/* Whether the protocol's own deadline counts. */
static bool has_due(const struct conn *conn)
{
    return conn->state == CONN_OPEN || conn->state == CONN_CONNECTING;
}

static int64_t deadline(const struct conn *conn)
{
    int64_t due = !has_due(conn) ? TIME_NEVER : conn->shaking ? conn->shake_deadline : conn->due;
    int64_t linger = conn->state == CONN_LINGERING ? conn->linger_deadline : TIME_NEVER;
    return time_earlier(time_earlier(due, linger), conn->mark_deadline);
}

/* The timer may stand too early, never too late: deadlines mostly move away, with every command,
 * and are looked at again when the timer fires. */
static void arm(struct conn *conn)
{
    int64_t at = conn->state == CONN_DONE ? TIME_NEVER : deadline(conn);
    if (at < conn->timer_at) {
        heap_remove(&conn->serve->timers, &conn->timer);
        heap_insert(&conn->serve->timers, &conn->timer, at);
        conn->timer_at = at;
    }
}

static int64_t write_timeout(const struct conn *conn)
{
    return conn->state == CONN_FLUSHING && conn->write_timeout == 0 ? SERVE_FLUSH_NS
                                                                    : conn->write_timeout;
}

/* Marks the end of the first chunk that is there now: it must leave within the write timeout. */
static void start_chunk(struct conn *conn, int64_t now)
{
    int64_t timeout = write_timeout(conn);
    size_t chunk = conn->out.n < SERVE_WRITE_CHUNK ? conn->out.n : SERVE_WRITE_CHUNK;
    conn->mark = conn->queued - conn->out.n + chunk;
    conn->mark_deadline = timeout == 0 || conn->out.n == 0 ? TIME_NEVER : time_after(now, timeout);
    arm(conn);
}

/* --- connections ------------------------------------------------------------------------------ */

/* Whether codecs hold input that the protocol has not had. */
static bool has_leftover(const struct conn *conn)
{
    return conn->stack != NULL && (conn->stack->decoded.n > 0 || stack_has_pending(conn->stack));
}

/* Whether the protocol must still be told that codecs have no more input for it. */
static bool has_ended(const struct conn *conn)
{
    struct span why;
    return conn->stack != NULL && !conn->input_over && !conn->shaking &&
           (conn->eof || stack_state(conn->stack, &why) > CODEC_OPEN);
}

/* A connection is in the backlog while step can go on with its input without more of it. */
static void look_at_backlog(struct conn *conn)
{
    bool belongs = conn->state == CONN_OPEN && (has_leftover(conn) || has_ended(conn)) &&
                   (conn->shaking || conn_may_read(conn));
    if (!belongs) {
        list_remove(&conn->backlog);
    } else if (list_empty(&conn->backlog)) {
        list_push(&conn->serve->backlog, &conn->backlog);
    }
}

/* The shell does not know a connection yet that it was not asked to make. */
static void changed(struct conn *conn)
{
    if (list_empty(&conn->changed) && list_empty(&conn->connect)) {
        list_push(&conn->serve->changed, &conn->changed);
    }
}

static void done(struct conn *conn)
{
    conn->state = CONN_DONE;
    conn->shaking = false;
    conn->mark_deadline = TIME_NEVER;
    list_remove(&conn->backlog);
    changed(conn);
}

static void end_session(struct conn *conn, int64_t now)
{
    void *session = conn->session;
    conn->session = NULL;
    if (session != NULL) {
        conn->protocol->closed(conn->service, session, now);
    }
}

/* Gives a connection up. Not for calls of its protocol, whose session ends here. */
static void drop(struct conn *conn, int64_t now)
{
    end_session(conn, now);
    done(conn);
}

/* Goes on from FLUSHING when everything has left. */
static void flushed(struct conn *conn, int64_t now)
{
    if (conn->state != CONN_FLUSHING || conn_unsent(conn) > 0) {
        return;
    }
    if (!conn->linger || conn->eof) {
        done(conn);
        return;
    }
    conn->state = CONN_LINGERING;
    conn->linger_deadline = now + SERVE_LINGER_NS;
    arm(conn);
    changed(conn);
}

/* Counts anew what memory a connection buffers in. What an emptied buffer keeps is little. */
static void count_buffered(struct conn *conn)
{
    size_t n = conn->left + (conn->out.n == 0 ? 0 : conn->out.cap) +
               (conn->stack == NULL ? 0 : conn->stack->plain.cap);
    conn->serve->buffered = conn->serve->buffered - conn->buffered + n;
    conn->buffered = n;
}

/* Codecs make output shorter or longer on its way, so that it is full is noted when it comes to be:
 * when something was sent it may have been over for a while, and whoever waits must be told. The
 * limit too moves only here and when that is told, or a connection would change unnoticed. */
static void look_if_full(struct conn *conn, int64_t now)
{
    const struct serve_config *config = &conn->serve->config;
    count_buffered(conn);
    bool too_much = config->buffered_most > 0 && conn->serve->buffered > config->buffered_most;
    if (too_much && conn->limit > SERVE_LOW_WATER) {
        conn->limit = SERVE_LOW_WATER;
    }
    if (!conn->full && conn_is_full(conn)) {
        conn->full = true;
        conn->full_since = now;
    }
}

/* Adds bytes for the socket. */
static void append_out(struct conn *conn, struct span data, int64_t now)
{
    bool was_empty = conn->out.n == 0;
    buf_append(&conn->out, data);
    conn->queued += data.n;
    if (was_empty) {
        start_chunk(conn, now);
    }
    look_if_full(conn, now);
}

/* What is plain goes through the codecs. */
static void encode(struct conn *conn, int64_t now)
{
    struct buf encoded = {0};
    stack_encode(conn->stack, &encoded);
    append_out(conn, buf_span(&encoded), now);
    buf_free(&encoded);
}

void conn_send(struct conn *conn, struct span data, int64_t now)
{
    if (conn->state > CONN_OPEN || data.n == 0) {
        return;
    }
    if (conn->stack == NULL) {
        append_out(conn, data, now);
    } else {
        buf_append(&conn->stack->plain, data);
        look_if_full(conn, now);
    }
    changed(conn);
}

size_t conn_unsent(const struct conn *conn)
{
    return conn->out.n + (conn->stack == NULL ? 0 : conn->stack->plain.n);
}

bool conn_is_full(const struct conn *conn)
{
    return conn_unsent(conn) > conn->limit;
}

bool conn_may_read(const struct conn *conn)
{
    return conn->state <= CONN_OPEN && !conn->input_paused && !conn->shaking && !conn->switched &&
           !conn_is_full(conn);
}

void conn_pause_input(struct conn *conn, bool paused)
{
    conn->input_paused = paused;
    look_at_backlog(conn);
    changed(conn);
}

/* --- codecs ----------------------------------------------------------------------------------- */

void conn_add_codec(struct conn *conn, struct codec codec, int64_t handshake_timeout, int64_t now)
{
    assert(!conn->shaking && conn_codecs(conn) < STACK_CODECS_MAX);
    if (conn->state != CONN_OPEN) {
        codec.calls->free(codec.self);
        return;
    }
    if (conn->stack == NULL) {
        conn->stack = alloc_zeroed(sizeof *conn->stack);
    }
    encode(conn, now);
    stack_push(conn->stack, codec);
    conn->switched = true;
    if (codec.calls->state(codec.self) == CODEC_HANDSHAKING) {
        conn->shaking = true;
        conn->shake_deadline = time_after(now, handshake_timeout);
        arm(conn);
        struct buf hello = {0}; /* of the side that speaks first */
        stack_decode(conn->stack, span_make(NULL, 0), &hello);
        append_out(conn, buf_span(&hello), now);
        buf_free(&hello);
    }
    look_at_backlog(conn);
    changed(conn);
}

size_t conn_codecs(const struct conn *conn)
{
    return conn->stack == NULL ? 0 : conn->stack->count;
}

struct span conn_peer_name(const struct conn *conn)
{
    for (size_t i = 0; i < conn_codecs(conn); i++) {
        const struct codec *codec = &conn->stack->codecs[i];
        if (codec->calls->peer_name != NULL) {
            return codec->calls->peer_name(codec->self);
        }
    }
    return span_make(NULL, 0);
}

/* The handshake has ended, well when `why` is empty: the protocol goes on. */
static void shaken(struct conn *conn, struct span why, int64_t now)
{
    conn->shaking = false;
    conn->protocol->upgraded(conn->service, conn->session, why, now);
    conn->switched = false;
    arm(conn);
}

/* The codec goes, so that the protocol can say in clear what went wrong. */
static void shaken_off(struct conn *conn, struct span why, int64_t now)
{
    uint8_t text[WHY_MAX]; /* it may be the codec's own */
    why = span_first(why, sizeof text);
    assert(why.n > 0);
    memcpy(text, why.p, why.n);
    stack_pop(conn->stack);
    shaken(conn, span_make(text, why.n), now);
}

static void input_over(struct conn *conn, int64_t now)
{
    conn->input_over = true;
    conn->protocol->eof(conn->service, conn->session, now);
    conn->linger = conn->linger || !conn->eof; /* bytes may be on their way */
}

/* What the codecs' states mean, once nothing is left to decode. */
static void look_at_codecs(struct conn *conn, int64_t now)
{
    struct span why = {NULL, 0};
    enum codec_state state = stack_state(conn->stack, &why);
    if (conn->shaking && state == CODEC_OPEN) {
        shaken(conn, why, now);
    } else if (conn->shaking && state == CODEC_FAILED) {
        shaken_off(conn, why, now);
    } else if (conn->shaking && (state == CODEC_CLOSED || conn->eof)) {
        shaken_off(conn, SPAN("EOF"), now);
    } else if (!has_leftover(conn) && has_ended(conn) && conn_may_read(conn)) {
        if (state == CODEC_FAILED) {
            log_say(conn->serve->log, LOG_ERROR, "client(%) - failed to decode - %",
                    conn_peer(conn), why);
        }
        input_over(conn, now);
    }
}

/* Gives the protocol what is decoded. Returns how much it took. */
static size_t give(struct conn *conn, int64_t now)
{
    struct buf decoded = conn->stack->decoded; /* while the protocol may put a codec on */
    conn->stack->decoded = (struct buf){0};
    size_t given = conn->protocol->recv(conn->service, conn->session, buf_span(&decoded), now);
    buf_drop(&decoded, given);
    struct stack *stack = conn->stack;
    struct buf *rest = conn->switched ? &stack->below[stack->count - 1] : &stack->decoded;
    assert(rest->n == 0);
    buf_free(rest);
    *rest = decoded;
    conn->switched = false;
    return given;
}

static size_t decode(struct conn *conn, struct span in, int64_t now)
{
    struct buf down = {0};
    size_t taken = stack_decode(conn->stack, in, &down);
    if (down.n > 0) {
        append_out(conn, buf_span(&down), now);
        buf_free(&down);
        changed(conn);
    }
    return taken;
}

/* Decodes and gives on, until nothing is left or much was decoded. Returns how much of `in` was
 * taken. */
static size_t feed(struct conn *conn, struct span in, int64_t now)
{
    size_t taken = 0;
    size_t given = 0;
    while (given < SERVE_INPUT_A_TURN && conn->state == CONN_OPEN) {
        if (!conn->shaking && !conn_may_read(conn)) {
            break; /* as an end is not heard in clear either while nothing is read */
        }
        if (conn->stack->decoded.n > 0 && !conn->shaking) {
            given += give(conn, now);
        } else if (taken < in.n || stack_has_pending(conn->stack)) {
            if (!conn->shaking) {
                encode(conn, now); /* a codec that fails now may take what was said before along */
            }
            taken += decode(conn, span_skip(in, taken), now);
            look_at_codecs(conn, now);
        } else {
            break;
        }
    }
    if (conn->state == CONN_OPEN) {
        look_at_codecs(conn, now);
    }
    look_at_backlog(conn);
    return conn->state > CONN_OPEN ? in.n : taken;
}

void conn_set_due(struct conn *conn, int64_t due)
{
    conn->due = due;
    arm(conn);
}

void conn_set_write_timeout(struct conn *conn, int64_t timeout, int64_t now)
{
    if (conn->write_timeout != timeout) {
        conn->write_timeout = timeout;
        start_chunk(conn, now); /* also what waits already */
    }
}

void conn_finish(struct conn *conn, bool linger, int64_t now)
{
    if (conn->state > CONN_OPEN) {
        return;
    }
    if (conn->stack != NULL) {
        encode(conn, now);
        struct buf last = {0};
        stack_finish(conn->stack, &last);
        append_out(conn, buf_span(&last), now);
        buf_free(&last);
    }
    conn->state = CONN_FLUSHING;
    conn->shaking = false;
    conn->linger = linger;
    list_remove(&conn->backlog);
    start_chunk(conn, now);
    changed(conn);
    flushed(conn, now);
}

struct span conn_peer(const struct conn *conn)
{
    return span_make(conn->peer, conn->peer_size);
}

/* --- the first four bytes --------------------------------------------------------------------- */

static void choose_protocol(struct conn *conn, int64_t now)
{
    struct log *log = conn->serve->log;
    const struct listener *listener = conn->listener;
    struct span magic = span_make(conn->magic, SERVE_MAGIC_SIZE);
    log_say(log, LOG_INFO, "CLIENT(%): desired protocol magic '%'", conn_peer(conn), magic);
    for (size_t i = 0; i < listener->protocol_count; i++) {
        if (span_equal(listener->protocols[i].magic, magic)) {
            conn->protocol = &listener->protocols[i];
            conn->state = CONN_OPEN;
            conn->session = conn->protocol->open(conn->service, conn, now);
            return;
        }
    }
    conn_send(conn, listener->bad_magic, now);
    conn_finish(conn, true, now);
    log_say(log, LOG_ERROR, "client(%) bad protocol magic '%'", conn_peer(conn), magic);
}

static size_t recv_magic(struct conn *conn, struct span in, int64_t now)
{
    struct span part = span_first(in, SERVE_MAGIC_SIZE - (size_t)conn->magic_size);
    if (part.n > 0) {
        memcpy(conn->magic + conn->magic_size, part.p, part.n);
    }
    conn->magic_size = (uint8_t)(conn->magic_size + part.n);
    if (conn->magic_size == SERVE_MAGIC_SIZE) {
        choose_protocol(conn, now);
    }
    return part.n;
}

static void recv_linger(struct conn *conn, size_t n)
{
    conn->linger_read += n;
    if (conn->linger_read > SERVE_LINGER_BYTES) {
        done(conn);
    }
}

/* --- the contract ----------------------------------------------------------------------------- */

void serve_init(struct serve *serve, const struct serve_config *config,
                const struct listener *listeners, size_t listener_count, struct log *log,
                const struct serve_hooks *hooks)
{
    *serve = (struct serve){
        .config = *config, .listeners = listeners, .listener_count = listener_count, .log = log};
    if (hooks != NULL) {
        serve->hooks = *hooks;
    }
    list_init(&serve->changed);
    list_init(&serve->backlog);
    list_init(&serve->to_connect);
}

static void free_conn(struct conn *conn, int64_t now)
{
    struct serve *serve = conn->serve;
    end_session(conn, now);
    heap_remove(&serve->timers, &conn->timer);
    list_remove(&conn->changed);
    list_remove(&conn->backlog);
    list_remove(&conn->connect);
    release_slot(serve, (uint32_t)conn->id);
    serve->buffered -= conn->buffered;
    buf_free(&conn->out);
    buf_free(&conn->address);
    stack_free(conn->stack);
    alloc_free(conn);
}

void serve_free(struct serve *serve)
{
    serve->stopping = true; /* nobody may connect any more */
    for (size_t i = 0; i < serve->slot_count; i++) {
        if (serve->slots[i].conn != NULL) {
            free_conn(serve->slots[i].conn, TIME_NEVER);
        }
    }
    heap_free(&serve->timers);
    alloc_free(serve->slots);
    log_event_free(serve->shown);
    *serve = (struct serve){0};
}

static bool has_room(const struct serve *serve)
{
    return !serve->stopping && serve->conn_count < serve->config.max_connections;
}

static struct conn *new_conn(struct serve *serve, struct span peer)
{
    struct conn *conn = alloc_zeroed(sizeof *conn);
    conn->serve = serve;
    conn->limit = serve->config.high_water;
    conn->mark_deadline = conn->due = conn->linger_deadline = conn->timer_at = TIME_NEVER;
    list_init(&conn->changed);
    list_init(&conn->backlog);
    list_init(&conn->connect);
    peer = span_first(peer, SERVE_PEER_MAX);
    if (peer.n > 0) {
        memcpy(conn->peer, peer.p, peer.n);
    }
    conn->peer_size = (uint8_t)peer.n;
    take_slot(serve, conn);
    return conn;
}

uint64_t serve_open(void *self, unsigned listener, struct span peer, int64_t now)
{
    struct serve *serve = self;
    (void)now;
    assert(listener < serve->listener_count);
    if (!has_room(serve)) {
        log_say(serve->log, LOG_WARNING, "TCP: refusing client(%), too many connections", peer);
        return 0;
    }
    struct conn *conn = new_conn(serve, peer);
    conn->state = CONN_MAGIC;
    conn->listener = &serve->listeners[listener];
    conn->service = conn->listener->service;
    log_say(serve->log, LOG_INFO, "TCP: new client(%)", conn_peer(conn));
    changed(conn);
    return conn->id;
}

struct conn *conn_connect(struct serve *serve, struct span address, const struct protocol *protocol,
                          void *service, void *session)
{
    if (!has_room(serve)) {
        return NULL;
    }
    struct conn *conn = new_conn(serve, address);
    conn->state = CONN_CONNECTING;
    conn->protocol = protocol;
    conn->service = service;
    conn->session = session;
    buf_append(&conn->address, address);
    list_push(&serve->to_connect, &conn->connect);
    return conn;
}

/* Reports how many events were dropped, once there is room for the report. */
static void report_dropped(struct log *log)
{
    char count[TEXT_DECIMAL_MAX];
    if (log->dropped > 0) {
        struct span text = text_decimal(count, (int64_t)log->dropped);
        log->dropped = 0;
        log_say(log, LOG_WARNING, "% log lines were dropped", text);
    }
}

static struct ask next_log_ask(struct serve *serve)
{
    log_event_free(serve->shown);
    serve->shown = log_next(serve->log);
    if (serve->shown == NULL) {
        return (struct ask){.kind = ASK_NONE};
    }
    report_dropped(serve->log);
    return (struct ask){.kind = ASK_LOG, .event = serve->shown};
}

static struct ask next_connect_ask(struct serve *serve)
{
    if (list_empty(&serve->to_connect)) {
        return (struct ask){.kind = ASK_NONE};
    }
    struct conn *conn = container_of(serve->to_connect.next, struct conn, connect);
    list_remove(&conn->connect);
    return (struct ask){
        .kind = ASK_CONNECT, .ticket = conn->id, .address = buf_span(&conn->address)};
}

struct ask serve_next_ask(void *self)
{
    struct serve *serve = self;
    struct ask ask = next_log_ask(serve);
    if (ask.kind == ASK_NONE) {
        ask = next_connect_ask(serve);
    }
    if (ask.kind == ASK_NONE && serve->hooks.next_ask != NULL) {
        ask = serve->hooks.next_ask(serve->hooks.self);
    }
    return ask;
}

void serve_answer(void *self, uint64_t ticket, const struct answer *answer, int64_t now)
{
    struct serve *serve = self;
    if (serve->hooks.answer != NULL) {
        serve->hooks.answer(serve->hooks.self, ticket, answer, now);
    }
}

void serve_wall(void *self, int64_t offset)
{
    struct serve *serve = self;
    if (serve->hooks.wall != NULL) {
        serve->hooks.wall(serve->hooks.self, offset);
    }
}

void serve_connected(void *self, uint64_t id, struct span why, int64_t now)
{
    struct serve *serve = self;
    struct conn *conn = find(serve, id);
    if (conn->state == CONN_CONNECTING && why.n == 0) {
        conn->state = CONN_OPEN;
        changed(conn);
        conn->protocol->connected(conn->service, conn->session, why, now);
        conn->switched = false;
        arm(conn);
    } else if (why.n > 0) {
        void *session = conn->session;
        conn->session = NULL;
        if (session != NULL) {
            conn->protocol->connected(conn->service, session, why, now);
        }
        free_conn(conn, now);
    }
}

void conn_leave(struct conn *conn)
{
    conn->session = NULL;
    done(conn);
}

size_t serve_recv(void *self, uint64_t id, struct span in, int64_t now)
{
    struct serve *serve = self;
    struct conn *conn = find(serve, id);
    size_t consumed = 0;
    if (conn->state == CONN_LINGERING) {
        recv_linger(conn, in.n);
        return in.n;
    }
    if (conn->state == CONN_MAGIC) {
        consumed = recv_magic(conn, in, now);
    }
    if (conn->stack == NULL && conn_may_read(conn) && consumed < in.n) {
        consumed +=
            conn->protocol->recv(conn->service, conn->session, span_skip(in, consumed), now);
        conn->switched = false;
    }
    if (conn->stack != NULL) {
        consumed += feed(conn, span_skip(in, consumed), now);
    }
    if (consumed < in.n) {
        changed(conn); /* READ may not be wanted any more */
    }
    conn->left = in.n - consumed;
    count_buffered(conn);
    return consumed;
}

void serve_eof(void *self, uint64_t id, int64_t now)
{
    struct serve *serve = self;
    struct conn *conn = find(serve, id);
    conn->eof = true;
    changed(conn);
    if (conn->state == CONN_MAGIC) {
        log_say(serve->log, LOG_ERROR, "client(%) failed to read protocol version - EOF",
                conn_peer(conn));
        done(conn);
    } else if (conn->state == CONN_OPEN && conn->stack == NULL) {
        conn->protocol->eof(conn->service, conn->session, now);
    } else if (conn->state == CONN_OPEN) {
        feed(conn, span_make(NULL, 0), now);
    } else if (conn->state == CONN_LINGERING) {
        done(conn);
    }
}

void serve_closed(void *self, uint64_t id, enum closed_reason reason, int64_t now)
{
    struct serve *serve = self;
    struct conn *conn = find(serve, id);
    if (reason == CLOSED_BY_ERROR && conn->listener != NULL) {
        log_say(serve->log, LOG_ERROR, "client(%) - connection lost", conn_peer(conn));
    }
    free_conn(conn, now);
}

size_t serve_out(void *self, uint64_t id, struct span *spans, size_t most, int64_t now)
{
    struct serve *serve = self;
    struct conn *conn = find(serve, id);
    if (conn->stack != NULL && !conn->shaking) {
        encode(conn, now);
    }
    if (conn->out.n == 0 || most == 0) {
        return 0;
    }
    spans[0] = buf_span(&conn->out);
    return 1;
}

void serve_sent(void *self, uint64_t id, size_t n, int64_t now)
{
    struct serve *serve = self;
    struct conn *conn = find(serve, id);
    buf_drop(&conn->out, n);
    if (conn->queued - conn->out.n >= conn->mark) {
        start_chunk(conn, now);
    }
    count_buffered(conn);
    flushed(conn, now);
    if (!conn_is_full(conn)) {
        conn->limit = conn->serve->config.high_water;
    }
    if (conn->full && !conn_is_full(conn)) {
        conn->full = false;
        changed(conn); /* READ is wanted again */
        if (conn->state == CONN_OPEN) {
            conn->protocol->drained(conn->service, conn->session, now);
        }
        look_at_backlog(conn);
    }
}

unsigned serve_want(void *self, uint64_t id)
{
    struct serve *serve = self;
    const struct conn *conn = find(serve, id);
    switch (conn->state) {
    case CONN_CONNECTING:
        return 0;
    case CONN_DONE:
        return WANT_CLOSE;
    case CONN_LINGERING:
        return WANT_SHUT_WR | WANT_READ;
    default:
        break;
    }
    unsigned want = conn_unsent(conn) > 0 ? WANT_WRITE : 0;
    bool read = !conn->eof && !conn->input_over && !has_leftover(conn) &&
                (conn->shaking || conn_may_read(conn));
    return read ? want | WANT_READ : want;
}

/* One due connection. Its timer is out of the heap; arm puts it back. */
static void fire(struct conn *conn, int64_t now)
{
    if (conn->mark_deadline <= now) {
        log_say(conn->serve->log, LOG_ERROR, "client(%) - output not taken in time, closing",
                conn_peer(conn));
        drop(conn, now);
    } else if (conn->state == CONN_LINGERING && conn->linger_deadline <= now) {
        done(conn);
    } else if (conn->shaking && conn->shake_deadline <= now) {
        shaken_off(conn, SPAN("i/o timeout"), now);
    } else if (has_due(conn) && !conn->shaking && conn->due <= now) {
        conn->due = TIME_NEVER; /* or else output that is sent meanwhile would arm it again */
        conn->protocol->due(conn->service, conn->session, now);
    }
    arm(conn);
}

void serve_step(void *self, int64_t now)
{
    struct serve *serve = self;
    const struct heap *timers = &serve->timers;
    for (int i = 0; i < SERVE_TIMERS_A_STEP && heap_first_key(timers, TIME_NEVER) <= now; i++) {
        struct conn *conn = container_of(heap_first(&serve->timers), struct conn, timer);
        heap_remove(&serve->timers, &conn->timer);
        conn->timer_at = TIME_NEVER;
        fire(conn, now);
    }
    for (int i = 0; i < SERVE_BACKLOG_A_STEP && !list_empty(&serve->backlog); i++) {
        struct conn *conn = container_of(serve->backlog.next, struct conn, backlog);
        list_remove(&conn->backlog);
        feed(conn, span_make(NULL, 0), now);
        changed(conn); /* READ may be wanted again */
    }
    if (serve->hooks.step != NULL) {
        serve->hooks.step(serve->hooks.self, now);
    }
}

int64_t serve_next_deadline(void *self)
{
    struct serve *serve = self;
    int64_t hooked = serve->hooks.next_deadline == NULL
                         ? TIME_NEVER
                         : serve->hooks.next_deadline(serve->hooks.self);
    int64_t own =
        list_empty(&serve->backlog) ? heap_first_key(&serve->timers, TIME_NEVER) : TIME_PAST;
    return time_earlier(own, hooked);
}

uint64_t serve_next_changed(void *self)
{
    struct serve *serve = self;
    if (list_empty(&serve->changed)) {
        return 0;
    }
    struct conn *conn = container_of(serve->changed.next, struct conn, changed);
    list_remove(&conn->changed);
    return conn->id;
}

void serve_stop(void *self, int64_t now)
{
    struct serve *serve = self;
    serve->stopping = true;
    for (size_t i = 0; i < serve->slot_count; i++) {
        if (serve->slots[i].conn != NULL) {
            drop(serve->slots[i].conn, now);
        }
    }
    if (serve->hooks.stop != NULL) {
        serve->hooks.stop(serve->hooks.self, now);
    }
}

bool serve_stopped(void *self)
{
    struct serve *serve = self;
    return serve->stopping && serve->conn_count == 0;
}

struct tcp_handler serve_handler(struct serve *serve)
{
    return (struct tcp_handler){
        .self = serve,
        .open = serve_open,
        .connected = serve_connected,
        .recv = serve_recv,
        .eof = serve_eof,
        .closed = serve_closed,
        .out = serve_out,
        .sent = serve_sent,
        .want = serve_want,
        .step = serve_step,
        .next_deadline = serve_next_deadline,
        .next_changed = serve_next_changed,
        .next_ask = serve_next_ask,
        .answer = serve_answer,
        .wall = serve_wall,
        .stop = serve_stop,
        .stopped = serve_stopped,
    };
}
