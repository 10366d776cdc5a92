/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of the commands that the operations COMMAND and MESSAGE of ops.h stand for: names
 * of topics and channels, IDENTIFY's settings, bodies with serial numbers. Corpora depend on every
 * byte, so the tables stay as they are.
 * Must not know: the server, the clients and which messages there are.
 */
#ifndef FUZZ_COMMAND_WRITER_H
#define FUZZ_COMMAND_WRITER_H

#include "ops.h"

#define COMMAND_WRITER_MAX 1024 /* bytes; what does not fit is cut off */

struct command_writer {
    uint32_t serial; /* of the next body */
    size_t n;
    uint8_t bytes[COMMAND_WRITER_MAX];
};

/* The name of topic or channel number i, which counts modulo 4. Borrowed from a constant. */
struct span command_writer_topic(unsigned i);
struct span command_writer_channel(unsigned i);

/* The run begins: the next body has serial number 0. */
void command_writer_init(struct command_writer *w);

/* Writes the command of a COMMAND operation, in place of what the writer held. The result is
 * borrowed until the next command. */
struct span command_writer_command(struct command_writer *w, const uint8_t args[OP_ARGS_MAX]);

/* The same for a MESSAGE operation, about the message with this id. */
struct span command_writer_message(struct command_writer *w, const uint8_t args[OP_ARGS_MAX],
                                   uint64_t id);

#endif
