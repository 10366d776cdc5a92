/* SPDX-License-Identifier: MIT */
/*
 * Owns: the functions that the files of a connection share with each other and with serve.c. No
 * other file includes this one.
 *
 * conn.c has the life of a connection and its deadlines. conn_input.c has the way from the peer's
 * bytes to the protocol. conn_output.c has the way from the protocol to the peer.
 */
#ifndef SERVE_CONN_PARTS_H
#define SERVE_CONN_PARTS_H

#include "serve/conn.h"
#include "serve/serve.h"

/* --- conn.c ----------------------------------------------------------------------------------- */

/* Returns a new connection, which has its own slot and is not OPEN yet. */
struct conn *conn_new(struct serve *serve, struct span peer);

/* Frees a connection. If its session has not ended, calls the protocol's `closed` first. */
void conn_free(struct conn *conn, int64_t now);

/* Notes that the output of the connection, or what the connection wants (enum want in
 * serve/handler.h), may have changed. Then serve_next_changed will return the connection. */
void conn_note_change(struct conn *conn);

/* Sets the connection's timer to the earliest deadline. Does nothing if the timer is already set to
 * this time or an earlier time. Must be called after a deadline was set. */
void conn_arm(struct conn *conn);

/* Handles the deadline that the connection has reached. */
void conn_handle_deadlines(struct conn *conn, int64_t now);

/* Changes the state to DONE at once. The session ends later, in conn_free. */
void conn_done(struct conn *conn);

/* Calls the protocol's `closed`, which ends the session. Then changes the state to DONE. Must not
 * be called while a function of the connection's own protocol is running. */
void conn_drop(struct conn *conn, int64_t now);

/* Writes a log line with one of the forms in conn->forms. Does nothing when `form` is NULL. */
void conn_log(const struct conn *conn, enum log_level level, const char *form, struct span why);

/* --- conn_input.c ----------------------------------------------------------------------------- */

/* Does for one connection what `recv` in serve/handler.h describes. */
size_t conn_recv(struct conn *conn, struct span in, int64_t now);

/* Does for one connection what `last` in serve/handler.h describes. */
size_t conn_last(struct conn *conn, struct span in, int64_t now);

/* Does for one connection what `eof` in serve/handler.h describes. */
void conn_eof(struct conn *conn, int64_t now);

/* Continues to decode and deliver the input that the codecs hold. */
void conn_resume_input(struct conn *conn, int64_t now);

/* Updates the backlog (serve->backlog), which is the list of connections whose codecs may hold
 * input for the protocol. Puts the connection into the backlog if conn_resume_input has something
 * to do. Otherwise removes the connection from the backlog. During a handshake, the function uses
 * the list serve->handshakes and not the backlog. The connection is in serve->handshakes while two
 * things are true: it has input that is not handled yet, and it is not this connection's turn
 * (serve->handshake_turn). */
void conn_update_backlog(struct conn *conn);

/* Removes the connection from the backlog or from the list of handshakes. If it is this
 * connection's turn to do a part of its handshake (serve->handshake_turn), the turn ends. */
void conn_leave_backlog(struct conn *conn);

/* Lets a connection that has waited in serve->handshakes continue its handshake. */
void conn_take_handshake_turn(struct conn *conn, int64_t now);

/* Returns true when the codecs hold input that the protocol has not read yet. */
bool conn_holds_input(const struct conn *conn);

/* Called when the handshake of a codec took too long. Treats the handshake as failed. */
void conn_handshake_timed_out(struct conn *conn, int64_t now);

/* --- conn_output.c ---------------------------------------------------------------------------- */

/* Appends bytes to conn->out. These bytes do not go through the codecs. */
void conn_append_out(struct conn *conn, struct span data, int64_t now);

/* Encodes a bounded part of the output that is not encoded yet. Does nothing while much encoded
 * output is unsent. If the connection is ending and all its output is encoded, appends the closing
 * bytes of the codecs. Must not be called in the state HANDSHAKING. */
void conn_encode(struct conn *conn, int64_t now);

/* Encodes more output, until almost 64 KiB of encoded output are unsent. */
void conn_encode_ahead(struct conn *conn, int64_t now);

/* Encodes all waiting output. Needed before a codec is added. */
void conn_encode_all(struct conn *conn, int64_t now);

/* Drops all output. */
void conn_drop_output(struct conn *conn);

/* Returns true while output waits for more output. Only an open connection waits. */
static inline bool conn_gathers(const struct conn *conn)
{
    return conn->gathering && conn->state == CONN_OPEN;
}

/* Gives the output that has waited to the shell. */
void conn_end_gathering(struct conn *conn, int64_t now);

/* Begins a new chunk and sets its deadline. The chunk contains all output that is unsent now, but
 * at most CONN_WRITE_CHUNK bytes. The peer must accept the chunk before the deadline. */
void conn_start_chunk(struct conn *conn, int64_t now);

/* Computes how much memory the buffers of the connection use, and updates the memory budget. */
void conn_count_held(struct conn *conn);

/* When the state is FLUSHING or CLOSING and all output was sent, changes to the next state. */
void conn_check_flushed(struct conn *conn, int64_t now);

/* Notes that the first n bytes of conn->out were sent. */
void conn_sent(struct conn *conn, size_t n, int64_t now);

#endif
