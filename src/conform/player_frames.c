/* SPDX-License-Identifier: MIT */
/* Input stays in the connection's buffer until a step matches it. Must not know: in which order
 * steps are played. */
#include "conform/player_frames.h"

#include <nsq/lookup.h>

#include "base/text.h"
#include "conform/json_subset.h"
#include "conform/player_exchange.h"
#include "conform/player_http.h"
#include "conform/player_io.h"
#include "conform/player_lookupd.h"
#include "conform/record_json.h"

bool player_undecoded(const struct player_conn *c, struct span *why)
{
    return wire_state(&c->wire, why) == CODEC_FAILED;
}

static enum nsq_parse parse_reply(struct span in, struct nsq_frame *frame, size_t *size)
{
    struct span data;
    struct span text;
    enum nsq_parse outcome = nsq_lookup_reply_parse(in, NSQ_FRAME_DATA_MAX, &data, size);
    if (outcome == NSQ_OK) {
        bool error = nsq_error_split(data, &text) != NSQ_E_NONE;
        *frame =
            (struct nsq_frame){.type = error ? NSQ_FRAME_ERROR : NSQ_FRAME_RESPONSE, .data = data};
    }
    return outcome;
}

enum nsq_parse player_parse_frame(const struct player_conn *c, struct span in,
                                  struct nsq_frame *frame, size_t *size)
{
    return c->accepted ? player_command_parse(c, in, frame, size)
           : c->v1     ? parse_reply(in, frame, size)
                       : nsq_frame_parse(in, NSQ_FRAME_DATA_MAX, frame, size);
}

enum arrival player_peek(const struct player_conn *c, size_t offset, struct nsq_frame *frame,
                         size_t *size)
{
    struct span why;
    struct span in = span_skip(buf_span(&c->in), offset);
    if (c->http && in.n > 0) {
        *frame = (struct nsq_frame){.type = NSQ_FRAME_RESPONSE, .data = in};
        *size = in.n;
        return ARRIVED;
    }
    switch (player_parse_frame(c, in, frame, size)) {
    case NSQ_OK:
        return ARRIVED;
    case NSQ_BAD:
        return MALFORMED;
    default:
        return c->flooded                  ? FLOODED
               : player_undecoded(c, &why) ? UNDECODED
               : c->ended != END_NONE      ? ENDED
                                           : NOT_YET;
    }
}

void player_remove_bytes(struct player_conn *c, size_t offset, size_t n)
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

enum arrival player_peek_frame(struct player *p, struct player_conn *c, bool heartbeats,
                               struct nsq_frame *frame, size_t *size)
{
    enum arrival arrival;
    while ((arrival = player_peek(c, 0, frame, size)) == ARRIVED && !heartbeats &&
           nsq_frame_is_heartbeat(frame)) {
        player_note(p, c->name, SPAN(" < heartbeat"));
        buf_drop(&c->in, *size);
    }
    return arrival;
}

enum arrival player_await_frame(struct player *p, struct player_conn *c, bool heartbeats,
                                int64_t deadline, struct nsq_frame *frame, size_t *size)
{
    enum arrival arrival;
    while ((arrival = player_peek_frame(p, c, heartbeats, frame, size)) == NOT_YET &&
           player_now(p) < deadline) {
        player_wait_until(p, deadline);
    }
    return arrival;
}

enum arrival player_await_reply(struct player *p, struct player_conn *c, int64_t deadline,
                                size_t *offset, struct nsq_frame *frame, size_t *size)
{
    enum arrival arrival;
    *offset = 0;
    for (;;) {
        arrival = player_peek(c, *offset, frame, size);
        if (arrival == ARRIVED && !nsq_frame_is_heartbeat(frame) &&
            !(p->file->partial_order && frame->type == NSQ_FRAME_MESSAGE)) {
            return ARRIVED;
        }
        if (arrival == ARRIVED) {
            *offset += *size;
        } else if (arrival != NOT_YET || player_now(p) >= deadline) {
            return arrival;
        } else {
            player_wait_until(p, deadline);
        }
    }
}

