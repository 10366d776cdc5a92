/* SPDX-License-Identifier: MIT */
/*
 * Runs one client against an engine on virtual time, byte by byte and then in pieces, and compares
 * what the server sent. A simple parser of its own says after which byte a reply is due. Must not
 * know: how the server reaches its results.
 */
#include "client.h"

#include <limits.h>
#include <nsq/frame.h>

#include "base/alloc.h"
#include "engine/engine.h"
#include "fuzz.h"
#include "hearer.h"
#include "serve/drive.h"
#include "serve/magic.h"
#include "session/session.h"
#include "toy_tls.h"

#define INPUT_MAX 1024
#define SPANS_AT_ONCE 16
#define START TIME_SECOND
#define WALL                                                                                       \
    (INT64_C(1288834974288)                                                                        \
     << 20) /* ns since 1970 at which the clock of ids begins: broker/guid.h */
#define ROUNDS_MAX                                                                                 \
    64 /* rounds without input or output after which the server counts as hanging                  \
        */
#define MEMORY_UNIT 64
#define WIRE_MAX 6144 /* bytes of the encoded input; more is not sent */
#define PIECE_MAX 64  /* bytes that are encoded at a time */
#define LATE_PIECES 8 /* pieces between which time passes */

/* Flags. */
#define WITHOUT_MAGIC 1   /* the magic is sent before the input */
#define PENDING 2         /* publishes wait for the disk's answer, */
#define REFUSED 4         /* .. and the answer is a failure */
#define ENDS 8            /* after the input the client sends EOF; otherwise its socket breaks */
#define SHORT_TIMEOUTS 16 /* message timeout and heartbeat interval are 1 s */
#define LOGGED 32         /* log lines are made and taken */
#define ALONE 64          /* a channel takes one consumer */
#define STOPS 128         /* graceful exit after the input */

/* The header. A bound of 0 is nsqd's default. */
struct choice {
    uint8_t flags;
    uint8_t max_line;
    uint8_t max_msg_size;
    uint8_t max_body_size;
    uint8_t max_rdy_count;
    uint8_t high_water;
    uint8_t memory;     /* in units of 64 bytes */
    uint8_t time;       /* without codecs: low 4 bits p: time passes before each 2^p-th byte, 0:
                           never; high 4 bits h: 25 ms << h each time. With codecs: see below */
    uint8_t one, other; /* lengths of the pieces of the cut run, less 2 */
};

/* Bits of `time` with codecs. */
#define RAW 1 /* nothing is encoded for the uppermost codec: it decodes the input's bytes */
#define TLS 2 /* the server has TLS (the toy) */
/* A shift. With TLS, the handshake: 0 succeeds, 1 fails, 2 is ended by the client, 3 stalls.
 * Without TLS, RAW and AUTH: the number of the piece that gets a wrong checksum, if the codec has
 * checksums; 0: none. */
#define HOW 4
#define LATE 64          /* 1 s passes before every LATE_PIECES-th piece */
#define TLS_REQUIRED 128 /* with TLS */
#define AUTH 128         /* without TLS: AUTH is required, and HOW chooses what is granted */

/* A run: the input sent in one way. */
struct run {
    struct engine *engine;
    struct tcp_handler handler;
    uint64_t conn; /* 0: closed */
    unsigned want; /* as it was when the connection last changed */
    int64_t now;
    struct span input;
    size_t consumed;
    size_t given;     /* bytes that the client has sent so far */
    bool ended;       /* the server may send nothing any more */
    unsigned replies; /* responses and errors, heartbeats not counted */
    enum nsq_frame_type last_reply;
    size_t output; /* bytes sent, decoded */
    uint64_t hash; /* of those bytes */
    struct hearer hearer;
    uint64_t auth; /* the server's connection to its auth server; 0: none */
};

/* What the server had sent after each byte of the bytewise run. */
static struct {
    size_t output;
    uint64_t hash;
} trace[WIRE_MAX + 1];

/* A publish that waits for the disk is posted: commands behind it in the same piece are carried out
 * before it is answered. So pieces end where something was asked, and then nothing depends on the
 * cuts. If nobody consumes and there is enough memory, nothing depends on them anyway, because
 * replies are in order. */
