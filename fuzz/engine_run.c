/* SPDX-License-Identifier: MIT */
/*
 * The clients, the clock and the driver of an engine. engine_run.h says what is checked.
 */
#include "engine_run.h"

#include <limits.h>
#include <nsq/frame.h>

#include "base/alloc.h"
#include "command_writer.h"
#include "engine/engine.h"
#include "engine_choice.h"
#include "engine_statsd.h"
#include "engine_web.h"
#include "fuzz.h"
#include "memory_model.h"
#include "ops.h"
#include "request_writer.h"
#include "serve/drive.h"
#include "session/session.h"

#define OPS_MAX 256
#define SPANS_AT_ONCE 16
#define START TIME_SECOND
/* ns since 1970 at which the clock of ids begins: broker/guid.h */
#define WALL (INT64_C(1288834974288) << 20)
#define ROUNDS_MAX                                                                                 \
    64 /* rounds without input or output after which the server counts as hanging                  \
        */
#define REST_MAX COMMAND_WRITER_MAX /* bytes that a client has sent and the server has not read */
#define TAIL_MAX 128                /* bytes kept before the end of a line; more than LINE_MOST */
#define TICKETS_MAX 64

_Static_assert(OP_CONNECTIONS == MODEL_CONNECTIONS, "the model knows every connection");

struct remote {
    uint64_t id;   /* 0: closed */
    unsigned want; /* as it was when the connection last changed */
    bool slow;     /* output is sent by TAKE only */
    bool ends;     /* EOF follows the rest */
    bool end_told;
    bool fatal; /* the server may send it nothing any more */
    unsigned replies;
    enum nsq_frame_type last_reply;
    uint64_t parsed; /* bytes of output that were parsed when they were made */
    uint64_t made;   /* a hash of those bytes, */
    uint64_t sent;   /* .. and of the bytes that were sent */
    size_t rest_n;
    size_t tail_n;
    struct web_peer web; /* of a client of the HTTP API */
    uint8_t rest[REST_MAX];
    uint8_t tail[TAIL_MAX];
};

static struct engine_choice choice;
static struct remote peers[OP_CONNECTIONS];
static struct memory_model model;
static struct engine *engine;
static struct tcp_handler handler;
static int64_t now;
static int64_t wall; /* ns since 1970 */
static bool stopping;
static struct command_writer writer;
static uint64_t tickets[TICKETS_MAX];
static size_t ticket_count;
static unsigned peer_count; /* one more than the highest number that was opened */

/* Each input is played twice. The second time every call has an allowance of one unit of effort, so
 * all work is done in slices. The model knows no slices, so it checks nothing then. Everything else
 * is checked, and the memory budget must be 0 at the end. */
#define ROUNDS_SPARED 2
static bool sparing;
static bool with_web;
static uint32_t web_serial;      /* of the next message that HTTP publishes */
static uint64_t chosen[OPS_MAX]; /* the message ids of OP_MESSAGE, from the first time */
static size_t chosen_count;

static bool is_web(unsigned number)
{
    return with_web && number >= ENGINE_RUN_WEB;
}

#define CALL(what, ...) handler.what(handler.self, __VA_ARGS__)

/* --- output ----------------------------------------------------------------------------------- */

static uint64_t hash_more(uint64_t hash, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        hash = (hash ^ bytes.p[i]) * 1099511628211u; /* FNV-1a */
    }
    return hash;
}

static void talk(unsigned number, const struct nsq_frame *frame)
{
    static const char *const types[] = {"response", "error", "message"};
    if (fuzz_talks) {
        fuzz_say("   %u gets a %s", number, types[frame->type]);
        fuzz_say_bytes("     ", frame->data);
    }
}

static void see_message(unsigned number, struct span data)
{
    struct nsq_message message;
    uint64_t id;
    FUZZ_CHECK(nsq_message_parse(data, &message) == NSQ_OK && message.body.n > 0);
    FUZZ_CHECK(guid_parse(span_make(message.id, NSQ_MESSAGE_ID_SIZE), &id));
    model_delivered(&model, number, id, message.attempts);
}