bool player_no_reply(struct player *p, struct player_conn *c, const struct step *step)
{
    struct nsq_frame frame;
    size_t offset;
    size_t size;
    player_wait_until(p, player_now(p));
    if (player_await_reply(p, c, player_now(p), &offset, &frame, &size) != ARRIVED) {
        return true;
    }
    player_show_arrived(c, &frame, player_expected(p, step));
    return player_fail(p, step, VERDICT_FAIL);
}

void player_show_arrived(const struct player_conn *c, const struct nsq_frame *frame,
                         struct buf *out)
{
    if (c->http || c->accepted) {
        player_show_bytes(frame->data, out);
    } else {
        player_show_frame(out, frame);
    }
}

void player_show_arrival(const struct player_conn *c, enum arrival arrival, struct buf *out)
{
    struct span why;
    switch (arrival) {
    case ENDED:
        text_append(out, "the end of the connection");
        break;
    case MALFORMED:
        text_append(out, "bytes that are not a frame");
        break;
    case FLOODED:
        text_append(out, "more than ");
        text_append_decimal(out, (int64_t)PLAYER_RECEIVED_MAX);
        text_append(out, " bytes, which is the limit of a connection");
        break;
    case UNDECODED:
        player_undecoded(c, &why);
        text_append(out, "bytes that cannot be decoded: ");
        buf_append(out, why);
        break;
    default:
        text_append(out, "nothing");
    }
}

/* Returns true if a value can have these bytes. A captured value must be equal. Any other value can
 * have any bytes, and keep_value then captures it. */
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
        (!step->any_body && !values_equal(&p->values, step->items, m.body))) {
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

/* The code decides. A different text makes the verdict non-strict. */
static bool matches_error(struct player *p, const struct step *step, const struct nsq_frame *frame)
{
    struct span text;
    if (frame->type != NSQ_FRAME_ERROR || nsq_error_split(frame->data, &text) != step->code) {
        return false;
    }
    if (step->items != NULL && !values_equal(&p->values, step->items, text) &&
        p->verdict == VERDICT_PASS) {
        p->verdict = VERDICT_NON_STRICT;
        player_show_frame(player_expected(p, step), frame);
    }
    return true;
}

enum json_arrays player_arrays(const struct player *p)
{
    return p->file->server == SERVER_NSQLOOKUPD ? JSON_ARRAYS_ARE_SETS : JSON_ARRAYS_HAVE_ORDER;
}

bool player_matches(struct player *p, const struct step *step, const struct nsq_frame *frame)
{
    bool response = frame->type == NSQ_FRAME_RESPONSE;
    struct span json;
    switch (step->kind) {
    case STEP_IDENTIFY:
        return player_command_is_identify(frame->data, &json) &&
               json_subset(step->text, json, player_arrays(p));
    case STEP_REQUEST:
        return player_request_matches(p, step, frame->data);
    case STEP_SEND: /* a command that the server must send */
    case STEP_RESPONSE:
        return response && values_equal(&p->values, step->items, frame->data);
    case STEP_JSON:
        return response && json_subset(step->text, frame->data, player_arrays(p));
    case STEP_HEARTBEAT:
        return nsq_frame_is_heartbeat(frame);
    case STEP_MESSAGE:
        return matches_message(p, step, frame);
    default:
        return matches_error(p, step, frame);
    }
}

void player_show_mismatch(struct player *p, const struct player_conn *c, const struct step *step,
                          const struct nsq_frame *frame)
{
    struct buf *why = player_expected(p, step);
    struct span json = frame->data;
    player_show_arrived(c, frame, why);
    if ((step->kind == STEP_JSON && frame->type == NSQ_FRAME_RESPONSE) ||
        (step->kind == STEP_IDENTIFY && player_command_is_identify(frame->data, &json))) {
        text_append(why, "\n");
        json_differences(step->text, json, player_arrays(p), why);
    }
}

void player_accept_frame(struct player *p, struct player_conn *c, const struct nsq_frame *frame,
                         size_t size)
{
    player_note_frame(p, c, frame);
    c->magic = c->accepted;
    if (frame->type == NSQ_FRAME_RESPONSE && frame->data.n > 0 && frame->data.p[0] == '{') {
        c->announced += record_json_upgrades(frame->data);
    }
    buf_drop(&c->in, size);
}
