/* SPDX-License-Identifier: MIT */
/* One function for each kind of step; player_step chooses. Must not know: the steps before and
 * after it. */
#include "conform/player_steps.h"

#include "base/text.h"
#include "base/time.h"
#include "conform/player_any.h"
#include "conform/player_exchange.h"
#include "conform/player_frames.h"
#include "conform/player_http.h"
#include "conform/player_io.h"
#include "conform/player_lookupd.h"
#include "conform/player_pieces.h"

/* What has come instead of a frame, or how long the step has waited for one. */
static bool fail_without_frame(struct player *p, const struct player_conn *c,
                               const struct step *step, enum arrival arrival)
{
    struct buf *why = player_expected(p, step);
    player_show_arrival(c, arrival, why);
    if (arrival == NOT_YET) {
        player_show_wait(p, why);
    }
    return player_fail(p, step, VERDICT_FAIL);
}

static bool play_frame(struct player *p, struct player_conn *c, const struct step *step)
{
    struct nsq_frame frame;
    size_t size;
    enum arrival arrival = player_await_frame(p, c, step->kind == STEP_HEARTBEAT,
                                              player_deadline(p, step), &frame, &size);
    if (arrival != ARRIVED) {
        return fail_without_frame(p, c, step, arrival);
    }
    if (!player_matches(p, step, &frame)) {
        player_show_mismatch(p, c, step, &frame);
        return player_fail(p, step, VERDICT_FAIL);
    }
    player_accept_frame(p, c, &frame, size);
    return player_in_time(p, step);
}

/* In a file with "order: partial" (a recorded conversation) replies keep their order among
 * themselves, and messages may arrive at any time. So a step that waits for a reply skips messages,
 * and a step that waits for a message skips replies and other messages. */
enum fit { FITS, PASSED_OVER, UNFIT };

static enum fit fits(struct player *p, const struct step *step, const struct nsq_frame *frame)
{
    bool message = frame->type == NSQ_FRAME_MESSAGE;
    if (nsq_frame_is_heartbeat(frame) || message != (step->kind == STEP_MESSAGE)) {
        return PASSED_OVER;
    }
    if (player_matches(p, step, frame)) {
        return FITS;
    }
    return message ? PASSED_OVER : UNFIT;
}

/* Finds the step's frame among all frames that have arrived, also after other frames. */
static bool play_partial(struct player *p, struct player_conn *c, const struct step *step)
{
    int64_t deadline = player_deadline(p, step);
    size_t offset = 0;
    for (;;) {
        struct nsq_frame frame;
        size_t size;
        enum arrival arrival = player_peek(c, offset, &frame, &size);
        if (arrival == NOT_YET && player_now(p) < deadline) {
            player_wait_until(p, deadline);
            continue;
        }
        if (arrival != ARRIVED) {
            return fail_without_frame(p, c, step, arrival);
        }
        enum fit fit = fits(p, step, &frame);
        if (fit == UNFIT) {
            player_show_mismatch(p, c, step, &frame);
            return player_fail(p, step, VERDICT_FAIL);
        }
        if (fit == FITS) {
            player_note_frame(p, c, &frame);
            player_remove_bytes(c, offset, size);
            return true;
        }
        offset += size;
    }
}

/* Whether the server has ended TLS with an alert. The end of the connection follows. */
static bool ends_by_alert(const struct player_conn *c)
{
    struct span why;
    struct span word = SPAN("remote error: ");
    return player_undecoded(c, &why) && span_equal(span_first(why, word.n), word);
}

/* Waits for the end of the connection, also when a TLS alert comes first. */
static enum arrival await_end(struct player *p, struct player_conn *c, const struct step *step)
{
    struct nsq_frame frame;
    size_t size;
    int64_t deadline = player_deadline(p, step);
    enum arrival arrival = player_await_frame(p, c, false, deadline, &frame, &size);
    if (arrival != UNDECODED || !ends_by_alert(c)) {
        return arrival;
    }
    while (c->ended == END_NONE && player_now(p) < deadline) {
        player_wait_until(p, deadline);
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
        player_peek(c, 0, &frame, &size);
        player_show_arrived(c, &frame, player_expected(p, step));
        return player_fail(p, step, VERDICT_FAIL);
    case NOT_YET:
        text_append(player_expected(p, step), "nothing; the connection is not closed");
        player_show_wait(p, &p->why);
        return player_fail(p, step, VERDICT_FAIL);
    default:
        return fail_without_frame(p, c, step, arrival);
    }
    if (c->in.n > 0) {
        text_append(player_expected(p, step), "the end in the middle of a frame");
        return player_fail(p, step, VERDICT_FAIL);
    }
    if (step->end != END_NONE && step->end != c->ended) {
        buf_append(player_expected(p, step), c->ended == END_RST ? SPAN("RST") : SPAN("FIN"));
        return player_fail(p, step, VERDICT_FAIL);
    }
    player_note(p, c->name,
                c->accepted           ? SPAN(" > end")
                : c->ended == END_RST ? SPAN(" < end (RST)")
                                      : SPAN(" < end"));
    return player_in_time(p, step);
}

