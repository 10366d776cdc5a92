/* SPDX-License-Identifier: MIT */
/*
 * Owns: the frames that a connection has received and that no step has matched yet. The functions
 * look at frames, wait for them, remove them, and compare them with a step. Must not know: in which
 * order steps are played.
 */
#ifndef CONFORM_PLAYER_FRAMES_H
#define CONFORM_PLAYER_FRAMES_H

#include <nsq/frame.h>

#include "conform/json_subset.h"
#include "conform/player.h"

/* What a connection has received. Functions that look at the input return this state. */
enum arrival {
    ARRIVED,   /* a whole frame has arrived */
    NOT_YET,   /* less than a frame has arrived */
    ENDED,     /* less than a frame has arrived, and the server has closed */
    MALFORMED, /* the bytes that have arrived are not a frame */
    UNDECODED, /* a codec has failed */
    FLOODED,   /* too many bytes arrived (`flooded` in conform/player.h) */
};

/* Returns true if a codec of the connection has failed. Then *why is the reason. */
bool player_undecoded(const struct player_conn *c, struct span *why);

/* Parses the frame at the start of `in`, which this connection has received. A reply of V1 becomes
 * a frame too: an error frame if it begins with an error code, otherwise a response. A command that
 * a scripted nsqlookupd receives becomes a response. */
enum nsq_parse player_parse_frame(const struct player_conn *c, struct span in,
                                  struct nsq_frame *frame, size_t *size);

/* Looks at the frame that starts `offset` bytes after the beginning of the input. Changes nothing.
 * On a connection that speaks HTTP, all bytes that have arrived count as one frame. */
enum arrival player_peek(const struct player_conn *c, size_t offset, struct nsq_frame *frame,
                         size_t *size);

/* Looks at the first frame of the input. If `heartbeats` is false, first removes all heartbeats at
 * the start of the input. */
enum arrival player_peek_frame(struct player *p, struct player_conn *c, bool heartbeats,
                               struct nsq_frame *frame, size_t *size);

/* Does the same as player_peek_frame, but also waits until the deadline for a frame to arrive. */
enum arrival player_await_frame(struct player *p, struct player_conn *c, bool heartbeats,
                                int64_t deadline, struct nsq_frame *frame, size_t *size);

/* Waits for a frame that is not a heartbeat. In a file with "order: partial", it waits for a frame
 * that is not a message and not a heartbeat. Sets *offset to the position of the frame in the
 * input. The frames before it stay in the input. */
enum arrival player_await_reply(struct player *p, struct player_conn *c, int64_t deadline,
                                size_t *offset, struct nsq_frame *frame, size_t *size);

/* Returns true if the input contains no reply: no frame that player_await_reply would find. If it
 * contains one, makes the step fail and returns false. Does not wait. */
bool player_no_reply(struct player *p, struct player_conn *c, const struct step *step);

/* Appends a frame of this connection as a session file writes it. */
void player_show_arrived(const struct player_conn *c, const struct nsq_frame *frame,
                         struct buf *out);

/* Describes in words an arrival other than ARRIVED, and appends the text to `out`. */
void player_show_arrival(const struct player_conn *c, enum arrival arrival, struct buf *out);

/* Returns true if the frame matches the step. Captures the values that the step
 * names. If only the text of an error differs, returns true, but the verdict becomes
 * VERDICT_NON_STRICT. */
bool player_matches(struct player *p, const struct step *step, const struct nsq_frame *frame);

/* Returns how arrays of JSON are compared: those of nsqlookupd are sets, because upstream sends
 * them in random order. */
enum json_arrays player_arrays(const struct player *p);

/* Explains that this frame does not match the step. If the step expects JSON, names each
 * member that differs. */
void player_show_mismatch(struct player *p, const struct player_conn *c, const struct step *step,
                          const struct nsq_frame *frame);

/* Removes the first frame from the input, after a step has matched it. */
void player_accept_frame(struct player *p, struct player_conn *c, const struct nsq_frame *frame,
                         size_t size);

/* Removes `n` bytes from the input, beginning at `offset`. */
void player_remove_bytes(struct player_conn *c, size_t offset, size_t n);

#endif
