/* SPDX-License-Identifier: MIT */
/*
 * Owns: the header of an input of engine_run.h: limits and choices, and the engine's configuration
 * that they stand for. Must not know: operations and clients.
 */
#ifndef FUZZ_ENGINE_CHOICE_H
#define FUZZ_ENGINE_CHOICE_H

#include "engine/engine.h"

#define LINE_MOST 96 /* bytes of a command line */

/* Flags. */
#define PENDING 1  /* publishes wait for the disk's answer */
#define ALONE 2    /* a channel takes one consumer */
#define LOGGED 4   /* log lines are made and taken */
#define ANSWERED 8 /* asks are answered at once: as done, with REFUSED as failed */
#define REFUSED 16
#define REPORTED 32 /* reports to statsd are made */

/* The header. A bound of 0 is nsqd's default. */
struct engine_choice {
    uint8_t flags;
    uint8_t open; /* how many connections are open at first and have sent the magic; modulo 17 */
    uint8_t max_msg_size;
    uint8_t max_rdy_count;
    uint8_t high_water;
    uint8_t memory;      /* in units of 72 bytes */
    uint8_t queue_size;  /* messages of a full ephemeral channel or topic */
    uint8_t msg_timeout; /* a time as in ops.h; TOUCH extends it to twice that */
};

/* Reads the header; `in` moves past it. */
struct engine_choice engine_choice_read(struct span *in);

/* The configuration of an engine with these choices. */
struct engine_config engine_choice_config(const struct engine_choice *choice);

#endif