/* Proves that the server did not reply: there is no frame now, and the next frame is the answer to
 * a PUB that is sent now. A message makes the step fail too, but it may also come later. */
static bool play_nothing(struct player *p, size_t i, const struct step *step)
{
    struct player_conn *c = &p->conns[i];
    struct buf pub = {0};
    if (!player_no_reply(p, c, step)) {
        return false;
    }
    text_append(&pub, "PUB ");
    values_scratch(&p->values, &pub);
    text_append(&pub, "\n");
    buf_append(&pub, span_make("\0\0\0\1x", 5));
    player_send(p, i, buf_span(&pub));
    buf_free(&pub);
    struct nsq_frame frame;
    size_t offset;
    size_t size;
    enum arrival arrival =
        player_await_reply(p, c, player_deadline(p, step), &offset, &frame, &size);
    if (arrival != ARRIVED) {
        struct buf *why = player_expected(p, step);
        player_show_arrival(c, arrival, why);
        text_append(why, ", and no answer to the PUB that was sent to check this");
        if (arrival == NOT_YET) {
            player_show_wait(p, why);
        }
        return player_fail(p, step, VERDICT_FAIL);
    }
    if (frame.type != NSQ_FRAME_RESPONSE || !span_equal(frame.data, SPAN("OK"))) {
        player_show_frame(player_expected(p, step), &frame);
        return player_fail(p, step, VERDICT_FAIL);
    }
    player_remove_bytes(c, offset, size);
    player_note(p, c->name, SPAN(" < nothing (a PUB to another topic was answered first)"));
    return true;
}

static bool play_no_message(struct player *p, struct player_conn *c, const struct step *step)
{
    int64_t deadline = player_now(p) + step->within;
    struct nsq_frame frame;
    size_t size;
    enum arrival arrival = player_await_frame(p, c, false, deadline, &frame, &size);
    bool late = p->config.lag > 0 && player_now(p) > deadline; /* it may have come in time */
    if (arrival == NOT_YET || (arrival == ARRIVED && late)) {
        player_note(p, c->name, c->accepted ? SPAN(" > nothing") : SPAN(" < no message"));
        return true;
    }
    if (arrival == ARRIVED) {
        player_show_arrived(c, &frame, player_expected(p, step));
    } else {
        player_show_arrival(c, arrival, player_expected(p, step));
    }
    return player_fail(p, step, VERDICT_FAIL);
}

static bool play_wait(struct player *p, int64_t ns)
{
    int64_t deadline = player_now(p) + ns;
    while (player_now(p) < deadline) {
        player_wait_until(p, deadline);
    }
    struct buf *line = player_line(p);
    text_append(line, "wait ");
    text_append_decimal(line, ns / TIME_MS);
    text_append(line, "ms\n");
    return true;
}

static bool play_upgrade(struct player *p, size_t i, const struct step *step);

static bool play_connect(struct player *p, const struct step *step)
{
    if (player_find_conn(p, step->actor) != PLAYER_CONNS_MAX || p->conn_count == PLAYER_CONNS_MAX) {
        text_append(player_expected(p, step),
                    "a name that is in use already, or too many connections");
        return player_fail(p, step, VERDICT_UNREACHABLE);
    }
    size_t i = p->conn_count++;
    p->conns[i].name = step->actor;
    p->conns[i].open = true;
    p->conns[i].http = step->connect != CONNECT_NSQ;
    p->conns[i].v1 = !p->conns[i].http && p->file->server == SERVER_NSQLOOKUPD;
    p->conns[i].sent.v1 = p->conns[i].v1;
    p->conns[i].fresh = !p->conns[i].http;
    if (!p->config.transport.connect(p->config.transport.self, i, step->connect)) {
        text_append(player_expected(p, step), "no connection to the server");
        return player_fail(p, step, VERDICT_UNREACHABLE);
    }
    if (step->connect == CONNECT_HTTPS) {
        return play_upgrade(p, i, step); /* with any version of TLS */
    }
    player_note(p, step->actor, p->conns[i].http ? SPAN(" connect http") : SPAN(" connect"));
    return true;
}

static bool play_reading(struct player *p, size_t i, const struct step *step)
{
    bool on = step->kind == STEP_START_READING;
    p->conns[i].stopped = !on;
    p->config.transport.read(p->config.transport.self, i, on);
    player_note(p, p->conns[i].name, on ? SPAN(" start reading") : SPAN(" stop reading"));
    return true;
}

/* All connections are gone afterwards, with what they have received. */
static bool play_restart(struct player *p, const struct step *step)
{
    struct transport *t = &p->config.transport;
    struct buf why = {0};
    bool can = t->restart != NULL;
    bool ok = can && t->restart(t->self, step->killed, step->text, &why);
    for (size_t i = 0; i < p->conn_count; i++) {
        if (p->conns[i].open) {
            t->close(t->self, i);
        }
        p->conns[i].open = p->conns[i].stopped = false;
        buf_free(&p->conns[i].in);
    }
    transcript_step_print(step, 0, player_line(p));
    if (!ok) {
        buf_append(player_expected(p, step),
                   can ? SPAN("a server that does not start again: ")
                       : SPAN("a server that this program has not started"));
        buf_append(&p->why, buf_span(&why));
        player_fail(p, step, can ? VERDICT_FAIL : VERDICT_UNSUPPORTED);
    }
    buf_free(&why);
    return ok;
}

