/* SPDX-License-Identifier: MIT */
/*
 * Owns: the encoding, as bytes, of what happens to a server: which connection does what, and how
 * time passes. An input of a target with shape FUZZ_OPS is a header and a stream of these
 * operations. The encoding must not change, because corpora depend on it.
 *
 * The first byte of an operation has its kind in the low four bits and a connection's number in the
 * high four. What follows depends on the kind. If the input ends first, missing bytes count as
 * zeros, and text ends with the input. Every stream of bytes is a valid stream of operations.
 *
 *     kind        follows           what happens
 *   0 OPEN                          the connection is opened, unless it is open
 *   1 SEND        n, n bytes        it sends these bytes
 *   2 EOF                           it sends nothing more (end of input)
 *   3 CLOSE                         its socket is closed by an error
 *   4 ADVANCE     time              time passes (0: none), then all due work is done
 *   5 TAKE        n                 n bytes of its output are sent, and from now on output is sent
 *                                   by TAKE only; 255: all output is sent, and from now on output
 *                                   is sent at once, as at first
 *   6 COMMAND     which, a, b       it sends a command of the table below
 *   7 MESSAGE     what, k, time     it sends a FIN, REQ or TOUCH, see below
 *   8 ANSWER      result            the oldest ask is answered: done if even, failed if odd
 *   9 TOPOLOGY    what              bit 0: pause, else unpause; bit 1: a topic, else a channel;
 *                                   bits 2, 3: which topic; bits 4, 5: which channel;
 *                                   bits 6, 7: 2 empties it and 3 deletes it instead
 *  10 WALL        step              the wall clock jumps by this many seconds, a signed byte
 *  11 STOP                          graceful exit; a second one does nothing
 *  12 .. 15                         nothing
 *
 * A time is a byte: the low four bits shifted to the left by the high four, in ms.
 *
 *     which       command                  a                      b
 *   0 MAGIC       "  V2"                   -                      -
 *   1 IDENTIFY    settings from a table    which of 16            -
 *   2 SUB         topic, channel           topic                  channel
 *   3 PUB         topic, a body            topic                  bytes beyond the serial number
 *   4 MPUB        topic, bodies            topic                  bits 0-2: bodies, less one;
 *                                                                 bits 3-7: as PUB
 *   5 DPUB        topic, time, a body      bits 0, 1: topic;      as PUB
 *                                          bits 2-7: time, its
 *                                          shift in steps of 4
 *   6 RDY         count                    count                  -
 *   7 CLS                                  -                      -
 *   8 NOP                                  -                      -
 *   9 AUTH        a body                   bytes                  -
 *  10 .. 15       NOP
 *
 * `which` counts modulo 16, topics and channels modulo 4; the last topic and the last channel are
 * ephemeral. A body is a serial number of eight hexadecimal digits, so that no two bodies are
 * equal, and then filling.
 *
 * MESSAGE: bits 0, 1 of `what` choose the command: 0 FIN, 1 REQ with the time, 2 TOUCH, 3 FIN.
 * Bits 2, 3 choose the message: 0, 1 one that this connection has in flight, 2 one that another
 * connection has in flight, 3 one that was finished. k counts from the oldest of these, modulo
 * their number. If there are none, the id is k in hexadecimal.
 */
#ifndef FUZZ_OPS_H
#define FUZZ_OPS_H

#include <nsq/span.h>

enum op_kind {
    OP_OPEN,
    OP_SEND,
    OP_EOF,
    OP_CLOSE,
    OP_ADVANCE,
    OP_TAKE,
    OP_COMMAND,
    OP_MESSAGE,
    OP_ANSWER,
    OP_TOPOLOGY,
    OP_WALL,
    OP_STOP,
    OP_KINDS, /* this kind and higher ones do nothing */
};

enum op_command {
    OP_MAGIC,
    OP_IDENTIFY,
    OP_SUB,
    OP_PUB,
    OP_MPUB,
    OP_DPUB,
    OP_RDY,
    OP_CLS,
    OP_NOP,
    OP_AUTH,
};

#define OP_CONNECTIONS 16
#define OP_ARGS_MAX 3
#define OP_TAKE_ALL 255

/* One operation. */
struct op {
    enum op_kind kind;
    unsigned conn;
    uint8_t
        args[OP_ARGS_MAX]; /* in the order of the table; 0 for those that a kind does not have */
    struct span bytes;     /* SEND: the text; borrowed */
};

/* How many bytes the operation at the start of the stream takes: at least 1 and at most all of
 * them. 0: the stream is empty. */
size_t ops_size(struct span stream);

/* The operation at the start of a stream that is not empty; `stream` moves past it. */
struct op ops_next(struct span *stream);

/* The time that a byte stands for, in ns. */
int64_t ops_time(uint8_t time);

/* Writes the operation into the event log, if there is one. */
void ops_say(const struct op *op);

#endif