static struct {
    bool at[WIRE_MAX + 1]; /* something was asked after this byte of the bytewise run */
    bool notes;            /* asks are noted now */
    bool ignored;          /* pieces do not end there */
    bool subscribed;       /* a client consumed */
} asks;

static struct choice choice;
static bool negotiates; /* the server offers codecs */

/* With codecs: the bytes that the client sends. */
static struct {
    size_t n;
    size_t end; /* the bytes from here on are the codecs' own end; they are sent alone, as EOF is */
    bool full;
    uint8_t bytes[WIRE_MAX];
    bool late[WIRE_MAX + 1]; /* time passes before this byte */
} wire;

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
    } else if (nsq_frame_is_heartbeat(frame) || (negotiates && hearer_looks(&run->hearer, frame))) {
        return;
    }
    run->replies++;
    run->last_reply = frame->type;
}

/* Handles whole frames, up to one after which another codec is enabled. Returns the bytes taken. */
static size_t see_frames(struct run *run, struct span in)
{
    struct span rest = in;
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
    bool may_break = hearer->tls && (choice.time & RAW);
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
    return negotiates && !(choice.time & TLS) && (choice.time & AUTH);
}

/* With HOW 1 the auth server refuses the connection. */
static void connect_auth(struct run *run, uint64_t conn)
{
    const struct tcp_handler *h = &run->handler;
    bool refused = (choice.time >> HOW & 3) == 1;
    run->auth = refused ? 0 : conn;
    h->connected(h->self, conn, refused ? SPAN("connection refused") : span_make(NULL, 0),
                 run->now);
}

