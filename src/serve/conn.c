/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection: how it begins, its deadlines, and how it is closed. Must not know how
 * bytes move through it (conn_input.c and conn_output.c do that).
 */
#include "serve/conn.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/time.h"
#include "serve/conn_parts.h"

void conn_note_change(struct conn *conn)
{
    /* While a connection is in to_connect, the shell does not know the connection yet. */
    if (list_empty(&conn->changed) && list_empty(&conn->connect)) {
        list_push(&conn->serve->changed, &conn->changed);
    }
}

void conn_log(const struct conn *conn, enum log_level level, const char *form, struct span why)
{
    if (form != NULL) {
        log_say(conn->serve->log, level, form, conn_peer(conn), why);
    }
}

struct span conn_peer(const struct conn *conn)
{
    return span_make(conn->peer, conn->peer_size);
}

/* --- the beginning ---------------------------------------------------------------------------- */

struct conn *conn_new(struct serve *serve, struct span peer)
{
    static const struct conn_log_forms silent = {0};
    struct conn *conn = alloc_zeroed(sizeof *conn);
    conn->serve = serve;
    conn->forms = &silent;
    conn->limit = serve->config.high_water;
    conn->chunk_deadline = conn->due = conn->state_deadline = conn->timer_at = TIME_NEVER;
    list_init(&conn->changed);
    list_init(&conn->backlog);
    list_init(&conn->connect);
    peer = span_first(peer, CONN_PEER_MAX);
    if (peer.n > 0) {
        memcpy(conn->peer, peer.p, peer.n);
    }
    conn->peer_size = (uint8_t)peer.n;
    serve_add_conn(serve, conn);
    return conn;
}

struct conn *conn_connect(struct serve *serve, struct span address, const struct protocol *protocol,
                          void *service, void *session)
{
    if (!serve_has_room(serve)) {
        return NULL;
    }
    struct conn *conn = conn_new(serve, address);
    conn->state = CONN_CONNECTING;
    conn->protocol = protocol;
    conn->service = service;
    conn->session = session;
    buf_append(&conn->address, address);
    list_push(&serve->to_connect, &conn->connect);
    return conn;
}

void conn_switch_protocol(struct conn *conn, const struct protocol *protocol, void *service,
                          int64_t now)
{
    conn->protocol = protocol;
    conn->service = service;
    conn->session = protocol->open(service, conn, now);
}

/* --- deadlines -------------------------------------------------------------------------------- */

static int64_t earliest_deadline(const struct conn *conn)
{
    switch (conn->state) {
    case CONN_CONNECTING:
    case CONN_OPEN:
        return time_earlier(conn->due,
                            conn_gathers(conn) ? conn->gather_end : conn->chunk_deadline);
    case CONN_HANDSHAKING:
    case CONN_LINGERING:
        return time_earlier(conn->state_deadline, conn->chunk_deadline);
    case CONN_FLUSHING:
    case CONN_CLOSING:
        return conn->chunk_deadline;
    default:
        return TIME_NEVER;
    }
}

/* The timer may fire too early, and it never fires too late. Most deadlines move to a later time
 * with every command. So they are compared with the clock again when the timer fires. */
void conn_arm(struct conn *conn)
{
    int64_t at = earliest_deadline(conn);
    if (at < conn->timer_at) {
        heap_remove(&conn->serve->timers, &conn->timer);
        heap_insert(&conn->serve->timers, &conn->timer, at);
        conn->timer_at = at;
    }
}

/* This is the only place that compares the deadlines of a connection with the time. */
void conn_handle_deadlines(struct conn *conn, int64_t now)
{
    conn->timer_at = TIME_NEVER; /* the timer is not in the heap any more */
    if (conn_gathers(conn) && conn->gather_end <= now) {
        conn_end_gathering(conn, now);
    } else if (!conn_gathers(conn) && conn->chunk_deadline <= now) {
        conn_log(conn, LOG_ERROR, conn->forms->timed_out, span_make(NULL, 0));
        conn_drop(conn, now);
    } else if (conn->state == CONN_LINGERING && conn->state_deadline <= now) {
        conn_done(conn);
    } else if (conn->state == CONN_HANDSHAKING && conn->state_deadline <= now) {
        conn_handshake_timed_out(conn, now);
    } else if ((conn->state == CONN_OPEN || conn->state == CONN_CONNECTING) && conn->due <= now) {
        /* Before the call. Otherwise output that the protocol sends would set the timer again. */
        conn->due = TIME_NEVER;
        conn->protocol->due(conn->service, conn->session, now);
    }
    conn_arm(conn);
}

void conn_set_due(struct conn *conn, int64_t due)
{
    conn->due = due;
    conn_arm(conn);
}

/* --- the end ---------------------------------------------------------------------------------- */

void conn_done(struct conn *conn)
{
    conn->state = CONN_DONE;
    conn->chunk_deadline = TIME_NEVER;
    conn_leave_backlog(conn);
    conn_note_change(conn);
}

static void end_session(struct conn *conn, int64_t now)
{
    void *session = conn->session;
    conn->session = NULL;
    if (session != NULL) {
        conn->protocol->closed(conn->service, session, now);
    }
}

void conn_drop(struct conn *conn, int64_t now)
{
    end_session(conn, now);
    conn_done(conn);
}

void conn_leave(struct conn *conn)
{
    conn->session = NULL;
    conn_done(conn);
}

void conn_finish(struct conn *conn, bool linger, int64_t now)
{
    if (conn->state > CONN_OPEN) {
        return;
    }
    if (conn->state == CONN_HANDSHAKING) { /* what waits for the codec can never be encoded */
        output_free(&conn->plain, conn->protocol->release, conn->service);
    }
    /* After a codec has ended the input, the peer may still send bytes. */
    bool lingers = conn->input == CONN_INPUT_CUT || (linger && conn->input == CONN_INPUT_OPEN);
    conn->state = lingers ? CONN_FLUSHING : CONN_CLOSING;
    conn_leave_backlog(conn);
    conn_encode(conn, now);
    conn_start_chunk(conn, now);
    conn_note_change(conn);
    conn_check_flushed(conn, now);
}

void conn_free(struct conn *conn, int64_t now)
{
    struct serve *serve = conn->serve;
    end_session(conn, now);
    heap_remove(&serve->timers, &conn->timer);
    list_remove(&conn->changed);
    conn_leave_backlog(conn);
    list_remove(&conn->connect);
    serve_remove_conn(serve, conn);
    conn_drop_output(conn);
    buf_free(&conn->address);
    stack_clear(&conn->stack);
    budget_hold(serve->config.budget, conn->held, 0);
    alloc_free(conn);
}