static void see_frame(unsigned number, const struct nsq_frame *frame)
{
    struct remote *peer = &peers[number];
    struct span text;
    talk(number, frame);
    FUZZ_CHECK(!peer->fatal);
    if (frame->type == NSQ_FRAME_MESSAGE) {
        see_message(number, frame->data);
        return;
    }
    if (frame->type == NSQ_FRAME_ERROR) {
        enum nsq_error code = nsq_error_split(frame->data, &text);
        FUZZ_CHECK(code != NSQ_E_NONE);
        peer->fatal = nsq_error_is_fatal(code);
    } else if (nsq_frame_is_heartbeat(frame)) {
        return;
    }
    peer->replies++;
    peer->last_reply = frame->type;
}

/* Returns a copy of the last n bytes of a connection's output. */
static struct buf last_output(const struct conn *conn, size_t n)
{
    size_t most = 2 * (conn->out.refs.n / sizeof(struct output_ref)) + 1;
    struct span *spans = alloc_zeroed(most * sizeof *spans);
    size_t count = output_fill(&conn->out, spans, most);
    size_t skip = conn->out.n - n;
    struct buf last = {0};
    for (size_t i = 0; i < count; i++) {
        size_t skipped = span_first(spans[i], skip).n;
        buf_append(&last, span_skip(spans[i], skipped));
        skip -= skipped;
    }
    alloc_free(spans);
    return last;
}

static void see_answers(unsigned number, struct span in)
{
    struct http_answers *answers = &peers[number].web.answers;
    if (fuzz_talks) {
        fuzz_say("   %u gets", number);
        fuzz_say_bytes("     ", in);
    }
    while (in.n > 0) {
        unsigned count = answers->count;
        in = span_skip(in, http_answers_take(answers, in));
        if (answers->count > count) {
            fuzz_met(7, (unsigned)answers->status % FUZZ_COMMANDS,
                     (unsigned)answers->status / 100 % FUZZ_OUTCOMES);
        }
    }
}

static void see_frames(unsigned number, struct span in)
{
    while (in.n > 0) {
        struct nsq_frame frame;
        size_t consumed = 0;
        FUZZ_CHECK(nsq_frame_parse(in, NSQ_FRAME_DATA_MAX, &frame, &consumed) == NSQ_OK);
        see_frame(number, &frame);
        in = span_skip(in, consumed);
    }
}

/* Parses the output that was made since the last call; it must be whole frames. */
static void see_output(unsigned number)
{
    struct remote *peer = &peers[number];
    const struct conn *conn = engine->serve.slots[(uint32_t)peer->id].conn;
    size_t fresh = (size_t)(conn->queued - peer->parsed);
    if (fresh == 0) {
        return;
    }
    FUZZ_CHECK(fresh <= conn->out.n);
    struct buf last = last_output(conn, fresh);
    struct span in = buf_span(&last);
    peer->parsed = conn->queued;
    peer->made = hash_more(peer->made, in);
    if (is_web(number)) {
        see_answers(number, in);
    } else {
        see_frames(number, in);
    }
    buf_free(&last);
}

/* Checks everything; called after every call into the engine. */
static void look(enum call_kind kind, unsigned actor, struct span line)
{
    struct call call = {.kind = kind, .actor = actor, .line = line, .now = now};
    for (unsigned i = 0; i < peer_count; i++) {
        if (peers[i].id != 0) {
            see_output(i);
        }
    }
    model_look(&model, &call);
}

static void look_after(void)
{
    look(CALL_OTHER, MODEL_NOBODY, span_make(NULL, 0));
}

/* Whether something was sent. */
static bool send_output(struct remote *peer, size_t most)
{
    struct span spans[SPANS_AT_ONCE];
    size_t count = CALL(out, peer->id, spans, SPANS_AT_ONCE, now);
    size_t sent = 0;
    for (size_t i = 0; i < count && sent < most; i++) {
        struct span part = span_first(spans[i], most - sent);
        peer->sent = hash_more(peer->sent, part);
        sent += part.n;
    }
    if (sent > 0) {
        CALL(sent, peer->id, sent, now);
    }
    FUZZ_CHECK(CALL(out, peer->id, spans, 1, now) > 0 || peer->sent == peer->made);
    return sent > 0;
}

