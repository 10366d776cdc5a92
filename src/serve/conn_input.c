/* SPDX-License-Identifier: MIT */
/*
 * The way of a connection's input: from the peer, through the codecs, to the protocol. This file
 * also has the handshakes of codecs. Must not know what the bytes mean.
 */
#include "serve/conn.h"

#include <assert.h>

#include "base/time.h"
#include "serve/conn_parts.h"

#define WHY_MAX 160 /* bytes that are kept of the reason why a handshake failed */

bool conn_may_read(const struct conn *conn)
{
    return conn->state == CONN_OPEN && !conn->input_paused && conn->recv != CONN_RECV_CODEC_ADDED &&
           !conn_is_full(conn);
}

void conn_pause_input(struct conn *conn, bool paused)
{
    conn->input_paused = paused;
    conn_update_backlog(conn);
    conn_note_change(conn);
}

/* --- the backlog ------------------------------------------------------------------------------ */

bool conn_holds_input(const struct conn *conn)
{
    return conn->stack.decoded.n > 0 || stack_has_pending(&conn->stack);
}

/* Returns true when the input was ended, by the peer or by a codec, and the protocol must still be
 * told. */
static bool has_to_tell_end(const struct conn *conn)
{
    struct span why;
    return conn->state == CONN_OPEN &&
           (conn->input == CONN_INPUT_ENDED ||
            (conn->input == CONN_INPUT_OPEN && stack_state(&conn->stack, &why) > CODEC_OPEN));
}

void conn_update_backlog(struct conn *conn)
{
    struct serve *serve = conn->serve;
    bool shakes = conn->state == CONN_HANDSHAKING;
    bool waits =
        shakes ? serve->handshake_turn != conn && (conn_holds_input(conn) || conn->unconsumed > 0)
               : conn_may_read(conn) && (conn_holds_input(conn) || has_to_tell_end(conn));
    if (!waits) {
        list_remove(&conn->backlog);
    } else if (list_empty(&conn->backlog)) {
        list_push(shakes ? &serve->handshakes : &serve->backlog, &conn->backlog);
    }
}

void conn_leave_backlog(struct conn *conn)
{
    list_remove(&conn->backlog);
    if (conn->serve->handshake_turn == conn) {
        conn->serve->handshake_turn = NULL;
    }
}

/* --- handshakes ------------------------------------------------------------------------------- */

/* Returns true when the handshake may go on now: the connection has its turn, or nobody has had a
 * turn recently and nobody waits for one. */
static bool has_handshake_turn(const struct conn *conn)
{
    const struct serve *serve = conn->serve;
    bool is_free = serve->handshake_turn == NULL && list_empty(&serve->handshakes);
    return serve->handshake_turn == conn || (is_free && serve->handshake_rest == 0);
}

/* Returns true when input may be decoded now. */
static bool may_decode(const struct conn *conn)
{
    return conn->state == CONN_HANDSHAKING ? has_handshake_turn(conn) : conn_may_read(conn);
}

/* Starts the handshake: the codec either sends the first bytes or waits for the peer's. */
static void begin_handshake(struct conn *conn, int64_t timeout, int64_t now)
{
    struct buf hello = {0};
    conn_leave_backlog(conn);
    conn->state = CONN_HANDSHAKING;
    conn->state_deadline = time_after(now, timeout);
    conn_arm(conn);
    stack_decode(&conn->stack, span_make(NULL, 0), &hello);
    conn_append_out(conn, buf_span(&hello), now);
    buf_free(&hello);
}

void conn_add_codec(struct conn *conn, struct codec codec, int64_t handshake_timeout, int64_t now)
{
    assert(conn->state != CONN_HANDSHAKING && conn->stack.count < STACK_CODECS_MAX);
    if (conn->state != CONN_OPEN) {
        codec.calls->free(codec.self);
        return;
    }
    conn_encode_all(conn, now);
    stack_push(&conn->stack, codec);
    if (conn->recv == CONN_RECV_RUNNING) {
        conn->recv = CONN_RECV_CODEC_ADDED;
    }
    if (codec.calls->state(codec.self) == CODEC_HANDSHAKING) {
        begin_handshake(conn, handshake_timeout, now);
    }
    conn_update_backlog(conn);
    conn_note_change(conn);
}

static void handshake_done(struct conn *conn, struct span why, int64_t now)
{
    conn_leave_backlog(conn);
    conn->state = CONN_OPEN;
    conn->protocol->upgraded(conn->service, conn->session, why, now);
    conn_arm(conn);
}

/* Removes the codec, so that the protocol can send an error that is not encoded. */
static void handshake_failed(struct conn *conn, struct span why, int64_t now)
{
    uint8_t text[WHY_MAX]; /* the reason may be in the codec's memory, which is freed below */
    why = span_first(why, sizeof text);
    assert(why.n > 0);
    memcpy(text, why.p, why.n);
    stack_pop(&conn->stack);
    handshake_done(conn, span_make(text, why.n), now);
}