/* By HOW: 0 grants everything, 2 grants nothing or is not valid, 3 grants one topic for 1 s. */
static struct span auth_reply(size_t request)
{
    switch (choice.time >> HOW & 3) {
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
    const struct answer answer = {.why = choice.flags & REFUSED ? SPAN("refused") : SPAN("")};
    FUZZ_CHECK((choice.flags & (PENDING | LOGGED)) ||
               authorizes()); /* otherwise nothing may be asked */
    if (ask->kind == ASK_APPEND) {
        asks.at[run->given] = asks.at[run->given] || asks.notes;
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
    FUZZ_CHECK(taken > 0 || !(h->want(h->self, run->conn) & WANT_READ));
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

/* Checks that the server has reported every change. */
static void check_told(const struct run *run)
{
    const struct tcp_handler *h = &run->handler;
    if (run->conn != 0) {
        struct span span;
        FUZZ_CHECK(h->out(h->self, run->conn, &span, 1, run->now) == 0);
        FUZZ_CHECK(h->want(h->self, run->conn) == run->want);
    }
}

/* The monotonic clock advances; the wall clock stands still. */
static void pass(struct run *run, int64_t time)
{
    run->now += time;
    run->handler.wall(run->handler.self, WALL - run->now);
    if (fuzz_talks) {
        fuzz_say("%zu: %d ms later", run->given, (int)(time / TIME_MS));
    }
    settle(run);
}

static void give(struct run *run, size_t n)
{
    run->given += n;
    settle(run);
}

static size_t or_all(uint8_t bound, size_t all)
{
    return bound == 0 ? all : bound;
}

static struct run start(struct span input)
{
    struct engine_config config = engine_defaults();
    struct v2_config *v2 = &config.v2;
    v2->limits.max_line = or_all(choice.max_line, NSQ_LINE_MAX);
    v2->limits.max_msg_size = (int64_t)or_all(choice.max_msg_size, 1024 * 1024);
    v2->limits.max_body_size = (int64_t)or_all(choice.max_body_size, 5 * 1024 * 1024);
    v2->max_rdy_count = (int64_t)or_all(choice.max_rdy_count, 2500);
    config.broker.wait_publishes = choice.flags & PENDING;
    if (choice.flags & SHORT_TIMEOUTS) {
        v2->msg_timeout = v2->heartbeat_interval = TIME_SECOND;
    }
    if (!negotiates || !(choice.time & RAW)) { /* a broken stream drops unsent output */
        config.serve.high_water = or_all(choice.high_water, config.serve.high_water);
    }
    config.broker.mem_queue_bytes =
        choice.memory == 0 ? config.broker.mem_queue_bytes : (size_t)choice.memory * MEMORY_UNIT;
    config.broker.max_consumers = choice.flags & ALONE ? 1 : 0;
    config.log_level = choice.flags & LOGGED ? LOG_DEBUG : LOG_FATAL;
    v2->deflate = v2->snappy = negotiates;
    if (negotiates && (choice.time & TLS)) {
        v2->tls = toy_tls_server();
        v2->tls_required = choice.time & TLS_REQUIRED;
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
    const char *from = authorizes() ? peers[choice.time >> HOW & 3] : "client";
    run.conn = h->open(h->self, ENGINE_TCP, span_make(from, strlen(from)), run.now);
    FUZZ_CHECK(run.conn != 0);
    settle(&run);
    if (choice.flags & WITHOUT_MAGIC) {
        FUZZ_CHECK(h->recv(h->self, run.conn, SPAN("  V2"), run.now) == MAGIC_SIZE);
        settle(&run);
    }
    return run;
}

/* A server that has read everything and sent all replies closes after the client's EOF. */
static void finish(struct run *run)
{
    const struct tcp_handler *h = &run->handler;
    FUZZ_CHECK(run->conn == 0 || run->consumed == run->input.n);
    if (run->conn != 0 && run->hearer.handshaking && !(choice.flags & (STOPS | ENDS))) {
        pass(run, V2_HANDSHAKE_NS);
        FUZZ_CHECK(!run->hearer.handshaking && run->ended);
    }
    if (run->conn != 0 && (choice.flags & STOPS)) {
        h->stop(h->self, run->now);
        settle(run);
        FUZZ_CHECK(run->conn == 0 && h->stopped(h->self));
    }
    if (run->conn != 0 && (choice.flags & ENDS)) {
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

/* --- byte by byte ----------------------------------------------------------------------------- */

/* This target's own use of the parser: finds what the next byte completes. */
struct reader {
    struct nsq_place place;
    struct nsq_limits limits;
    size_t parsed;
    bool bad;
    size_t magic; /* bytes of the magic that are missing */
};

/* Which replies are due after a byte. */
enum due {
    DUE_NOTHING, /* no reply may come */
    DUE_ERROR,   /* none or one error */
    DUE_REPLY,   /* one reply */
    DUE_SILENCE, /* none, and none later */
};

static enum due due_for(const struct nsq_item *item)
{
    if (!item->last) {
        return DUE_ERROR;
    }
    switch (item->stage == NSQ_STAGE_LINE ? item->command.id : NSQ_PUB) {
    case NSQ_RDY:
    case NSQ_FIN:
    case NSQ_REQ:
    case NSQ_TOUCH:
    case NSQ_NOP:
        return DUE_ERROR;
    default:
        return DUE_REPLY;
    }
}

/* What is due after `given` bytes of the input. A byte completes at most one item. */
static enum due next_due(struct reader *reader, struct span input, size_t given)
{
    struct nsq_item item;
    if (reader->bad) {
        return DUE_NOTHING;
    }
    if (reader->magic > 0) {
        reader->magic--;
        reader->parsed = given;
        bool wrong = reader->magic == 0 && memcmp(input.p, "  V2", MAGIC_SIZE) != 0;
        reader->bad = wrong;
        return wrong ? DUE_REPLY : DUE_NOTHING;
    }
    struct span in = span_make(input.p + reader->parsed, given - reader->parsed);
    switch (nsq_command_parse(&reader->place, &reader->limits, in, &item)) {
    case NSQ_OK:
        reader->parsed += item.consumed;
        FUZZ_CHECK(reader->parsed == given);
        return due_for(&item);
    case NSQ_BAD:
        reader->bad = true;
        return item.bad == NSQ_BAD_LINE_TOO_LONG ? DUE_SILENCE : DUE_REPLY;
    default:
        return DUE_NOTHING;
    }
}

static void check_due(struct run *run, enum due due, unsigned replies)
{
    switch (due) {
    case DUE_NOTHING:
    case DUE_SILENCE:
        FUZZ_CHECK(replies == 0);
        run->ended = run->ended || due == DUE_SILENCE;
        break;
    case DUE_ERROR:
        FUZZ_CHECK(replies == 0 || (replies == 1 && run->last_reply == NSQ_FRAME_ERROR));
        break;
    case DUE_REPLY:
        FUZZ_CHECK(replies == 1);
        break;
    }
}

static const struct session *session_of(const struct run *run)
{
    const struct conn *conn =
        run->conn == 0 ? NULL : run->engine->serve.slots[(uint32_t)run->conn].conn;
    bool talks = conn != NULL && conn->state == CONN_OPEN && conn->protocol == &v2_protocol;
    return talks ? conn->session : NULL;
}

/* The state for fuzz_met: three states of a session, each with and without messages in flight. */
static unsigned state_of(const struct session *s)
{
    unsigned state = s->state == SESSION_INIT ? 0 : s->state == SESSION_SUBSCRIBED ? 1 : 2;
    return s->consumer.in_flight_count > 0 ? state + 3 : state;
}

/* What is noted before bytes are given. */
struct before {
    unsigned state;
    unsigned replies;
    bool ended;
};

static struct before look_before(const struct run *run, const struct reader *reader)
{
    const struct session *s = session_of(run);
    return (struct before){.state = s == NULL ? 6 : state_of(s),
                           .replies = run->replies,
                           .ended = reader->magic == 0 && (s == NULL || s->ended)};
}

static void look_behind(struct run *run, const struct reader *reader, const struct before *before,
                        enum due due)
{
    unsigned replies = run->replies - before->replies;
    if (before->ended) {
        FUZZ_CHECK(replies == 0);
        return;
    }
    check_due(run, due, replies);
    if (due != DUE_NOTHING) {
        unsigned outcome = replies == 0                            ? 0
                           : run->last_reply == NSQ_FRAME_RESPONSE ? 1
                           : !run->ended                           ? 2
                                                                   : 3;
        fuzz_met(before->state, reader->place.id, outcome);
    }
}

static void give_byte(struct run *run, struct reader *reader)
{
    struct before before = look_before(run, reader);
    enum due due = next_due(reader, run->input, run->given + 1);
    give(run, 1);
    look_behind(run, reader, &before, due);
}

/* --- the runs --------------------------------------------------------------------------------- */

/* Whether time passes after the first n bytes. */
static bool time_passes(size_t n)
{
    unsigned p = choice.time & 15;
    if (negotiates) {
        return wire.late[n];
    }
    return p != 0 && n > 0 && (n & (((size_t)1 << p) - 1)) == 0;
}

static int64_t time_step(void)
{
    return negotiates ? TIME_SECOND : (25 * TIME_MS) << (choice.time >> 4);
}

static void keep_trace(const struct run *run)
{
    const struct session *s = session_of(run);
    asks.subscribed = asks.subscribed || (s != NULL && s->state != SESSION_INIT);
    trace[run->given].output = run->output;
    trace[run->given].hash = run->hash;
}

/* The server sent nothing more after the given bytes. */
static void keep_rest(const struct run *run)
{
    for (size_t i = run->given + 1; i <= run->input.n; i++) {
        trace[i].output = run->output;
        trace[i].hash = run->hash;
    }
}

static void run_bytewise(struct span input)
{
    struct run run = start(input);
    struct reader reader = {.limits = run.engine->v2.config.limits,
                            .magic = choice.flags & WITHOUT_MAGIC ? 0 : MAGIC_SIZE};
    while (run.given < input.n && run.conn != 0) {
        if (time_passes(run.given)) {
            pass(&run, time_step());
        }
        if (run.conn != 0) {
            give_byte(&run, &reader);
        }
        keep_trace(&run);
    }
    keep_rest(&run);
    finish(&run);
}

/* --- what the client means, encoded ----------------------------------------------------------- */

/* The codecs with which the client encodes; NULL: none yet. */
static struct stack *speaker;
static bool greeted;    /* the client has begun TLS's handshake */
static unsigned pieces; /* pieces that were encoded */
static bool raw; /* nothing is encoded for the uppermost codec, so its stream may be broken */

static void wire_add(struct span bytes)
{
    wire.full = wire.full || bytes.n > WIRE_MAX - wire.n;
    if (!wire.full && bytes.n > 0) {
        memcpy(wire.bytes + wire.n, bytes.p, bytes.n);
        wire.n += bytes.n;
    }
}

static void say(struct span plain)
{
    if (speaker == NULL) {
        wire_add(plain);
        return;
    }
    struct buf encoded = {0};
    buf_append(&speaker->plain, plain);
    stack_encode(speaker, &encoded);
    wire_add(buf_span(&encoded));
    buf_free(&encoded);
}

/* Gives the server all bytes on the wire, one by one. */
static void give_wire(struct run *run)
{
    run->input.n = wire.n;
    while (run->given < wire.n && run->conn != 0) {
        give(run, 1);
        keep_trace(run);
    }
}

static void speak_through(struct codec codec)
{
    if (speaker == NULL) {
        speaker = alloc_zeroed(sizeof *speaker);
    }
    stack_push(speaker, codec);
}

/* Enables the client's encoders after the server's output has announced codecs. */
static void follow(struct run *run)
{
    const struct hearer *hearer = &run->hearer;
    bool encodes_tls = !(choice.time & RAW) || hearer->announced != HEARER_NONE;
    if (hearer->handshaking && !greeted && encodes_tls) {
        static const uint8_t hellos[] = {TOY_HELLO, 4, 'h', 'e', 'l', 'l', 'o', '!'};
        uint8_t hello[sizeof hellos];
        unsigned how = choice.time >> HOW & 3;
        memcpy(hello, hellos, sizeof hello);
        hello[1] = (uint8_t)(how == 0 ? 4 : how == 3 ? 3 : 4 + how);
        greeted = true;
        wire_add(span_make(hello, how == 3 ? 4 : 2 + (size_t)hello[1]));
        give_wire(run);
    }
    if (hearer->stack == NULL || hearer->handshaking) {
        return;
    }
    size_t on = speaker == NULL ? 0 : speaker->count;
    if (hearer->tls && greeted && on == 0) {
        speak_through(toy_tls_speaker());
        on++;
    }
    if (!(choice.time & RAW) && on < hearer->stack->count) {
        speak_through(hearer_codec(hearer->announced));
    }
}

/* Whether the piece that was just encoded must get a wrong checksum. */
static bool is_damaged(const struct run *run)
{
    unsigned which = choice.time & (TLS | RAW | AUTH) ? 0 : choice.time >> HOW & 3;
    return ++pieces == which && run->hearer.announced == HEARER_SNAPPY && run->conn != 0 &&
           session_of(run) != NULL && !wire.full;
}

/* Breaks the checksum of a chunk. The server must ignore the whole chunk and end the connection. */
static void give_damaged(struct run *run, size_t begun)
{
    size_t chunk = begun + (pieces == 1 ? 10 : 0); /* after the stream identifier */
    unsigned replies = run->replies;
    wire.bytes[chunk + 4] ^= 1;
    give_wire(run);
    FUZZ_CHECK(session_of(run) == NULL && run->replies - replies <= 1);
    FUZZ_CHECK(run->replies == replies || run->last_reply == NSQ_FRAME_ERROR);
    wire.full = true; /* nothing more is sent */
}

/* Encodes and gives the next bytes of the input, up to one that completes an item, or PIECE_MAX. */
static void give_meant(struct run *run, struct reader *reader, struct span input, size_t *meant)
{
    raw = raw || ((choice.time & RAW) && (run->hearer.stack != NULL || run->hearer.handshaking));
    size_t most = speaker == NULL || raw ? 1 : PIECE_MAX;
    size_t from = *meant;
    struct before before = look_before(run, reader);
    enum due due;
    do {
        due = raw ? DUE_NOTHING : next_due(reader, input, *meant + 1);
        ++*meant;
    } while (due == DUE_NOTHING && *meant < input.n && *meant - from < most);
    size_t begun = wire.n;
    say(span_make(input.p + from, *meant - from));
    if (speaker != NULL && is_damaged(run)) {
        give_damaged(run, begun);
        return;
    }
    give_wire(run);
    if (!raw && !wire.full) {
        look_behind(run, reader, &before, due);
    }
    follow(run);
    if (!run->hearer.handshaking && !run->ended && run->conn != 0) {
        FUZZ_CHECK(run->hearer.oks == 0);
    }
}

static void run_encoded(struct span input)
{
    wire.n = 0;
    wire.full = greeted = raw = false;
    pieces = 0;
    memset(wire.late, 0, sizeof wire.late);
    struct run run = start(span_make(wire.bytes, 0));
    struct reader reader = {.limits = run.engine->v2.config.limits,
                            .magic = choice.flags & WITHOUT_MAGIC ? 0 : MAGIC_SIZE};
    bool stalls = false;
    size_t meant = 0;
    for (size_t i = 1; meant < input.n && run.conn != 0 && !wire.full && !stalls; i++) {
        wire.late[wire.n] = (choice.time & LATE) && i % LATE_PIECES == 0;
        if (wire.late[wire.n]) {
            pass(&run, time_step());
        }
        if (run.conn != 0) {
            give_meant(&run, &reader, input, &meant);
        }
        stalls = greeted && run.hearer.handshaking;
    }
    wire.end = wire.n;
    if (speaker != NULL && (choice.flags & ENDS) && run.conn != 0) {
        struct buf last = {0};
        stack_finish(speaker, &last);
        wire_add(buf_span(&last));
        buf_free(&last);
        give_wire(&run);
    }
    stack_free(speaker);
    speaker = NULL;
    keep_rest(&run);
    finish(&run);
}

/* Whether a piece must end after the first n bytes. */
static bool is_cut(size_t n)
{
    bool asked = asks.at[n] && !asks.ignored;
    return asked || time_passes(n) || (negotiates && n == wire.end);
}

/* Gives n bytes, with further cuts where time passes. */
static void give_piece(struct run *run, size_t n)
{
    size_t end = run->given + n;
    while (run->given < end && run->conn != 0) {
        size_t part = 1;
        if (time_passes(run->given)) {
            pass(run, time_step());
        }
        while (run->given + part < end && !is_cut(run->given + part)) {
            part++;
        }
        if (run->conn != 0) {
            give(run, part);
            FUZZ_CHECK(trace[run->given].output == run->output);
            FUZZ_CHECK(trace[run->given].hash == run->hash);
            check_told(run);
        }
    }
}

/* Runs the input in pieces whose lengths alternate between `one` and `other`. */
static void run_cut(struct span input, size_t one, size_t other)
{
    struct run run = start(input);
    while (run.given < input.n && run.conn != 0) {
        size_t left = input.n - run.given;
        give_piece(&run, one < left ? one : left);
        size_t turn = one;
        one = other;
        other = turn;
    }
    FUZZ_CHECK(trace[input.n].output == run.output && trace[input.n].hash == run.hash);
    finish(&run);
}

int client_run(struct span in, bool codecs)
{
    negotiates = codecs;
    uint8_t *const fields[] = {&choice.flags,         &choice.max_line,      &choice.max_msg_size,
                               &choice.max_body_size, &choice.max_rdy_count, &choice.high_water,
                               &choice.memory,        &choice.time,          &choice.one,
                               &choice.other};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i] = fuzz_byte(&in);
    }
    in = span_first(in, INPUT_MAX);
    if (in.n == 0) {
        return 0;
    }
    memset(&asks, 0, sizeof asks);
    asks.notes = true;
    if (negotiates) {
        run_encoded(in);
        in = span_make(wire.bytes, wire.n);
    } else {
        run_bytewise(in);
    }
    bool talked = fuzz_talks;
    fuzz_talks = asks.notes = false;
    run_cut(in, in.n, 1);
    run_cut(in, 2 + (size_t)choice.one, 2 + (size_t)choice.other);
    if ((choice.flags & PENDING) && !asks.subscribed && choice.memory == 0) {
        asks.ignored = true;
        run_cut(in, in.n, 1);
    }
    fuzz_talks = talked;
    return 0;
}