/* --- input ------------------------------------------------------------------------------------ */

static unsigned state_of(unsigned number)
{
    const struct session *s = model_session(&model, number);
    if (s == NULL || s->ended) {
        return 6;
    }
    unsigned state = s->state == SESSION_INIT ? 0 : s->state == SESSION_SUBSCRIBED ? 1 : 2;
    return s->consumer.in_flight_count > 0 ? state + 3 : state;
}

static void keep_tail(struct remote *peer, struct span bytes)
{
    if (bytes.n > TAIL_MAX) {
        bytes = span_skip(bytes, bytes.n - TAIL_MAX);
    }
    size_t kept = peer->tail_n + bytes.n > TAIL_MAX ? TAIL_MAX - bytes.n : peer->tail_n;
    memmove(peer->tail, peer->tail + peer->tail_n - kept, kept);
    memcpy(peer->tail + kept, bytes.p, bytes.n);
    peer->tail_n = kept + bytes.n;
}

static void count_meeting(const struct remote *peer, unsigned state, struct span line)
{
    const uint8_t *space = memchr(line.p, ' ', line.n);
    struct span name = span_first(line, space == NULL ? line.n - 1 : (size_t)(space - line.p));
    unsigned outcome = peer->replies == 0                       ? 0
                       : peer->last_reply == NSQ_FRAME_RESPONSE ? 1
                       : !peer->fatal                           ? 2
                                                                : 3;
    fuzz_met(state, nsq_command_find(name), outcome);
}

/* Offers the rest up to the end of its first line, so that one call completes at most one line. */
static void offer(unsigned number)
{
    struct remote *peer = &peers[number];
    const uint8_t *newline = memchr(peer->rest, '\n', peer->rest_n);
    size_t n = newline == NULL ? peer->rest_n : (size_t)(newline - peer->rest) + 1;
    unsigned state = state_of(number);
    peer->replies = 0;
    struct web_plan plan;
    if (is_web(number)) {
        peer->web.answers.head_only = web_is_head(&model, number);
        web_plan(&plan, &model, number);
    }
    size_t taken = CALL(recv, peer->id, span_make(peer->rest, n), now);
    if (is_web(number) && web_settle(&plan, &model)) {
        CALL(step, now, now); /* closes the consumers */
    }
    FUZZ_CHECK(taken <= n);
    FUZZ_CHECK(taken > 0 || sparing || !(CALL(want, peer->id) & WANT_READ));
    if (taken == 0) {
        look(CALL_RECV, number, span_make(NULL, 0));
        return;
    }
    keep_tail(peer, span_make(peer->rest, taken));
    memmove(peer->rest, peer->rest + taken, peer->rest_n - taken);
    peer->rest_n -= taken;
    bool whole = newline != NULL && taken == n;
    /* What HTTP says is no command. */
    struct span line = span_make(peer->tail, whole && !is_web(number) ? peer->tail_n : 0);
    look(CALL_RECV, number, line);
    if (whole && !is_web(number)) {
        count_meeting(peer, state, line);
    }
    peer->tail_n = whole ? 0 : peer->tail_n;
}

static void end_input(unsigned number)
{
    struct remote *peer = &peers[number];
    peer->end_told = true;
    CALL(eof, peer->id, now);
    look_after();
}

/* Whether something was done. */
static bool read_from(unsigned number)
{
    struct remote *peer = &peers[number];
    if (peer->id == 0 || !(peer->want & WANT_READ)) {
        return false;
    }
    if (peer->rest_n > 0) {
        offer(number);
        return true;
    }
    if (peer->ends && !peer->end_told) {
        end_input(number);
        return true;
    }
    return false;
}

/* --- the server, driven as the shell does ----------------------------------------------------- */

static void close_peer(unsigned number, enum closed_reason reason)
{
    struct remote *peer = &peers[number];
    uint64_t id = peer->id;
    fuzz_say("   %u is closed", number);
    peer->id = 0;
    model_closed(&model, number);
    CALL(closed, id, reason, now);
    look_after();
}

