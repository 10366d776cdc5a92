/* SPDX-License-Identifier: MIT */
#include "conform/player.h"

#include <nsq/frame.h>

#include "base/text.h"
#include "base/time.h"
#include "conform/json_subset.h"
#include "conform/record_json.h"

#define SHOWN_MAX 200 /* bytes of a frame that the transcript shows */

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_PASS] = "pass",
        [VERDICT_FAIL] = "fail",
        [VERDICT_NON_STRICT] = "non-strict",
        [VERDICT_UNSUPPORTED] = "unsupported",
        [VERDICT_XFAIL] = "xfail",
        [VERDICT_XPASS] = "xpass",
        [VERDICT_UNREACHABLE] = "unreachable",
    };
    return names[verdict];
}

/* --- the transcript --------------------------------------------------------------------------- */

static void show_bytes(struct buf *out, struct span bytes)
{
    text_append(out, "\"");
    transcript_escape(span_first(bytes, SHOWN_MAX), out);
    text_append(out, "\"");
    if (bytes.n > SHOWN_MAX) {
        text_append(out, " .. ");
        text_append_decimal(out, (int64_t)bytes.n);
        text_append(out, " bytes");
    }
}

static void note(struct player *p, struct span actor, struct span what)
{
    buf_append(&p->exchange, actor);
    buf_append(&p->exchange, what);
    text_append(&p->exchange, "\n");
}

static void note_bytes(struct player *p, struct span actor, struct span what, struct span bytes)
{
    buf_append(&p->exchange, actor);
    buf_append(&p->exchange, what);
    show_bytes(&p->exchange, bytes);
    text_append(&p->exchange, "\n");
}

static void show_frame(struct buf *out, const struct nsq_frame *frame)
{
    struct nsq_message m;
    if (frame->type == NSQ_FRAME_MESSAGE && nsq_message_parse(frame->data, &m) == NSQ_OK) {
        text_append(out, "message ");
        transcript_escape(span_make(m.id, NSQ_MESSAGE_ID_SIZE), out);
        text_append(out, " attempts ");
        text_append_decimal(out, m.attempts);
        text_append(out, " body ");
        show_bytes(out, m.body);
        return;
    }
    buf_append(out, frame->type == NSQ_FRAME_RESPONSE ? SPAN("response ")
                    : frame->type == NSQ_FRAME_ERROR  ? SPAN("error ")
                                                      : SPAN("message too short "));
    show_bytes(out, frame->data);
}

/* Keeps the bytes that had come and that nothing has matched, of one connection or of all. */
static void keep_came(struct player *p, struct span actor)
{
    for (size_t i = 0; i < p->conn_count; i++) {
        if (actor.n == 0 || span_equal(p->conns[i].name, actor)) {
            buf_append(&p->came, span_first(buf_span(&p->conns[i].in), PLAYER_CAME_MAX));
        }
    }
}

/* The case fails at this step; the first failure stands. */
static bool fail(struct player *p, const struct step *step, enum verdict verdict)
{
    if (p->failed_line == 0) {
        p->verdict = verdict;
        p->failed_line = step->line;
        keep_came(p, step->actor);
    }
    return false;
}

/* "expected <step>; came <...>": the caller appends what came. */
static struct buf *expected(struct player *p, const struct step *step)
{
    buf_drop(&p->why, p->why.n);
    text_append(&p->why, "expected: ");
    transcript_step_print(step, 0, &p->why);
    text_append(&p->why, "came:     ");
    return &p->why;
}

/* --- connections ------------------------------------------------------------------------------ */

/* The number of the connection that an actor is; PLAYER_CONNS_MAX: there is none. */
static size_t find_conn(const struct player *p, struct span name)
{
    for (size_t i = 0; i < p->conn_count; i++) {
        if (span_equal(p->conns[i].name, name)) {
            return i;
        }
    }
    return PLAYER_CONNS_MAX;
}

static int64_t now(struct player *p)
{
    return p->config.transport.now(p->config.transport.self);
}

