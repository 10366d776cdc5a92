/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the files of a connection tell each other and serve.c. Nobody else includes this.
 *
 * conn.c has the life of a connection and its deadlines, conn_input.c the way from the peer's bytes
 * to the protocol, conn_output.c the way back.
 */
#ifndef SERVE_CONN_PARTS_H
#define SERVE_CONN_PARTS_H

#include "serve/conn.h"
#include "serve/serve.h"

/* --- conn.c ----------------------------------------------------------------------------------- */

/* A new connection with a slot of its own, not yet OPEN. conn_free ends it, with its session. */
struct conn *conn_new(struct serve *serve, struct span peer);
void conn_free(struct conn *conn, int64_t now);

/* Notes that its output or its wants may have changed, for next_changed. */
void conn_note_change(struct conn *conn);

/* Puts its timer where the earliest deadline is. To be called when a deadline was set. */
void conn_arm(struct conn *conn);

/* Handles the deadlines that have come. */
void conn_handle_deadlines(struct conn *conn, int64_t now);

/* Ends the connection at once: DONE. conn_drop also ends its session; not for calls of its own
 * protocol. */
void conn_done(struct conn *conn);
void conn_drop(struct conn *conn, int64_t now);

/* Writes one of conn->forms to the log. */
void conn_log(const struct conn *conn, enum log_level level, const char *form, struct span why);

/* --- conn_input.c ----------------------------------------------------------------------------- */

/* The contract's recv and eof. */
size_t conn_recv(struct conn *conn, struct span in, int64_t now);
void conn_eof(struct conn *conn, int64_t now);

/* Goes on with input that the codecs hold. */
void conn_resume_input(struct conn *conn, int64_t now);

/* Puts the connection into serve->backlog while conn_resume_input has something to do, or takes it
 * out. */
void conn_update_backlog(struct conn *conn);

/* Whether the codecs hold input that the protocol has not had. */
bool conn_holds_input(const struct conn *conn);

/* The codec's handshake took too long. */
void conn_handshake_timed_out(struct conn *conn, int64_t now);

/* --- conn_output.c ---------------------------------------------------------------------------- */

/* Appends bytes for the socket, behind the codecs. */
void conn_append_out(struct conn *conn, struct span data, int64_t now);

/* Passes all output through the codecs. */
void conn_encode(struct conn *conn, int64_t now);

/* Starts the deadline of the chunk that waits now. */
void conn_start_chunk(struct conn *conn, int64_t now);

/* Counts anew how much memory the connection buffers in. */
void conn_count_buffered(struct conn *conn);

/* Goes on from FLUSHING and CLOSING when everything has left. */
void conn_check_flushed(struct conn *conn, int64_t now);

/* n bytes of output have left. */
void conn_sent(struct conn *conn, size_t n, int64_t now);

#endif