void conn_handshake_timed_out(struct conn *conn, int64_t now)
{
    handshake_failed(conn, SPAN("i/o timeout"), now);
}

static void check_handshake(struct conn *conn, int64_t now)
{
    struct span why = {NULL, 0};
    enum codec_state state = stack_state(&conn->stack, &why);
    if (state == CODEC_OPEN) {
        handshake_done(conn, why, now);
    } else if (state == CODEC_FAILED) {
        handshake_failed(conn, why, now);
    } else if (state == CODEC_CLOSED ||
               (conn->input == CONN_INPUT_ENDED && !conn_holds_input(conn))) {
        handshake_failed(conn, SPAN("EOF"), now);
    }
}

/* --- to the protocol -------------------------------------------------------------------------- */

/* Calls the protocol's recv. Afterwards `conn->recv` tells whether recv has added a codec. */
static size_t call_recv(struct conn *conn, struct span in, int64_t now)
{
    conn->recv = CONN_RECV_RUNNING;
    return conn->protocol->recv(conn->service, conn->session, in, now);
}

/* Gives decoded bytes to the protocol. Returns how many bytes it has consumed. */
static size_t deliver_decoded(struct conn *conn, int64_t now)
{
    struct stack *stack = &conn->stack;
    struct buf decoded = stack->decoded; /* the call may add a codec */
    stack->decoded = (struct buf){0};
    size_t consumed = call_recv(conn, buf_span(&decoded), now);
    buf_drop(&decoded, consumed);
    if (conn->recv == CONN_RECV_CODEC_ADDED) {
        stack_put_back_below(stack, decoded);
    } else {
        stack_put_back(stack, decoded);
    }
    conn->recv = CONN_RECV_NONE;
    return consumed;
}

static size_t decode(struct conn *conn, struct span in, int64_t now)
{
    struct buf down = {0};
    size_t before = conn->stack.decoded.n;
    size_t taken = stack_decode(&conn->stack, in, &down);
    conn->serve->decoded += conn->stack.decoded.n - before;
    if (down.n > 0) {
        conn_append_out(conn, buf_span(&down), now);
        buf_free(&down);
        conn_note_change(conn);
    }
    return taken;
}

/* Tells the protocol that the input has ended, if that is true and all input was delivered. */
static void check_end(struct conn *conn, int64_t now)
{
    struct span why = {NULL, 0};
    if (conn_holds_input(conn) || !has_to_tell_end(conn)) {
        return;
    }
    if (conn->input == CONN_INPUT_OPEN && !conn_may_read(conn)) {
        return; /* a codec has ended the input; the peer is still there */
    }
    if (stack_state(&conn->stack, &why) == CODEC_FAILED) {
        conn_log(conn, LOG_ERROR, conn->forms->undecodable, why);
    }
    conn->input = conn->input == CONN_INPUT_ENDED ? CONN_INPUT_TOLD : CONN_INPUT_CUT;
    conn->protocol->eof(conn->service, conn->session, now);
}

/* Reacts to the states of the codecs. Must be called when there is nothing to decode. */
static void check_codecs(struct conn *conn, int64_t now)
{
    if (conn->state == CONN_HANDSHAKING) {
        check_handshake(conn, now);
    } else if (conn->state == CONN_OPEN) {
        check_end(conn, now);
    }
}

/* Begins the turn of a handshake, if it has not begun. It ends when decode_input returns. No other
 * handshake goes on in this round and in the next one. Otherwise, when the shell has input of many
 * handshakes, each of its rounds would do one of them, and not come to other input. */
static void take_turn(struct conn *conn)
{
    list_remove(&conn->backlog);
    conn->serve->handshake_turn = conn;
    conn->serve->handshake_rest = 2;
}

static void end_turn(struct conn *conn)
{
    if (conn->serve->handshake_turn == conn) {
        conn->serve->handshake_turn = NULL;
    }
}

/* Decodes and delivers until nothing is left, or until other connections must have their turn.
 * Returns how many bytes of `in` were used. */
static size_t decode_input(struct conn *conn, struct span in, int64_t now)
{
    size_t taken = 0;
    size_t delivered = 0;
    while (delivered < CONN_INPUT_A_TURN && may_decode(conn)) {
        if (conn->stack.decoded.n > 0 && conn->state == CONN_OPEN) {
            delivered += deliver_decoded(conn, now);
            if (conn->stack.decoded.n > 0) {
                break; /* the protocol has done enough in this call */
            }
        } else if (taken < in.n || stack_has_pending(&conn->stack)) {
            if (conn->state == CONN_OPEN) {
                conn_encode_ahead(conn, now); /* a codec that fails now could lose this output */
            } else {
                take_turn(conn);
            }
            taken += decode(conn, span_skip(in, taken), now);
            check_codecs(conn, now);
        } else {
            break;
        }
    }
    check_codecs(conn, now);
    end_turn(conn);
    conn_update_backlog(conn);
    return conn->state > CONN_OPEN ? in.n : taken;
}