static int64_t scaled(const struct player *p, int64_t ns)
{
    return ns / 100 * p->config.time_scale;
}

/* --- frames that come ------------------------------------------------------------------------- */

enum arrival { ARRIVED, NOT_YET, ENDED, MALFORMED, UNDECODED };

/* What came cannot be decoded any more. */
static bool undecoded(const struct player_conn *c, struct span *why)
{
    return wire_state(&c->wire, why) == CODEC_FAILED;
}

/* Looks at the frame that starts `offset` bytes into what came. */
static enum arrival peek(const struct player_conn *c, size_t offset, struct nsq_frame *frame,
                         size_t *size)
{
    struct span why;
    switch (nsq_frame_parse(span_skip(buf_span(&c->in), offset), NSQ_FRAME_DATA_MAX, frame, size)) {
    case NSQ_OK:
        return ARRIVED;
    case NSQ_BAD:
        return MALFORMED;
    default:
        return undecoded(c, &why) ? UNDECODED : c->ended != END_NONE ? ENDED : NOT_YET;
    }
}

/* Takes n bytes that start at offset out of what came. */
static void remove_bytes(struct player_conn *c, size_t offset, size_t n)
{
    struct buf rest = {0};
    struct span in = buf_span(&c->in);
    if (offset == 0) {
        buf_drop(&c->in, n);
        return;
    }
    buf_append(&rest, span_first(in, offset));
    buf_append(&rest, span_skip(in, offset + n));
    buf_free(&c->in);
    c->in = rest;
}

/* The next frame, heartbeats left out unless they are what is waited for. */
static enum arrival peek_frame(struct player *p, struct player_conn *c, bool heartbeats,
                               struct nsq_frame *frame, size_t *size)
{
    enum arrival arrival;
    while ((arrival = peek(c, 0, frame, size)) == ARRIVED && !heartbeats &&
           nsq_frame_is_heartbeat(frame)) {
        note(p, c->name, SPAN(" < heartbeat"));
        buf_drop(&c->in, *size);
    }
    return arrival;
}

/* Sends what codecs have answered to what came, and to the answers to that. */
static void send_answers(struct player *p)
{
    for (size_t i = 0; i < p->conn_count; i++) {
        while (p->conns[i].wire.answer.n > 0) {
            struct buf answer = p->conns[i].wire.answer;
            p->conns[i].wire.answer = (struct buf){0};
            p->config.transport.send(p->config.transport.self, i, buf_span(&answer));
            buf_free(&answer);
        }
    }
}

static void wait_until(struct player *p, int64_t deadline)
{
    p->config.transport.wait(p->config.transport.self, deadline);
    send_answers(p);
}

void player_arrived(struct player *p, size_t i, struct span bytes)
{
    wire_decode(&p->conns[i].wire, bytes, &p->conns[i].in);
}

/* Waits for the next frame until the deadline. */
static enum arrival await_frame(struct player *p, struct player_conn *c, bool heartbeats,
                                int64_t deadline, struct nsq_frame *frame, size_t *size)
{
    enum arrival arrival;
    while ((arrival = peek_frame(p, c, heartbeats, frame, size)) == NOT_YET && now(p) < deadline) {
        wait_until(p, deadline);
    }
    return arrival;
}

/* Says what came that is no frame. */
static void say_arrival(const struct player_conn *c, enum arrival arrival, struct buf *out)
{
    struct span why;
    switch (arrival) {
    case ENDED:
        text_append(out, "the end of the connection");
        break;
    case MALFORMED:
        text_append(out, "bytes that are no frame");
        break;
    case UNDECODED:
        undecoded(c, &why);
        text_append(out, "bytes that cannot be decoded: ");
        buf_append(out, why);
        break;
    default:
        text_append(out, "nothing");
    }
}

/* --- does a frame match a step? --------------------------------------------------------------- */

/* A value that is known must be the same; one that is not is captured by keep_value. */
static bool may_be(struct player *p, struct span name, struct span bytes)
{
    const struct value *value = values_find(&p->values, name);
    return value == NULL || span_equal(buf_span(&value->bytes), bytes);
}