static unsigned find_peer(uint64_t id)
{
    unsigned i = 0;
    while (i < OP_CONNECTIONS && peers[i].id != id) {
        i++;
    }
    FUZZ_CHECK(i < OP_CONNECTIONS);
    return i;
}

/* Whether output was sent. */
static bool see_changed(uint64_t id)
{
    unsigned number = find_peer(id);
    struct remote *peer = &peers[number];
    bool sent = !peer->slow && send_output(peer, SIZE_MAX);
    peer->want = CALL(want, id);
    if (peer->want & WANT_CLOSE) {
        close_peer(number, CLOSED_AS_WANTED);
    }
    return sent;
}

static void answer(uint64_t ticket, bool well)
{
    const struct answer answer = {.why = well ? SPAN("") : SPAN("refused")};
    CALL(answer, ticket, &answer, now);
    look_after();
}

static void answer_oldest(bool well)
{
    if (ticket_count > 0) {
        uint64_t ticket = tickets[0];
        memmove(tickets, tickets + 1, --ticket_count * sizeof tickets[0]);
        answer(ticket, well);
    }
}

static void see_ask(const struct ask *ask)
{
    if (ask->kind == ASK_UDP_OPEN) {
        answer(ask->ticket, !(choice.flags & REFUSED));
    } else if (ask->kind == ASK_UDP_SEND) {
        engine_statsd_check(ask->bytes);
    } else if (ask->kind == ASK_CONNECT) {
        CALL(connected, ask->ticket, SPAN("refused"), now);
        look_after();
    }
    if (ask->kind != ASK_APPEND) {
        return;
    }
    if (ticket_count == TICKETS_MAX) {
        answer_oldest(!(choice.flags & REFUSED));
    }
    tickets[ticket_count++] = ask->ticket;
    if (choice.flags & ANSWERED) {
        answer_oldest(!(choice.flags & REFUSED));
    }
}

/* Offers one line of each peer that has input. Whether there was any. */
static bool read_from_all(void)
{
    bool busy = false;
    for (unsigned i = 0; i < peer_count; i++) {
        busy = read_from(i) || busy;
    }
    return busy;
}

/* No publish that waits for an answer is forgotten, even if its client has left. */
static void check_tickets(void)
{
    FUZZ_CHECK(HASH_COUNT(engine->broker.waiting) == ticket_count);
    FUZZ_CHECK(list_empty(&engine->broker.to_ask));
}

/* Drives rounds (serve/drive.h) until nothing is left to do at this time, or `most` rounds. */
static void do_rounds(unsigned most)
{
    struct drive drive = {.rounds_max = most};
    enum drive_turn before = DRIVE_OVER;
    unsigned moved = 0; /* the last round in which bytes moved */
    do {
        drive_next(&drive, &handler, now);
        if (before == DRIVE_INPUT) {
            look(CALL_STEP, MODEL_NOBODY,
                 span_make(NULL, 0)); /* the step that followed the input */
        }
        before = drive.turn;
        bool moves = false;
        switch (drive.turn) {
        case DRIVE_INPUT:
            moves = drive.more_input = read_from_all();
            FUZZ_CHECK(sparing || drive.rounds - moved < ROUNDS_MAX);
            break;
        case DRIVE_CHANGED:
            moves = see_changed(drive.conn);
            drive.more_input = true; /* it may want to read again */
            break;
        case DRIVE_ASK:
            see_ask(&drive.ask);
            break;
        case DRIVE_OVER:
            break;
        }
        moved = moves ? drive.rounds : moved;
    } while (drive.turn != DRIVE_OVER);
}

/* Each request of a client that has sent only whole requests has its answer. */
static void check_answers(unsigned number)
{
    const struct remote *peer = &peers[number];
    const struct web_peer *web = &peer->web;
    if (is_web(number) && peer->id != 0 && !web->raw && !web->answers.closes && !web->is_missing &&
        !peer->slow && !peer->ends && ticket_count == 0 && !stopping &&
        !web_is_over(&model, number)) {
        FUZZ_CHECK(peer->rest_n == 0); /* it was read */
        FUZZ_CHECK(web->answers.count == web->asked);
        FUZZ_CHECK(http_answers_rest(&web->answers) && web_is_idle(&model, number));
    }
}