static bool play_send(struct player *p, size_t i, const struct step *step)
{
    struct buf bytes = {0};
    bool known = values_render(&p->values, step->items, &bytes);
    bool sent = player_send_rendered(p, i, step, buf_span(&bytes), known);
    buf_free(&bytes);
    return sent;
}

static bool fail_upgrade(struct player *p, const struct player_conn *c, const struct step *step)
{
    struct span why;
    struct buf *out = player_expected(p, step);
    if (player_undecoded(c, &why) && step->upgrade == UPGRADE_TLS) {
        text_append(out, "a TLS handshake that fails: ");
        buf_append(out, why);
    } else {
        return fail_without_frame(p, c, step,
                                  player_undecoded(c, &why) ? UNDECODED
                                  : c->ended != END_NONE    ? ENDED
                                                            : NOT_YET);
    }
    return player_fail(p, step, VERDICT_FAIL);
}

static void note_upgrade(struct player *p, const struct step *step)
{
    transcript_step_print(step, 0, player_line(p));
}

/* Enables a codec and waits for its handshake. Bytes that no step has matched are the codec's first
 * input. */
static bool play_upgrade(struct player *p, size_t i, const struct step *step)
{
    struct player_conn *c = &p->conns[i];
    struct span why;
    struct buf none = {0};
    int64_t deadline = player_deadline(p, step);
    struct codec codec = wire_client_codec(step, &none);
    if (codec.calls == NULL) {
        buf_append(player_expected(p, step), buf_span(&none));
        buf_free(&none);
        return player_fail(p, step, VERDICT_UNREACHABLE);
    }
    c->flooded |= !wire_enable_codec(&c->wire, codec, PLAYER_RECEIVED_MAX, &c->in);
    player_send_answers(p);
    while (wire_state(&c->wire, &why) == CODEC_HANDSHAKING && c->ended == END_NONE &&
           player_now(p) < deadline) {
        player_wait_until(p, deadline);
    }
    if (wire_state(&c->wire, &why) != CODEC_OPEN) {
        return fail_upgrade(p, c, step);
    }
    note_upgrade(p, step);
    return true;
}

/* A step of a connection to a scripted nsqlookupd. */
static bool play_scripted(struct player *p, size_t i, const struct step *step)
{
    switch (step->kind) {
    case STEP_SEND:
    case STEP_IDENTIFY:
    case STEP_REQUEST:
        return play_frame(p, &p->conns[i], step);
    case STEP_SILENCE:
        return play_no_message(p, &p->conns[i], step);
    case STEP_CLIENT_END:
        return play_server_end(p, &p->conns[i], step);
    default:
        return player_reply(p, i, step);
    }
}

static bool play_actor_step(struct player *p, const struct step *step)
{
    size_t i = player_find_conn(p, step->actor);
    if (i == PLAYER_CONNS_MAX) {
        text_append(player_expected(p, step), "a name that no connection has");
        return player_fail(p, step, VERDICT_UNREACHABLE);
    }
    struct player_conn *c = &p->conns[i];
    struct transport *t = &p->config.transport;
    if (c->accepted) {
        return play_scripted(p, i, step);
    }
    switch (step->kind) {
    case STEP_SEND:
        return play_send(p, i, step);
    case STEP_REQUEST:
        return player_request(p, i, step);
    case STEP_HTTP_RESPONSE:
        return player_response(p, c, step);
    case STEP_UPGRADE:
        return play_upgrade(p, i, step);
    case STEP_CLIENT_END:
        player_note(p, c->name, step->raw ? SPAN(" > raw end") : SPAN(" > end"));
        if (!step->raw) {
            player_finish_output(p, i);
        }
        c->half_closed = true;
        t->end(t->self, i);
        return true;
    case STEP_CLIENT_CLOSE:
    case STEP_CLIENT_RESET:
        player_note(p, c->name,
                    step->kind == STEP_CLIENT_RESET ? SPAN(" > reset") : SPAN(" > close"));
        if (step->kind == STEP_CLIENT_CLOSE && !c->half_closed) {
            player_finish_output(p, i);
        }
        c->open = false;
        (step->kind == STEP_CLIENT_RESET ? t->reset : t->close)(t->self, i);
        return true;
    case STEP_STOP_READING:
    case STEP_START_READING:
        return play_reading(p, i, step);
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

bool player_step(struct player *p, const struct step *step)
{
    switch (step->kind) {
    case STEP_COMMENT:
        return true;
    case STEP_CONNECT:
        return play_connect(p, step);
    case STEP_ACCEPT:
        return player_accept(p, step);
    case STEP_WAIT:
        return play_wait(p, step->after);
    case STEP_RESTART:
        return play_restart(p, step);
    case STEP_ANY:
        return player_any(p, step);
    default:
        return play_actor_step(p, step);
    }
}