static bool keep_value(struct player *p, struct span name, struct span bytes)
{
    struct value *value = values_find(&p->values, name);
    if (value == NULL && (value = values_add(&p->values, name)) != NULL) {
        buf_append(&value->bytes, bytes);
    }
    return value != NULL;
}

static bool matches_message(struct player *p, const struct step *step,
                            const struct nsq_frame *frame)
{
    struct nsq_message m;
    uint8_t at_bytes[8];
    if (frame->type != NSQ_FRAME_MESSAGE || nsq_message_parse(frame->data, &m) != NSQ_OK ||
        (step->attempts >= 0 && step->attempts != m.attempts) ||
        !values_equal(&p->values, step->items, m.body)) {
        return false;
    }
    be64_store(at_bytes, (uint64_t)m.timestamp);
    struct span id = span_make(m.id, NSQ_MESSAGE_ID_SIZE);
    struct span at = span_make(at_bytes, sizeof at_bytes);
    if (!may_be(p, step->var, id) || (step->at.n > 0 && !may_be(p, step->at, at))) {
        return false;
    }
    return keep_value(p, step->var, id) && (step->at.n == 0 || keep_value(p, step->at, at));
}

/* The code is the rule; another text makes the verdict non-strict. */
static bool matches_error(struct player *p, const struct step *step, const struct nsq_frame *frame)
{
    struct span text;
    if (frame->type != NSQ_FRAME_ERROR || nsq_error_split(frame->data, &text) != step->code) {
        return false;
    }
    if (step->items != NULL && !values_equal(&p->values, step->items, text) &&
        p->verdict == VERDICT_PASS) {
        p->verdict = VERDICT_NON_STRICT;
        show_frame(expected(p, step), frame);
    }
    return true;
}

static bool matches(struct player *p, const struct step *step, const struct nsq_frame *frame)
{
    bool response = frame->type == NSQ_FRAME_RESPONSE;
    switch (step->kind) {
    case STEP_RESPONSE:
        return response && values_equal(&p->values, step->items, frame->data);
    case STEP_JSON:
        return response && json_subset(step->text, frame->data);
    case STEP_HEARTBEAT:
        return nsq_frame_is_heartbeat(frame);
    case STEP_MESSAGE:
        return matches_message(p, step, frame);
    default:
        return matches_error(p, step, frame);
    }
}

/* --- steps ------------------------------------------------------------------------------------ */

/* A frame that was matched leaves the connection. */
static void note_frame(struct player *p, const struct player_conn *c, const struct nsq_frame *frame)
{
    buf_append(&p->exchange, c->name);
    text_append(&p->exchange, " < ");
    show_frame(&p->exchange, frame);
    text_append(&p->exchange, "\n");
}

static void accept_frame(struct player *p, struct player_conn *c, const struct nsq_frame *frame,
                         size_t size)
{
    note_frame(p, c, frame);
    if (frame->type == NSQ_FRAME_RESPONSE && frame->data.n > 0 && frame->data.p[0] == '{') {
        c->announced += record_json_upgrades(frame->data);
    }
    buf_drop(&c->in, size);
}

static int64_t deadline_of(struct player *p, const struct step *step)
{
    if (step->within != 0) {
        return now(p) + scaled(p, step->within);
    }
    return now(p) + scaled(p, p->config.patience) + step->after;
}

static bool in_time(struct player *p, const struct step *step)
{
    if (step->after == 0 || now(p) - p->last_step_end >= step->after - p->config.slack) {
        return true;
    }
    text_append(expected(p, step), "it after ");
    text_append_decimal(&p->why, (now(p) - p->last_step_end) / TIME_MS);
    text_append(&p->why, "ms already");
    return fail(p, step, VERDICT_FAIL);
}

