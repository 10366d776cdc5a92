/* SPDX-License-Identifier: MIT */
/*
 * The way of a connection's output: from the protocol, through the codecs, into `out`, and to the
 * shell. Must not know what the bytes mean.
 */
#include "serve/conn.h"

#include "base/time.h"
#include "serve/conn_parts.h"

/* Bytes that one call encodes: the most data of one TLS record. Then other connections have their
 * turn, because deflate needs almost a millisecond for this many. */
#define ENCODE_PART 16384
/* Bytes. Not more than this, and a part, are encoded while input is decoded. So a peer that does
 * not read costs little memory, although the encoded bytes of a message cannot be shared by several
 * connections. */
#define ENCODE_AHEAD 32768
#define ENCODE_LITTLE 1024 /* bytes; used instead of a part while connections hold too much */
#define PARTS_AHEAD 4      /* the most parts that are encoded before input is decoded */
#define SPANS_A_PART 64    /* the most pieces of output that are encoded at a time */

/* --- chunks and their deadline ---------------------------------------------------------------- */

static int64_t write_timeout(const struct conn *conn)
{
    bool last = conn->state == CONN_FLUSHING || conn->state == CONN_CLOSING;
    return last && conn->write_timeout == 0 ? CONN_FLUSH_NS : conn->write_timeout;
}

void conn_start_chunk(struct conn *conn, int64_t now)
{
    int64_t timeout = write_timeout(conn);
    size_t chunk = conn->out.n < CONN_WRITE_CHUNK ? conn->out.n : CONN_WRITE_CHUNK;
    conn->chunk_end = conn->queued - conn->out.n + chunk;
    conn->chunk_deadline = timeout == 0 || conn->out.n == 0 ? TIME_NEVER : time_after(now, timeout);
    conn_arm(conn);
}

void conn_set_write_timeout(struct conn *conn, int64_t timeout, int64_t now)
{
    if (conn->write_timeout != timeout) {
        conn->write_timeout = timeout;
        conn_start_chunk(conn, now); /* the new timeout is also for output that waits already */
    }
}

/* --- the high-water mark ---------------------------------------------------------------------- */

size_t conn_unsent(const struct conn *conn)
{
    return conn->out.n + conn->plain.n;
}

bool conn_is_full(const struct conn *conn)
{
    return conn_unsent(conn) > conn->limit;
}

void conn_count_held(struct conn *conn)
{
    size_t n = conn->unconsumed + output_memory(&conn->out);
    if (conn->stack.count > 0) {
        n += output_memory(&conn->plain) + stack_memory(&conn->stack);
    }
    if (n != conn->held) {
        budget_hold(conn->serve->config.budget, conn->held, n);
        conn->held = n;
    }
}

/* Sets `full` when output has become full. Codecs change the length of output. So, when bytes have
 * been sent, the output may already have been below the limit for some time. `full` remembers that
 * the protocol must still be told. The limit changes only here and in check_if_drained. Otherwise
 * the connection could become full or not full without anybody noticing. */
static void check_if_full(struct conn *conn, int64_t now)
{
    conn_count_held(conn);
    if (budget_share_is_passed(conn->serve->config.budget)) {
        conn->limit = 0;
    }
    if (!conn->full && conn_is_full(conn)) {
        conn->full = true;
        conn->full_since = now;
        conn_note_change(conn); /* READ is not wanted any more */
    }
}

static void check_if_drained(struct conn *conn, int64_t now)
{
    if (conn_is_full(conn)) {
        return;
    }
    conn->limit = conn->serve->config.high_water;
    if (!conn->full) {
        return;
    }
    conn->full = false;
    conn_note_change(conn); /* READ is wanted again */
    bool open = conn->state == CONN_OPEN || conn->state == CONN_HANDSHAKING;
    if (open && conn->protocol->drained != NULL) {
        conn->protocol->drained(conn->service, conn->session, now);
    }
    conn_update_backlog(conn);
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* Called when n bytes were added to conn->out. */
static void out_grew(struct conn *conn, size_t n, int64_t now)
{
    conn->queued += n;
    if (conn->out.n == n) { /* it was empty */
        conn_start_chunk(conn, now);
    }
    check_if_full(conn, now);
}

void conn_append_out(struct conn *conn, struct span data, int64_t now)
{
    output_append(&conn->out, data);
    out_grew(conn, data.n, now);
}

static void drop_bytes(struct conn *conn, struct output *output, size_t n)
{
    output_drop(output, n, conn->protocol->release, conn->service);
}

/* Encodes the next bytes of the output, at most `most`. A codec that has failed drops them. */
static void encode_part(struct conn *conn, size_t most, int64_t now)
{
    struct stack *stack = &conn->stack;
    struct span spans[SPANS_A_PART];
    size_t count = output_fill(&conn->plain, spans, SPANS_A_PART);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct span part = span_first(spans[i], most - n);
        buf_append(&stack->plain, part);
        n += part.n;
    }
    drop_bytes(conn, &conn->plain, n);
    struct buf *own = &conn->out.own;
    size_t before = own->n;
    stack_encode(stack, own);
    size_t more = own->n - before;
    output_own_grew(&conn->out, more);
    out_grew(conn, more, now);
}