static void settle(void)
{
    if (sparing) {
        do_rounds(ROUNDS_SPARED); /* so that work is left over when the next operation follows */
        return;
    }
    do_rounds(UINT_MAX);
    check_tickets();
    for (unsigned i = 0; i < peer_count; i++) {
        /* The server reported every change, except WRITE, which depends on what this target has
         * sent. */
        check_answers(i);
        unsigned missed = peers[i].id == 0 ? 0 : CALL(want, peers[i].id) ^ peers[i].want;
        FUZZ_CHECK((missed & ~(unsigned)WANT_WRITE) == 0);
    }
}

/* --- what clients do -------------------------------------------------------------------------- */

static void send_bytes(unsigned number, struct span bytes)
{
    struct remote *peer = &peers[number];
    if (peer->id != 0 && !peer->ends && bytes.n > 0 && bytes.n <= REST_MAX - peer->rest_n) {
        memcpy(peer->rest + peer->rest_n, bytes.p, bytes.n);
        peer->rest_n += bytes.n;
    }
}

/* --- operations ------------------------------------------------------------------------------- */

static void open_peer(unsigned number)
{
    struct remote *peer = &peers[number];
    if (peer->id != 0) {
        return;
    }
    uint64_t id = CALL(open, is_web(number) ? ENGINE_HTTP : ENGINE_TCP, SPAN("client"), now);
    FUZZ_CHECK((id == 0) == stopping);
    if (id == 0) {
        return;
    }
    memset(peer, 0, offsetof(struct remote, rest));
    peer->id = id;
    peer_count = number < peer_count ? peer_count : number + 1;
    model_open(&model, number, id);
    look_after();
}

static void take(unsigned number, unsigned n)
{
    struct remote *peer = &peers[number];
    if (peer->id != 0) {
        peer->slow = n != OP_TAKE_ALL;
        (void)send_output(peer, peer->slow ? n : SIZE_MAX);
        look_after();
    }
}

static void set_wall(int64_t to)
{
    wall = to;
    CALL(wall, wall - now);
}

static void pass(int64_t time)
{
    now += time;
    set_wall(wall); /* it stands still */
}

/* Deletes, empties, pauses or unpauses a topic or channel, as an administrator does. */
static void change_topology(unsigned what)
{
    struct broker *broker = &engine->broker;
    struct span topic = command_writer_topic(what >> 2);
    struct span channel = command_writer_channel(what >> 4);
    bool whole_topic = what & 2;
    bool paused = what & 1;
    struct model_change change = {.topic = topic, .channel = channel, .whole_topic = whole_topic};
    switch (what >> 6) {
    case 3:
        change.deleted = true;
        model_change(&model, &change);
        (void)(whole_topic ? broker_delete_topic(broker, topic)
                           : broker_delete_channel(broker, topic, channel));
        CALL(step, now, now); /* closes the consumers */
        look(CALL_STEP, MODEL_NOBODY, span_make(NULL, 0));
        break;
    case 2:
        model_change(&model, &change);
        (void)(whole_topic ? broker_empty_topic(broker, topic)
                           : broker_empty_channel(broker, topic, channel));
        break;
    default:
        (void)(whole_topic ? broker_pause_topic(broker, topic, paused, now)
                           : broker_pause_channel(broker, topic, channel, paused));
    }
    look_after();
}

static void stop(void)
{
    if (!stopping) {
        stopping = true;
        CALL(stop, now);
        look_after();
    }
}

static void send_command(unsigned number, struct span command)
{
    if (fuzz_talks) {
        fuzz_say_bytes("  ", command);
    }
    send_bytes(number, command);
}

