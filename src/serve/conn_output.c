/* SPDX-License-Identifier: MIT */
/*
 * The way of a connection's output: from the protocol, through the codecs, into `out`, and to the
 * shell. Must not know what the bytes mean.
 */
#include "serve/conn.h"

#include "base/time.h"
#include "serve/conn_parts.h"

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
    return conn->out.n + conn->stack.plain.n;
}

bool conn_is_full(const struct conn *conn)
{
    return conn_unsent(conn) > conn->limit;
}

/* An empty buffer keeps only little memory, so it is not counted. */
void conn_count_buffered(struct conn *conn)
{
    size_t n = conn->unconsumed + (conn->out.n == 0 ? 0 : conn->out.cap) + conn->stack.plain.cap;
    conn->serve->buffered = conn->serve->buffered - conn->buffered + n;
    conn->buffered = n;
}

/* Sets `full` when output has become full. Codecs change the length of output. So, when bytes have
 * been sent, the output may already have been below the limit for some time. `full` remembers that
 * the protocol must still be told. The limit changes only here and in check_if_drained. Otherwise
 * the connection could become full or not full without anybody noticing. */
static void check_if_full(struct conn *conn, int64_t now)
{
    const struct serve_config *config = &conn->serve->config;
    conn_count_buffered(conn);
    bool too_much = config->buffered_most > 0 && conn->serve->buffered > config->buffered_most;
    if (too_much && conn->limit > CONN_LOW_WATER) {
        conn->limit = CONN_LOW_WATER;
    }
    if (!conn->full && conn_is_full(conn)) {
        conn->full = true;
        conn->full_since = now;
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
    if (conn->state == CONN_OPEN || conn->state == CONN_HANDSHAKING) {
        conn->protocol->drained(conn->service, conn->session, now);
    }
    conn_update_backlog(conn);
}

/* --- bytes ------------------------------------------------------------------------------------ */

void conn_append_out(struct conn *conn, struct span data, int64_t now)
{
    bool was_empty = conn->out.n == 0;
    buf_append(&conn->out, data);
    conn->queued += data.n;
    if (was_empty) {
        conn_start_chunk(conn, now);
    }
    check_if_full(conn, now);
}

void conn_encode(struct conn *conn, int64_t now)
{
    if (conn->stack.count > 0) {
        struct buf encoded = {0};
        stack_encode(&conn->stack, &encoded);
        conn_append_out(conn, buf_span(&encoded), now);
        buf_free(&encoded);
    }
}

void conn_send(struct conn *conn, struct span data, int64_t now)
{
    if (conn->state > CONN_OPEN || data.n == 0) {
        return;
    }
    if (conn->stack.count == 0) {
        conn_append_out(conn, data, now);
    } else {
        buf_append(&conn->stack.plain, data);
        check_if_full(conn, now);
    }
    conn_note_change(conn);
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
    buf_drop(&conn->out, n);
    if (conn->queued - conn->out.n >= conn->chunk_end) {
        conn_start_chunk(conn, now);
    }
    conn_count_buffered(conn);
    conn_check_flushed(conn, now);
    check_if_drained(conn, now);
}
