/* SPDX-License-Identifier: MIT */
/*
 * Drives an engine on virtual time for the one client, and reads and checks its output. It also
 * plays the auth server. Must not know: how the input is cut.
 */
#include "client_parts.h"

#include <limits.h>

#include "serve/drive.h"
#include "toy_tls.h"

#define SPANS_AT_ONCE 16
#define START TIME_SECOND
/* ns since 1970 at which the clock of ids begins: broker/guid.h */
#define WALL (INT64_C(1288834974288) << 20)
#define ROUNDS_MAX 10000 /* rounds without progress after which the server counts as hanging */
#define MEMORY_UNIT 72
#define OWED_MAX 4 /* replies that a session may owe */

/* --- the output ------------------------------------------------------------------------------- */

static void talk(const struct run *run, const struct nsq_frame *frame)
{
    static const char *const types[] = {"response", "error", "message"};
    if (fuzz_talks) {
        fuzz_say("%zu: %s, %zu bytes", run->given, types[frame->type], frame->data.n);
        fuzz_say_bytes("   ", frame->data);
    }
}

static void see_frame(struct run *run, const struct nsq_frame *frame)
{
    struct nsq_message message;
    struct span text;
    talk(run, frame);
    FUZZ_CHECK(!run->ended);
    if (frame->type == NSQ_FRAME_MESSAGE) {
        FUZZ_CHECK(nsq_message_parse(frame->data, &message) == NSQ_OK);
        FUZZ_CHECK(message.body.n > 0 && message.attempts > 0 && message.timestamp == WALL);
        return;
    }
    if (frame->type == NSQ_FRAME_ERROR) {
        enum nsq_error code = nsq_error_split(frame->data, &text);
        FUZZ_CHECK(code != NSQ_E_NONE);
        run->ended = nsq_error_is_fatal(code);
    } else if (nsq_frame_is_heartbeat(frame) ||
               (client_negotiates && hearer_looks(&run->hearer, frame))) {
        return;
    }
    run->replies++;
    run->last_reply = frame->type;
}

/* Handles whole frames, up to one after which another codec is enabled. Returns the bytes taken. */
static size_t see_frames(struct run *run, struct span in)
{
    struct span rest = in;
    FUZZ_CHECK(in.n == 0 || in.p != NULL); /* for the analyzer */
    while (rest.n > 0 && !hearer_is_to_switch(&run->hearer)) {
        struct nsq_frame frame;
        size_t consumed = 0;
        FUZZ_CHECK(nsq_frame_parse(rest, NSQ_FRAME_DATA_MAX, &frame, &consumed) == NSQ_OK);
        FUZZ_CHECK(consumed > 0 && consumed <= rest.n);
        see_frame(run, &frame);
        rest = span_skip(rest, consumed);
    }
    size_t seen = in.n - rest.n;
    for (size_t i = 0; i < seen; i++) {
        run->hash = (run->hash ^ in.p[i]) * 1099511628211u; /* FNV-1a */
    }
    run->output += seen;
    return seen;
}

/* A client can decode what the server's codecs encode, unless a broken stream has stopped the
 * server's output. */
static void check_codecs(const struct hearer *hearer)
{
    struct span why = {NULL, 0};
    bool may_break = hearer->tls && (client_choice.time & RAW);
    FUZZ_CHECK(stack_state(hearer->stack, &why) != CODEC_FAILED ||
               (may_break && hearer->stack->layers[0].codec.calls->state(
                                 hearer->stack->layers[0].codec.self) == CODEC_FAILED));
}

/* Decodes the server's output, and enables codecs after the frames that announce them. */
static size_t hear(struct run *run, struct span in)
{
    struct hearer *hearer = &run->hearer;
    size_t taken = hearer_takes(hearer, in);
    if (hearer->stack == NULL) { /* the handshake has failed */
        return taken;
    }
    check_codecs(hearer);
    struct buf *decoded = &hearer->stack->decoded;
    buf_drop(decoded, see_frames(run, buf_span(decoded)));
    return taken;
}

/* Takes all output of a connection. */
static void take_pieces(const struct tcp_handler *h, uint64_t conn, int64_t now, struct buf *out)
{
    struct span spans[SPANS_AT_ONCE];
    size_t count;
    while ((count = h->out(h->self, conn, spans, SPANS_AT_ONCE, now)) > 0) {
        size_t n = span_total(spans, count);
        for (size_t i = 0; i < count; i++) {
            buf_append(out, spans[i]);
        }
        h->sent(h->self, conn, n, now);
    }
}

/* The client reads all output. */
static void take_output(struct run *run)
{
    const struct tcp_handler *h = &run->handler;
    struct hearer *hearer = &run->hearer;
    struct buf out = {0}; /* frames may lie in several pieces */
    take_pieces(h, run->conn, run->now, &out);
    struct span rest = buf_span(&out);
    while (rest.n > 0 || (hearer->stack != NULL && stack_has_pending(hearer->stack))) {
        rest = span_skip(rest, hearer->stack == NULL ? see_frames(run, rest) : hear(run, rest));
        hearer_switches(hearer);
    }
    buf_free(&out);
}