static bool play_frame(struct player *p, struct player_conn *c, const struct step *step)
{
    struct nsq_frame frame;
    size_t size;
    enum arrival arrival =
        await_frame(p, c, step->kind == STEP_HEARTBEAT, deadline_of(p, step), &frame, &size);
    if (arrival != ARRIVED) {
        say_arrival(c, arrival, expected(p, step));
        return fail(p, step, VERDICT_FAIL);
    }
    if (!matches(p, step, &frame)) {
        show_frame(expected(p, step), &frame);
        return fail(p, step, VERDICT_FAIL);
    }
    accept_frame(p, c, &frame, size);
    return in_time(p, step);
}

/* --- partial order ---------------------------------------------------------------------------- */

/* Whether this frame, at `offset`, is the one that a step of a recorded session waits for. A step
 * with a message passes over everything else; a step with a reply passes over messages only. */
enum fit { FITS, PASSED_OVER, UNFIT };

static enum fit fits(struct player *p, const struct step *step, const struct nsq_frame *frame)
{
    bool message = frame->type == NSQ_FRAME_MESSAGE;
    if (nsq_frame_is_heartbeat(frame) || message != (step->kind == STEP_MESSAGE)) {
        return PASSED_OVER;
    }
    if (matches(p, step, frame)) {
        return FITS;
    }
    return message ? PASSED_OVER : UNFIT;
}

/* Finds the step's frame among all that came, however much stands in front of it. */
static bool play_partial(struct player *p, struct player_conn *c, const struct step *step)
{
    int64_t deadline = deadline_of(p, step);
    size_t offset = 0;
    for (;;) {
        struct nsq_frame frame;
        size_t size;
        enum arrival arrival = peek(c, offset, &frame, &size);
        if (arrival == NOT_YET && now(p) < deadline) {
            wait_until(p, deadline);
            continue;
        }
        if (arrival != ARRIVED) {
            say_arrival(c, arrival, expected(p, step));
            return fail(p, step, VERDICT_FAIL);
        }
        enum fit fit = fits(p, step, &frame);
        if (fit == UNFIT) {
            show_frame(expected(p, step), &frame);
            return fail(p, step, VERDICT_FAIL);
        }
        if (fit == FITS) {
            note_frame(p, c, &frame);
            remove_bytes(c, offset, size);
            return true;
        }
        offset += size;
    }
}

/* Whether the server has ended TLS by an alert: the connection's end follows it. */
static bool ends_by_alert(const struct player_conn *c)
{
    struct span why;
    struct span word = SPAN("remote error: ");
    return undecoded(c, &why) && span_equal(span_first(why, word.n), word);
}

/* Waits for the end, behind an alert too. */
static enum arrival await_end(struct player *p, struct player_conn *c, const struct step *step)
{
    struct nsq_frame frame;
    size_t size;
    int64_t deadline = deadline_of(p, step);
    enum arrival arrival = await_frame(p, c, false, deadline, &frame, &size);
    if (arrival != UNDECODED || !ends_by_alert(c)) {
        return arrival;
    }
    while (c->ended == END_NONE && now(p) < deadline) {
        wait_until(p, deadline);
    }
    return c->ended == END_NONE ? NOT_YET : ENDED;
}

static bool play_server_end(struct player *p, struct player_conn *c, const struct step *step)
{
    struct nsq_frame frame;
    size_t size;
    enum arrival arrival = await_end(p, c, step);
    switch (arrival) {
    case ENDED:
        break;
    case ARRIVED:
        peek(c, 0, &frame, &size);
        show_frame(expected(p, step), &frame);
        return fail(p, step, VERDICT_FAIL);
    case NOT_YET:
        text_append(expected(p, step), "nothing: the connection is open");
        return fail(p, step, VERDICT_FAIL);
    default:
        say_arrival(c, arrival, expected(p, step));
        return fail(p, step, VERDICT_FAIL);
    }
    if (c->in.n > 0) {
        text_append(expected(p, step), "the end inside a frame");
        return fail(p, step, VERDICT_FAIL);
    }
    if (step->end != END_NONE && step->end != c->ended) {
        buf_append(expected(p, step), c->ended == END_RST ? SPAN("RST") : SPAN("FIN"));
        return fail(p, step, VERDICT_FAIL);
    }
    note(p, c->name, c->ended == END_RST ? SPAN(" < end (RST)") : SPAN(" < end"));
    return in_time(p, step);
}