void conn_encode_all(struct conn *conn, int64_t now)
{
    while (conn->plain.n > 0) {
        encode_part(conn, ENCODE_PART, now);
    }
}

/* Appends the last bytes of the codecs, when all output of a connection that ends is encoded. */
static void end_stream(struct conn *conn, int64_t now)
{
    bool last = conn->state == CONN_FLUSHING || conn->state == CONN_CLOSING;
    if (last && conn->plain.n == 0 && !conn->stream_ended) {
        struct buf bytes = {0};
        conn->stream_ended = true;
        stack_finish(&conn->stack, &bytes);
        conn_append_out(conn, buf_span(&bytes), now);
        buf_free(&bytes);
    }
}

/* Encodes the next part if nothing encoded waits, and then all the rest if it fits into a part. So
 * a second call changes nothing. */
void conn_encode(struct conn *conn, int64_t now)
{
    bool some = conn->plain.n > 0;
    bool little = budget_share_is_passed(conn->serve->config.budget);
    size_t part = little ? ENCODE_LITTLE : ENCODE_PART;
    while (conn->plain.n > 0 && (conn->out.n == 0 || conn->out.n + conn->plain.n <= part)) {
        encode_part(conn, part, now);
    }
    end_stream(conn, now);
    if (some && conn->out.n == 0) { /* a codec has failed, and has dropped the output */
        conn_check_flushed(conn, now);
        check_if_drained(conn, now);
    }
}

void conn_encode_ahead(struct conn *conn, int64_t now)
{
    for (int i = 0; i < PARTS_AHEAD && conn->plain.n > 0 && conn->out.n < ENCODE_AHEAD; i++) {
        encode_part(conn, ENCODE_PART, now);
    }
}

/* Returns where the output of the protocol is appended. */
static struct output *output_of_protocol(struct conn *conn)
{
    return conn->stack.count == 0 ? &conn->out : &conn->plain;
}

/* What has waited was not offered to the peer before. So only now its time to accept it begins. */
static void stop_gathering(struct conn *conn, int64_t now)
{
    if (conn->gathering) {
        conn->gathering = false;
        conn_start_chunk(conn, now);
    }
}

/* Called when the protocol has added n bytes to its output. */
static void protocol_sent(struct conn *conn, size_t n, int64_t now)
{
    if (conn->stack.count == 0) {
        out_grew(conn, n, now);
    } else {
        check_if_full(conn, now);
    }
    stop_gathering(conn, now);
    conn_note_change(conn);
}

void conn_send(struct conn *conn, struct span data, int64_t now)
{
    if (conn->state <= CONN_OPEN && data.n > 0) {
        output_append(output_of_protocol(conn), data);
        protocol_sent(conn, data.n, now);
    }
}

void conn_send_held(struct conn *conn, struct span data, void *held, int64_t now)
{
    if (conn->state > CONN_OPEN || data.n == 0) {
        conn->protocol->release(conn->service, held);
        return;
    }
    output_refer(output_of_protocol(conn), data, held);
    protocol_sent(conn, data.n, now);
}

bool conn_may_gather(const struct conn *conn)
{
    return conn->gathering || conn_unsent(conn) == 0;
}

void conn_gather(struct conn *conn, int64_t now)
{
    if (now < conn->gather_end) {
        conn->gathering = true;
        conn_arm(conn);
    } else {
        conn->gather_end = time_after(now, conn->serve->config.gather_timeout);
    }
}

void conn_end_gathering(struct conn *conn, int64_t now)
{
    stop_gathering(conn, now);
    conn->gather_end = time_after(now, conn->serve->config.gather_timeout);
    conn_note_change(conn);
}

void conn_drop_output(struct conn *conn)
{
    output_free(&conn->plain, conn->protocol->release, conn->service);
    output_free(&conn->out, conn->protocol->release, conn->service);
}

void conn_check_flushed(struct conn *conn, int64_t now)
{
    if (conn_unsent(conn) > 0) {
        return;
    }
    if (conn->state == CONN_CLOSING) {
        conn_done(conn);
    } else if (conn->state == CONN_FLUSHING) {
        conn->state = CONN_LINGERING;
        conn->state_deadline = now + CONN_LINGER_NS;
        conn_arm(conn);
        conn_note_change(conn);
    }
}

void conn_sent(struct conn *conn, size_t n, int64_t now)
{
    drop_bytes(conn, &conn->out, n);
    if (conn->queued - conn->out.n >= conn->chunk_end) {
        conn_start_chunk(conn, now);
    }
    conn_count_held(conn);
    conn_check_flushed(conn, now);
    check_if_drained(conn, now);
}