/* --- the server, driven as the shell does ----------------------------------------------------- */

static bool authorizes(void)
{
    return client_negotiates && !(client_choice.time & TLS) && (client_choice.time & AUTH);
}

/* With HOW 1 the auth server refuses the connection. */
static void connect_auth(struct run *run, uint64_t conn)
{
    const struct tcp_handler *h = &run->handler;
    bool refused = (client_choice.time >> HOW & 3) == 1;
    run->auth = refused ? 0 : conn;
    h->connected(h->self, conn, refused ? SPAN("connection refused") : span_make(NULL, 0),
                 run->now);
}

/* By HOW: 0 grants everything, 2 grants nothing or is not valid, 3 grants one topic for 1 s. */
static struct span auth_reply(size_t request)
{
    switch (client_choice.time >> HOW & 3) {
    case 0:
        return SPAN("HTTP/1.1 200 OK\r\nContent-Length: 117\r\n\r\n"
                    "{\"ttl\":3600,\"identity\":\"i\",\"authorizations\":[{\"topic\":\".*\","
                    "\"channels\":[\".*\"],"
                    "\"permissions\":[\"publish\",\"subscribe\"]}]}");
    case 2:
        return request % 2 == 0 ? SPAN("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}}")
                                : SPAN("HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n"
                                       "{\"ttl\":1,\"authorizations\":[]}");
    default:
        return SPAN("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
                    "{\"ttl\":1,\"authorizations\":[{\"topic\":\"^a$\",\"channels\":[\".*\"],"
                    "\"permissions\":[\"publish\",\"subscribe\"]}]}");
    }
}

/* The auth server answers when it has the whole request. Its answer arrives in two pieces. */
static void look_at_auth(struct run *run)
{
    const struct tcp_handler *h = &run->handler;
    struct buf asked = {0};
    take_pieces(h, run->auth, run->now, &asked);
    struct span out = buf_span(&asked);
    if (out.n > 0) {
        struct span reply = auth_reply(out.n);
        size_t half = reply.n / 2;
        FUZZ_CHECK(span_equal(span_skip(out, out.n - 4), SPAN("\r\n\r\n")));
        fuzz_say_bytes("asked", out);
        FUZZ_CHECK(h->recv(h->self, run->auth, span_first(reply, half), run->now) == half);
        if (h->want(h->self, run->auth) & WANT_READ) { /* the first piece did not end the query */
            reply = span_skip(reply, half);
            FUZZ_CHECK(h->recv(h->self, run->auth, reply, run->now) == reply.n);
        }
    }
    buf_free(&asked);
    if (h->want(h->self, run->auth) & WANT_CLOSE) {
        h->closed(h->self, run->auth, CLOSED_AS_WANTED, run->now);
        run->auth = 0;
    }
}

static void do_ask(struct run *run, const struct ask *ask)
{
    const struct tcp_handler *h = &run->handler;
    const struct answer answer = {.why =
                                      client_choice.flags & REFUSED ? SPAN("refused") : SPAN("")};
    FUZZ_CHECK((client_choice.flags & (PENDING | LOGGED)) ||
               authorizes()); /* otherwise nothing may be asked */
    if (ask->kind == ASK_APPEND) {
        client_asks.at[run->given] = client_asks.at[run->given] || client_asks.notes;
        h->answer(h->self, ask->ticket, &answer, run->now);
    } else if (ask->kind == ASK_CONNECT) {
        connect_auth(run, ask->ticket);
    }
}

/* Handles a connection that has changed. */
static void look(struct run *run, uint64_t changed)
{
    const struct tcp_handler *h = &run->handler;
    if (changed == run->auth) {
        look_at_auth(run);
        return;
    }
    FUZZ_CHECK(changed == run->conn);
    take_output(run);
    run->want = h->want(h->self, run->conn);
    if (run->want & WANT_CLOSE) {
        h->closed(h->self, run->conn, CLOSED_AS_WANTED, run->now);
        run->conn = 0;
        run->want = 0;
    }
}

static bool has_offer(const struct run *run)
{
    return run->given > run->consumed && (run->want & WANT_READ);
}

static void offer(struct run *run)
{
    const struct tcp_handler *h = &run->handler;
    struct span in = span_make(run->input.p + run->consumed, run->given - run->consumed);
    size_t taken = h->recv(h->self, run->conn, in, run->now);
    FUZZ_CHECK(taken <= in.n);
    run->consumed += taken;
}

/* Does everything that can happen at this time, in the order of serve/drive.h. */
static void settle(struct run *run)
{
    struct drive drive = {.rounds_max = UINT_MAX};
    size_t seen = run->consumed + run->output;
    unsigned since = 0; /* the last round in which that changed */
    while (drive_next(&drive, &run->handler, run->now) != DRIVE_OVER) {
        switch (drive.turn) {
        case DRIVE_INPUT:
            since = run->consumed + run->output > seen ? drive.rounds : since;
            seen = run->consumed + run->output;
            FUZZ_CHECK(drive.rounds - since < ROUNDS_MAX);
            if (has_offer(run)) {
                offer(run);
            }
            break;
        case DRIVE_CHANGED:
            look(run, drive.conn);
            break;
        case DRIVE_ASK:
            do_ask(run, &drive.ask);
            break;
        case DRIVE_OVER:
            break;
        }
        drive.more_input = has_offer(run);
    }
}