/* The fast way: when there is no codec, the protocol reads the shell's own bytes. Returns how many
 * bytes were consumed. When the connection was switched to another protocol, that protocol reads
 * the rest. */
static size_t recv_clear(struct conn *conn, struct span in, int64_t now)
{
    size_t consumed = 0;
    const struct protocol *protocol = NULL;
    while (conn->protocol != protocol && consumed < in.n && conn_may_read(conn)) {
        protocol = conn->protocol;
        consumed += call_recv(conn, span_skip(in, consumed), now);
    }
    conn->recv = CONN_RECV_NONE;
    return consumed;
}

static bool is_clear(const struct conn *conn)
{
    return conn->stack.count == 0 && conn->stack.decoded.n == 0;
}

size_t conn_recv(struct conn *conn, struct span in, int64_t now)
{
    size_t consumed = 0;
    if (conn->state == CONN_LINGERING) {
        conn->lingered += in.n;
        conn->unconsumed = 0;
        if (conn->lingered > CONN_LINGER_BYTES) {
            conn_done(conn);
        }
        return in.n;
    }
    if (is_clear(conn)) {
        consumed = recv_clear(conn, in, now);
    }
    if (!is_clear(conn)) {
        consumed += decode_input(conn, span_skip(in, consumed), now);
    }
    if (consumed < in.n) {
        conn_note_change(conn); /* READ may not be wanted any more */
    }
    conn->unconsumed = in.n - consumed;
    if (conn->state == CONN_HANDSHAKING) {
        conn_update_backlog(conn);
    }
    conn_count_held(conn);
    return consumed;
}

/* Decodes the last bytes of a peer, although the protocol does not read now. What they decode to
 * waits for the protocol. If they decode to nothing, nothing is in front of the end of the peer. */
static size_t decode_last(struct conn *conn, struct span in, int64_t now)
{
    struct span why;
    size_t taken = 0;
    if (stack_state(&conn->stack, &why) > CODEC_OPEN) {
        return in.n; /* as in stack_decode */
    }
    conn_encode_ahead(conn, now); /* a codec that fails now could lose this output */
    while (!conn_holds_input(conn) && taken < in.n) {
        taken += decode(conn, span_skip(in, taken), now);
        while (conn->stack.decoded.n == 0 && stack_has_pending(&conn->stack)) {
            decode(conn, span_make(NULL, 0), now);
        }
    }
    return taken;
}

size_t conn_last(struct conn *conn, struct span in, int64_t now)
{
    bool decodes = conn->state == CONN_OPEN && conn->input == CONN_INPUT_OPEN &&
                   conn->stack.count > 0 && !conn_holds_input(conn);
    size_t taken = decodes ? decode_last(conn, in, now) : 0;
    conn->unconsumed = in.n - taken;
    conn_count_held(conn);
    conn_update_backlog(conn);
    conn_note_change(conn); /* more output may be encoded */
    return taken;
}

void conn_eof(struct conn *conn, int64_t now)
{
    conn_note_change(conn);
    switch (conn->state) {
    case CONN_HANDSHAKING:
    case CONN_OPEN:
        if (is_clear(conn)) {
            conn->input = CONN_INPUT_TOLD;
            conn->protocol->eof(conn->service, conn->session, now);
        } else {
            conn->input = conn->input == CONN_INPUT_OPEN ? CONN_INPUT_ENDED : conn->input;
            decode_input(conn, span_make(NULL, 0), now);
        }
        break;
    case CONN_FLUSHING:
        conn->state = CONN_CLOSING; /* there is no unread input, so lingering is not needed */
        break;
    case CONN_LINGERING:
        conn_done(conn);
        break;
    default:
        break;
    }
}

void conn_take_handshake_turn(struct conn *conn, int64_t now)
{
    conn->serve->handshake_turn = conn;
    if (conn_holds_input(conn)) {
        conn_resume_input(conn, now);
    } else {
        conn_note_change(conn); /* READ is wanted, so the shell offers the input again */
    }
}

void conn_resume_input(struct conn *conn, int64_t now)
{
    decode_input(conn, span_make(NULL, 0), now);
    conn_count_held(conn);
    conn_note_change(conn); /* READ may be wanted again */
}

/* --- what codecs know of the peer ------------------------------------------------------------- */

struct span conn_peer_name(const struct conn *conn)
{
    for (size_t i = 0; i < conn->stack.count; i++) {
        const struct codec *codec = &conn->stack.layers[i].codec;
        if (codec->calls->peer_name != NULL) {
            return codec->calls->peer_name(codec->self);
        }
    }
    return span_make(NULL, 0);
}

struct codec_parameters conn_parameters(const struct conn *conn)
{
    for (size_t i = 0; i < conn->stack.count; i++) {
        const struct codec *codec = &conn->stack.layers[i].codec;
        if (codec->calls->parameters != NULL) {
            return codec->calls->parameters(codec->self);
        }
    }
    return (struct codec_parameters){0};
}