/* Waits for a frame that is neither message nor heartbeat; the messages in front of it stay. */
static enum arrival await_reply(struct player *p, struct player_conn *c, int64_t deadline,
                                size_t *offset, struct nsq_frame *frame, size_t *size)
{
    enum arrival arrival;
    *offset = 0;
    for (;;) {
        arrival = peek(c, *offset, frame, size);
        if (arrival == ARRIVED && frame->type != NSQ_FRAME_MESSAGE &&
            !nsq_frame_is_heartbeat(frame)) {
            return ARRIVED;
        }
        if (arrival == ARRIVED) {
            *offset += *size;
        } else if (arrival != NOT_YET || now(p) >= deadline) {
            return arrival;
        } else {
            wait_until(p, deadline);
        }
    }
}

/* Whether no reply has come that nothing has matched; without waiting. */
static bool no_reply(struct player *p, struct player_conn *c, const struct step *step)
{
    struct nsq_frame frame;
    size_t offset;
    size_t size;
    wait_until(p, now(p));
    if (await_reply(p, c, now(p), &offset, &frame, &size) != ARRIVED) {
        return true;
    }
    show_frame(expected(p, step), &frame);
    return fail(p, step, VERDICT_FAIL);
}

/* Sends bytes as they are. */
static void send_raw(struct player *p, size_t i, struct span bytes)
{
    p->config.transport.send(p->config.transport.self, i, bytes);
    send_answers(p);
}

static void send_bytes(struct player *p, size_t i, struct span bytes)
{
    struct buf out = {0};
    if (p->config.late_replies) {
        stream_add(&p->conns[i].sent, bytes);
    }
    wire_encode(&p->conns[i].wire, bytes, &out);
    send_raw(p, i, buf_span(&out));
    buf_free(&out);
}

/* The last words of what is on, which the client's end follows. */
static void send_last_words(struct player *p, size_t i)
{
    struct buf out = {0};
    wire_finish(&p->conns[i].wire, &out);
    if (out.n > 0) {
        send_raw(p, i, buf_span(&out));
    }
    buf_free(&out);
}

/* Nothing was replied if nothing is there yet, and the next reply is that to a PUB which is sent
 * now. */
static bool play_nothing(struct player *p, size_t i, const struct step *step)
{
    struct player_conn *c = &p->conns[i];
    struct buf pub = {0};
    if (!no_reply(p, c, step)) {
        return false;
    }
    text_append(&pub, "PUB ");
    values_scratch(&p->values, &pub);
    text_append(&pub, "\n");
    buf_append(&pub, span_make("\0\0\0\1x", 5));
    send_bytes(p, i, buf_span(&pub));
    buf_free(&pub);
    struct nsq_frame frame;
    size_t offset;
    size_t size;
    enum arrival arrival = await_reply(p, c, deadline_of(p, step), &offset, &frame, &size);
    if (arrival != ARRIVED) {
        struct buf *why = expected(p, step);
        say_arrival(c, arrival, why);
        text_append(why, ", but not the answer to a PUB sent behind it either");
        return fail(p, step, VERDICT_FAIL);
    }
    if (frame.type != NSQ_FRAME_RESPONSE || !span_equal(frame.data, SPAN("OK"))) {
        show_frame(expected(p, step), &frame);
        return fail(p, step, VERDICT_FAIL);
    }
    remove_bytes(c, offset, size);
    note(p, c->name, SPAN(" < nothing (a PUB to another topic was answered first)"));
    return true;
}

static bool play_no_message(struct player *p, struct player_conn *c, const struct step *step)
{
    int64_t deadline = now(p) + step->within;
    struct nsq_frame frame;
    size_t size;
    enum arrival arrival = await_frame(p, c, false, deadline, &frame, &size);
    if (arrival == NOT_YET) {
        note(p, c->name, SPAN(" < no message"));
        return true;
    }
    if (arrival == ARRIVED) {
        show_frame(expected(p, step), &frame);
    } else {
        say_arrival(c, arrival, expected(p, step));
    }
    return fail(p, step, VERDICT_FAIL);
}

