/* SPDX-License-Identifier: MIT */
/*
 * Owns: the frames that a connection has received and no step has matched yet: looking at them,
 * waiting for them, taking them out, and whether one is what a step describes. Must not know: in
 * which order steps are played.
 */
#ifndef CONFORM_PLAYER_FRAMES_H
#define CONFORM_PLAYER_FRAMES_H

#include <nsq/frame.h>

#include "conform/player.h"

/* What a look at a connection's input finds. */
enum arrival {
    ARRIVED,   /* a whole frame */
    NOT_YET,   /* less than a frame */
    ENDED,     /* less than a frame, and the server has closed */
    MALFORMED, /* bytes that are not a frame */
    UNDECODED, /* a codec has failed */
};

/* Whether a codec of the connection has failed; *why is its reason. */
bool player_undecoded(const struct player_conn *c, struct span *why);

/* Looks at the frame that starts `offset` bytes into the input. */
enum arrival player_peek(const struct player_conn *c, size_t offset, struct nsq_frame *frame,
                         size_t *size);

/* Looks at the first frame. Heartbeats in front of it are taken out, unless `heartbeats`. */
enum arrival player_peek_frame(struct player *p, struct player_conn *c, bool heartbeats,
                               struct nsq_frame *frame, size_t *size);

/* The same, and waits until the deadline for a frame to arrive. */
enum arrival player_await_frame(struct player *p, struct player_conn *c, bool heartbeats,
                                int64_t deadline, struct nsq_frame *frame, size_t *size);

/* Waits for a frame that is neither a message nor a heartbeat. *offset is where it starts; the
 * frames in front of it stay. */
enum arrival player_await_reply(struct player *p, struct player_conn *c, int64_t deadline,
                                size_t *offset, struct nsq_frame *frame, size_t *size);

/* Whether no reply is there that no step has matched. Does not wait. False: the step has failed. */
bool player_no_reply(struct player *p, struct player_conn *c, const struct step *step);

/* Appends, in words, an arrival other than ARRIVED. */
void player_show_arrival(const struct player_conn *c, enum arrival arrival, struct buf *out);

/* Whether the frame is what the step describes. Captures the values that the step names. The text
 * of an error may differ: then the verdict becomes VERDICT_NON_STRICT. */
bool player_matches(struct player *p, const struct step *step, const struct nsq_frame *frame);

/* Takes the first frame out of the input: a step has matched it. */
void player_accept_frame(struct player *p, struct player_conn *c, const struct nsq_frame *frame,
                         size_t size);

/* Takes `n` bytes that start at `offset` out of the input. */
void player_remove_bytes(struct player_conn *c, size_t offset, size_t n);

#endif