void client_check_told(const struct run *run)
{
    const struct tcp_handler *h = &run->handler;
    if (run->conn != 0) {
        struct span span;
        FUZZ_CHECK(h->out(h->self, run->conn, &span, 1, run->now) == 0);
        FUZZ_CHECK(h->want(h->self, run->conn) == run->want);
    }
}

void client_pass(struct run *run, int64_t time)
{
    run->now += time;
    run->handler.wall(run->handler.self, WALL - run->now);
    if (fuzz_talks) {
        fuzz_say("%zu: %d ms later", run->given, (int)(time / TIME_MS));
    }
    settle(run);
}

void client_give(struct run *run, size_t n)
{
    run->given += n;
    settle(run);
}

static size_t or_all(uint8_t bound, size_t all)
{
    return bound == 0 ? all : bound;
}

bool client_least_effort;

struct run client_start(struct span input)
{
    struct engine_config config = engine_defaults();
    config.broker.effort_a_call = client_least_effort ? 1 : config.broker.effort_a_call;
    struct v2_config *v2 = &config.v2;
    v2->limits.max_line = or_all(client_choice.max_line, NSQ_LINE_MAX);
    v2->limits.max_msg_size = (int64_t)or_all(client_choice.max_msg_size, 1024 * 1024);
    v2->limits.max_body_size = (int64_t)or_all(client_choice.max_body_size, 5 * 1024 * 1024);
    v2->max_rdy_count = (int64_t)or_all(client_choice.max_rdy_count, 2500);
    config.broker.wait_publishes = client_choice.flags & PENDING;
    v2->max_owed_replies = OWED_MAX;
    if (client_choice.flags & SHORT_TIMEOUTS) {
        v2->msg_timeout = v2->heartbeat_interval = TIME_SECOND;
    }
    if (!client_negotiates ||
        !(client_choice.time & RAW)) { /* a broken stream drops unsent output */
        config.serve.high_water = or_all(client_choice.high_water, config.serve.high_water);
    }
    config.broker.mem_queue_bytes = client_choice.memory == 0
                                        ? config.broker.mem_queue_bytes
                                        : (size_t)client_choice.memory * MEMORY_UNIT;
    config.broker.max_consumers = client_choice.flags & ALONE ? 1 : 0;
    config.log_level = client_choice.flags & LOGGED ? LOG_DEBUG : LOG_FATAL;
    v2->deflate = v2->snappy = client_negotiates;
    if (client_negotiates && (client_choice.time & TLS)) {
        v2->tls = toy_tls_server();
        v2->tls_required = client_choice.time & TLS_REQUIRED;
    }
    static const char *const auth_servers[] = {"auth:80"};
    if (authorizes()) {
        config.auth.servers = auth_servers;
        config.auth.server_count = 1;
    }
    struct run run = {.engine = engine_new(&config), .input = input, .now = START};
    run.handler = engine_handler(run.engine);
    run.hash = 14695981039346656037u;
    const struct tcp_handler *h = &run.handler;
    h->wall(h->self, WALL - run.now);
    static const char *const peers[] = {"10.0.0.1:1", "[]:1", "host:1", "[::1]:1"};
    const char *from = authorizes() ? peers[client_choice.time >> HOW & 3] : "client";
    run.conn = h->open(h->self, ENGINE_TCP, span_make(from, strlen(from)), run.now);
    FUZZ_CHECK(run.conn != 0);
    settle(&run);
    if (client_choice.flags & WITHOUT_MAGIC) {
        FUZZ_CHECK(h->recv(h->self, run.conn, SPAN("  V2"), run.now) == MAGIC_SIZE);
        settle(&run);
    }
    return run;
}

void client_finish(struct run *run)
{
    const struct tcp_handler *h = &run->handler;
    FUZZ_CHECK(run->conn == 0 || run->consumed == run->input.n);
    if (run->conn != 0 && run->hearer.handshaking && !(client_choice.flags & (STOPS | ENDS))) {
        client_pass(run, V2_HANDSHAKE_NS);
        FUZZ_CHECK(!run->hearer.handshaking && run->ended);
    }
    if (run->conn != 0 && (client_choice.flags & STOPS)) {
        h->stop(h->self, run->now);
        settle(run);
        FUZZ_CHECK(run->conn == 0 && h->stopped(h->self));
    }
    if (run->conn != 0 && (client_choice.flags & ENDS)) {
        h->eof(h->self, run->conn, run->now);
        settle(run);
        FUZZ_CHECK(run->conn == 0);
    }
    if (run->conn != 0) {
        h->closed(h->self, run->conn, CLOSED_BY_ERROR, run->now);
    }
    engine_free(run->engine); /* asserts that the memory budget is empty */
    hearer_free(&run->hearer);
}