static bool play_wait(struct player *p, int64_t ns)
{
    int64_t deadline = now(p) + ns;
    while (now(p) < deadline) {
        wait_until(p, deadline);
    }
    text_append(&p->exchange, "wait ");
    text_append_decimal(&p->exchange, ns / TIME_MS);
    text_append(&p->exchange, "ms\n");
    return true;
}

static bool play_connect(struct player *p, const struct step *step)
{
    if (find_conn(p, step->actor) != PLAYER_CONNS_MAX || p->conn_count == PLAYER_CONNS_MAX) {
        text_append(expected(p, step), "a name that is in use already, or too many connections");
        return fail(p, step, VERDICT_UNREACHABLE);
    }
    size_t i = p->conn_count++;
    p->conns[i].name = step->actor;
    p->conns[i].open = true;
    if (!p->config.transport.connect(p->config.transport.self, i)) {
        text_append(expected(p, step), "no connection");
        return fail(p, step, VERDICT_UNREACHABLE);
    }
    note(p, step->actor, SPAN(" connect"));
    return true;
}

static bool play_send(struct player *p, size_t i, const struct step *step)
{
    struct buf bytes = {0};
    bool known = values_render(&p->values, step->items, &bytes);
    if (known) {
        note_bytes(p, step->actor, step->raw ? SPAN(" > raw ") : SPAN(" > "), buf_span(&bytes));
        (step->raw ? send_raw : send_bytes)(p, i, buf_span(&bytes));
    } else {
        text_append(expected(p, step), "a value that nothing has captured");
        fail(p, step, VERDICT_UNREACHABLE);
    }
    buf_free(&bytes);
    return known;
}

/* --- upgrades -------------------------------------------------------------------------------- */

static bool fail_upgrade(struct player *p, const struct player_conn *c, const struct step *step)
{
    struct span why;
    struct buf *out = expected(p, step);
    if (undecoded(c, &why) && step->upgrade == UPGRADE_TLS) {
        text_append(out, "a handshake that fails: ");
        buf_append(out, why);
    } else {
        say_arrival(c,
                    undecoded(c, &why)     ? UNDECODED
                    : c->ended != END_NONE ? ENDED
                                           : NOT_YET,
                    out);
    }
    return fail(p, step, VERDICT_FAIL);
}

static void note_upgrade(struct player *p, const struct step *step)
{
    transcript_step_print(step, 0, &p->exchange);
}

/* Puts a codec on, and waits for its handshake. What came and nothing has matched was meant for it.
 */
static bool play_upgrade(struct player *p, size_t i, const struct step *step)
{
    struct player_conn *c = &p->conns[i];
    struct span why;
    struct buf none = {0};
    int64_t deadline = deadline_of(p, step);
    struct codec codec = wire_client_codec(step, &none);
    if (codec.calls == NULL) {
        buf_append(expected(p, step), buf_span(&none));
        buf_free(&none);
        return fail(p, step, VERDICT_UNREACHABLE);
    }
    wire_enable_codec(&c->wire, codec, &c->in);
    send_answers(p);
    while (wire_state(&c->wire, &why) == CODEC_HANDSHAKING && c->ended == END_NONE &&
           now(p) < deadline) {
        wait_until(p, deadline);
    }
    if (wire_state(&c->wire, &why) != CODEC_OPEN) {
        return fail_upgrade(p, c, step);
    }
    note_upgrade(p, step);
    return true;
}

/* --- any order -------------------------------------------------------------------------------- */

/* Matches the first frame of a step's connection, if it has come. A step that does not match is
 * asked again with the next frame. */