/* A client of the HTTP API sends a request. */
static void send_request(unsigned number, const uint8_t args[OP_ARGS_MAX])
{
    struct web_peer *web = &peers[number].web;
    struct buf request = {0};
    if (web->is_missing) {
        buf_append(&request, span_make(&web->missing, 1));
    }
    request_write(&request, args, &web_serial);
    web->is_missing = args[1] & REQUEST_CUT;
    if (web->is_missing) {
        struct span whole = buf_span(&request);
        FUZZ_CHECK(whole.p != NULL); /* for the analyzer */
        web->missing = whole.p[--request.n];
    }
    web->raw = web->raw || request.n > REST_MAX - peers[number].rest_n;
    web->asked++;
    send_command(number, buf_span(&request));
    buf_free(&request);
}

static void do_op(const struct op *op)
{
    struct remote *peer = &peers[op->conn];
    uint64_t id;
    ops_say(op);
    switch (op->kind) {
    case OP_OPEN:
        open_peer(op->conn);
        break;
    case OP_SEND:
        peer->web.raw = true;
        send_bytes(op->conn, op->bytes);
        break;
    case OP_EOF:
        peer->ends = true;
        if (peer->id != 0 && peer->rest_n == 0 && !peer->end_told) {
            end_input(op->conn); /* EOF may arrive while the server does not want to read */
        }
        break;
    case OP_CLOSE:
        if (peer->id != 0) {
            close_peer(op->conn, CLOSED_BY_ERROR);
        }
        break;
    case OP_ADVANCE:
        pass(ops_time(op->args[0]));
        break;
    case OP_TAKE:
        take(op->conn, op->args[0]);
        break;
    case OP_COMMAND:
        if (is_web(op->conn)) {
            send_request(op->conn, op->args);
        } else {
            send_command(op->conn, command_writer_command(&writer, op->args));
        }
        break;
    case OP_MESSAGE:
        id = sparing ? chosen[chosen_count]
                     : model_choose(&model, op->conn, op->args[0] >> 2 & 3, op->args[1]);
        chosen[chosen_count++] = id;
        peer->web.raw = true;
        send_command(op->conn, command_writer_message(&writer, op->args, id));
        break;
    case OP_ANSWER:
        answer_oldest(op->args[0] % 2 == 0);
        break;
    case OP_TOPOLOGY:
        change_topology(op->args[0]);
        break;
    case OP_WALL:
        set_wall(wall + (int8_t)op->args[0] * TIME_SECOND);
        break;
    case OP_STOP:
        stop();
        break;
    default:
        return;
    }
    settle();
}

/* --- the run ---------------------------------------------------------------------------------- */

static void start(void)
{
    struct engine_config config = engine_choice_config(&choice);
    config.broker.effort_a_call = sparing ? 1 : config.broker.effort_a_call;
    engine = engine_new(&config);
    handler = engine_handler(engine);
    model_begin(&model, engine);
    model.full = sparing;
    chosen_count = 0;
    now = START;
    stopping = false;
    command_writer_init(&writer);
    ticket_count = peer_count = 0;
    web_serial = 0;
    set_wall(WALL);
    for (unsigned i = 0; i < OP_CONNECTIONS; i++) {
        peers[i].id = 0;
        peers[i].ends = false;
    }
    for (unsigned i = 0; i < choice.open % (OP_CONNECTIONS + 1); i++) {
        open_peer(i);
        send_bytes(i, is_web(i) ? SPAN("") : SPAN("  V2"));
    }
    settle();
}

static void finish(void)
{
    do_rounds(UINT_MAX);
    for (unsigned i = 0; i < OP_CONNECTIONS; i++) {
        if (peers[i].id != 0) {
            close_peer(i, CLOSED_BY_ERROR);
        }
    }
    FUZZ_CHECK(!stopping || handler.stopped(handler.self));
    engine_free(engine); /* asserts that the memory budget is empty */
}

static void play(struct span in)
{
    start();
    for (unsigned i = 0; i < OPS_MAX && in.n > 0 && (sparing || !model.full); i++) {
        struct op op = ops_next(&in);
        do_op(&op);
    }
    finish();
}

int engine_run(struct span in, bool web)
{
    with_web = web;
    choice = engine_choice_read(&in);
    if (in.n == 0) {
        return 0;
    }
    sparing = false;
    play(in);
    sparing = true;
    play(in);
    return 0;
}
