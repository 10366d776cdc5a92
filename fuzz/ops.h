/* SPDX-License-Identifier: MIT */
/*
 * Owns: the encoding of what happens to a server, as bytes: which connection does what, and what
 * time does. An input of a target whose shape is FUZZ_OPS is, behind its header, a stream of these.
 * It stays as it is: corpora depend on it.
 *
 * The first byte of an operation is its kind in the low four bits and a connection's number in the
 * high four. What follows depends on the kind; where the input ends first, missing bytes are zeros
 * and missing text is missing. Every stream of bytes is a valid stream of operations.
 *
 *     kind        follows           what happens
 *   0 OPEN                          the connection is opened, unless it is open
 *   1 SEND        n, n bytes        it sends these bytes
 *   2 EOF                           it ends its side
 *   3 CLOSE                         its socket is gone, by error unless the server wants it closed
 *   4 ADVANCE     time              time passes; 0: none does, and due work is done
 *   5 TAKE        n                 n bytes of its output are sent, and from now on only as TAKE
 *                                   says; 255: all of it, and from now on by itself, as at first
 *   6 COMMAND     which, a, b       it sends a command of the table below
 *   7 MESSAGE     what, k, time     it sends a FIN, REQ or TOUCH, see below
 *   8 ANSWER      result            the oldest ask is answered: done when even, else failed
 *   9 PAUSE       what              bit 0: pause, else go on; bit 1: a topic, else a channel;
 *                                   bits 2, 3: which topic; bits 4, 5: which channel
 *  10 WALL        step              the wall clock jumps by this many seconds, a signed byte
 *  11 STOP                          graceful exit; comes once
 *  12 .. 15                         nothing
 *
 * A time is a byte: the low four bits shifted to the left by the high four, in ms.
 *
 *     which       command                  a                      b
 *   0 MAGIC       "  V2"                   -                      -
 *   1 IDENTIFY    settings from a table    which of 16            -
 *   2 SUB         topic, channel           topic                  channel
 *   3 PUB         topic, a body            topic                  bytes beyond the serial number
 *   4 MPUB        topic, bodies            topic                  bits 0-2: so many and one more;
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
 * `which` counts modulo 16; topics and channels modulo 4, and the last of each is ephemeral. A body
 * is a serial number of eight hexadecimal digits, so that no two are alike, and filling.
 *
 * MESSAGE: bits 0, 1 of `what` are 0 FIN, 1 REQ with the time, 2 TOUCH, 3 FIN. Bits 2, 3 say whose
 * message: 0, 1 one that it has in flight, 2 one that another connection has, 3 one of those that
 * were finished. k counts modulo how many there are, from the oldest; if there are none, the id is
 * k in hexadecimal.
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
    OP_PAUSE,
    OP_WALL,
    OP_STOP,
    OP_KINDS, /* this and above: nothing happens */
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
    uint8_t args[OP_ARGS_MAX]; /* in the order of the table; 0 where there is none */
    struct span bytes;         /* SEND: the text; borrowed */
};

/* How many bytes the operation at the start of the stream takes: at least 1, at most all of them;
 * 0 only when there are none. */
size_t ops_size(struct span stream);

/* The operation at the start of a stream that is not empty; moves on. */
struct op ops_next(struct span *stream);

/* What a time means, in ns. */
int64_t ops_time(uint8_t time);

#endif