static bool try_any(struct player *p, const struct step *step)
{
    size_t i = find_conn(p, step->actor);
    struct nsq_frame frame;
    size_t size;
    if (i == PLAYER_CONNS_MAX) {
        return false;
    }
    struct player_conn *c = &p->conns[i];
    enum arrival arrival = peek_frame(p, c, step->kind == STEP_HEARTBEAT, &frame, &size);
    if (step->kind == STEP_SERVER_END) {
        return arrival == ENDED && c->in.n == 0 && (step->end == END_NONE || step->end == c->ended);
    }
    enum verdict before = p->verdict;
    if (arrival != ARRIVED || !matches(p, step, &frame)) {
        p->verdict = before;
        return false;
    }
    accept_frame(p, c, &frame, size);
    return in_time(p, step);
}

static bool try_all(struct player *p, const struct step *first, bool done[PLAYER_ANY_MAX],
                    size_t *left)
{
    bool progress = false;
    size_t i = 0;
    for (const struct step *s = first; s != NULL && i < PLAYER_ANY_MAX; s = s->next, i++) {
        if (!done[i] && try_any(p, s)) {
            done[i] = progress = true;
            (*left)--;
        }
    }
    return progress;
}

/* What of an any has not come, and what has come instead. */
static void say_rest(struct player *p, const struct step *first, const bool done[PLAYER_ANY_MAX])
{
    size_t i = 0;
    struct nsq_frame frame;
    size_t size;
    text_append(&p->why, "not these:\n");
    for (const struct step *s = first; s != NULL && i < PLAYER_ANY_MAX; s = s->next, i++) {
        if (!done[i]) {
            transcript_step_print(s, 1, &p->why);
        }
    }
    for (i = 0; i < p->conn_count; i++) {
        enum arrival arrival = peek(&p->conns[i], 0, &frame, &size);
        text_append(&p->why, "          ");
        buf_append(&p->why, p->conns[i].name);
        text_append(&p->why, " < ");
        if (arrival == ARRIVED) {
            show_frame(&p->why, &frame);
        } else {
            say_arrival(&p->conns[i], arrival, &p->why);
        }
        text_append(&p->why, "\n");
    }
}

static bool play_any(struct player *p, const struct step *step)
{
    bool done[PLAYER_ANY_MAX] = {false};
    size_t left = 0;
    size_t i = 0;
    for (const struct step *s = step->inside; s != NULL && i < PLAYER_ANY_MAX; s = s->next, i++) {
        done[i] = s->kind == STEP_COMMENT;
        left += !done[i];
    }
    int64_t deadline = deadline_of(p, step);
    while (left > 0 && p->failed_line == 0) {
        if (try_all(p, step->inside, done, &left)) {
            continue;
        }
        if (now(p) >= deadline) {
            expected(p, step);
            say_rest(p, step->inside, done);
            return fail(p, step, VERDICT_FAIL);
        }
        wait_until(p, deadline);
    }
    return p->failed_line == 0;
}

/* --- the case --------------------------------------------------------------------------------- */

static bool play_actor_step(struct player *p, const struct step *step)
{
    size_t i = find_conn(p, step->actor);
    if (i == PLAYER_CONNS_MAX) {
        text_append(expected(p, step), "the name of no connection");
        return fail(p, step, VERDICT_UNREACHABLE);
    }
    struct player_conn *c = &p->conns[i];
    struct transport *t = &p->config.transport;
    switch (step->kind) {
    case STEP_SEND:
        return play_send(p, i, step);
    case STEP_UPGRADE:
        return play_upgrade(p, i, step);
    case STEP_CLIENT_END:
        note(p, c->name, step->raw ? SPAN(" > raw end") : SPAN(" > end"));
        if (!step->raw) {
            send_last_words(p, i);
        }
        c->half_closed = true;
        t->end(t->self, i);
        return true;
    case STEP_CLIENT_CLOSE:
    case STEP_CLIENT_RESET:
        note(p, c->name, step->kind == STEP_CLIENT_RESET ? SPAN(" > reset") : SPAN(" > close"));
        if (step->kind == STEP_CLIENT_CLOSE && !c->half_closed) {
            send_last_words(p, i);
        }
        c->open = false;
        (step->kind == STEP_CLIENT_RESET ? t->reset : t->close)(t->self, i);
        return true;
    case STEP_NOTHING:
        return play_nothing(p, i, step);
    case STEP_NO_MESSAGE:
        return play_no_message(p, c, step);
    case STEP_SERVER_END:
        return play_server_end(p, c, step);
    default:
        return p->file->partial_order ? play_partial(p, c, step) : play_frame(p, c, step);
    }
}

static bool play_step(struct player *p, const struct step *step)
{
    switch (step->kind) {
    case STEP_COMMENT:
        return true;
    case STEP_CONNECT:
        return play_connect(p, step);
    case STEP_WAIT:
        return play_wait(p, step->after);
    case STEP_ANY:
        return play_any(p, step);
    default:
        return play_actor_step(p, step);
    }
}

void player_init(struct player *p, const struct player_config *config,
                 const struct transcript *file)
{
    *p = (struct player){.config = *config,
                         .file = file,
                         .values = {.names = config->names},
                         .verdict = VERDICT_PASS};
}

static bool takes_commands(const struct player_conn *c)
{
    struct span why;
    return c->open && !c->half_closed && c->ended == END_NONE &&
           c->announced <= wire_count(&c->wire) && wire_state(&c->wire, &why) == CODEC_OPEN &&
           stream_at_command(&c->sent);
}

/* Whether this is how a server answers a command that it does not know. One that does it with a
 * code of its own fails where a case is about that, not everywhere. */
static bool answers_last_command(const struct nsq_frame *frame)
{
    struct span text;
    enum nsq_error code =
        frame->type == NSQ_FRAME_ERROR ? nsq_error_split(frame->data, &text) : NSQ_E_NONE;
    return frame->type == NSQ_FRAME_ERROR && (code == NSQ_E_INVALID || code == NSQ_E_NONE);
}

/* The next reply is that to a last command. A server that does not answer it has sent nothing
 * else either. */
static void play_last_command(struct player *p, size_t i, const struct step *nothing)
{
    struct player_conn *c = &p->conns[i];
    struct nsq_frame frame;
    size_t offset;
    size_t size;
    note(p, c->name, SPAN(" > \"END_OF_CASE\\n\" (no such command)"));
    send_bytes(p, i, SPAN(PLAYER_LAST_COMMAND));
    if (await_reply(p, c, deadline_of(p, nothing), &offset, &frame, &size) != ARRIVED) {
        return;
    }
    if (answers_last_command(&frame)) {
        note_frame(p, c, &frame);
    } else {
        show_frame(expected(p, nothing), &frame);
        fail(p, nothing, VERDICT_FAIL);
    }
}

/* No reply may be left that no step has asked for. */
static void check_rest(struct player *p, unsigned line)
{
    for (size_t i = 0; i < p->conn_count && p->failed_line == 0; i++) {
        struct player_conn *c = &p->conns[i];
        const struct step nothing = {.kind = STEP_NOTHING, .line = line, .actor = c->name};
        if (no_reply(p, c, &nothing) && p->config.late_replies && takes_commands(c)) {
            play_last_command(p, i, &nothing);
        }
    }
}

void player_run(struct player *p)
{
    struct transport *t = &p->config.transport;
    unsigned line = 0;
    p->last_step_end = now(p);
    for (const struct step *step = p->file->steps; step != NULL && play_step(p, step);
         step = step->next) {
        p->last_step_end = step->kind == STEP_COMMENT ? p->last_step_end : now(p);
        line = step->line;
    }
    if (!p->file->partial_order) {
        check_rest(p, line);
    }
    for (size_t i = 0; i < p->conn_count; i++) {
        if (p->conns[i].open) {
            p->conns[i].open = false;
            t->close(t->self, i);
        }
    }
}

void player_free(struct player *p)
{
    for (size_t i = 0; i < PLAYER_CONNS_MAX; i++) {
        buf_free(&p->conns[i].in);
        wire_free(&p->conns[i].wire);
        stream_free(&p->conns[i].sent);
    }
    values_free(&p->values);
    buf_free(&p->came);
    buf_free(&p->exchange);
    buf_free(&p->why);
}
