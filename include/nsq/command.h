/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a client sends: command lines, and the bodies that follow some of them. A server
 * parses them, a client encodes them; both are here.
 * Must not know: in which state a command is allowed and what its parameters mean. The server's
 * session layer knows that.
 *
 * A command arrives in stages. The parser returns one item for each stage, because a server may
 * have to answer after any of them. For example, it answers an error in the line before the body
 * has arrived. The stages are:
 *
 *     every command    NAME[ PARAM]...\n
 *     IDENTIFY AUTH    line | size, int32 | body
 *     PUB DPUB         line | size, int32 | body
 *     MPUB             line | body size, int32 | count, int32 | { size, int32 | body } x count
 *
 * The parser allocates nothing. Its whole state is a struct nsq_place, which can be copied.
 */
#ifndef NSQ_COMMAND_H
#define NSQ_COMMAND_H

#include <nsq/error.h>
#include <nsq/span.h>

#define NSQ_PARAMS_MAX 3    /* parameters that the parser returns, without the command's name */
#define NSQ_LINE_MAX 16384  /* bytes of the longest line that nsqd reads, '\n' included */
#define NSQ_SIZE_SIZE 4     /* bytes of a size field or a count field */
#define NSQ_MPUB_OVERHEAD 4 /* bytes of MPUB's count field, which its body size includes */
#define NSQ_MPUB_SMALLEST 5 /* bytes of the smallest message in an MPUB: a size and one byte */

enum nsq_command_id {
    NSQ_UNKNOWN = 0, /* a complete line that names no command, such as the empty line */
    NSQ_IDENTIFY,
    NSQ_AUTH,
    NSQ_SUB,
    NSQ_PUB,
    NSQ_MPUB,
    NSQ_DPUB,
    NSQ_RDY,
    NSQ_FIN,
    NSQ_REQ,
    NSQ_TOUCH,
    NSQ_CLS,
    NSQ_NOP,
    NSQ_COMMAND_COUNT,
};

enum nsq_body_kind {
    NSQ_BODY_NONE = 0,
    NSQ_BODY_DATA,     /* a size and a body of at most max_body_size bytes: IDENTIFY, AUTH */
    NSQ_BODY_MESSAGE,  /* a size and a body of at most max_msg_size bytes: PUB, DPUB */
    NSQ_BODY_MESSAGES, /* a size, a count and several messages: MPUB */
};

/* One row of the command table. */
struct nsq_command_row {
    struct span name;      /* in upper case; static */
    unsigned least_params; /* how many parameters a line must have at least. AUTH allows no more;
                            * the other commands ignore further ones. */
    enum nsq_body_kind body;
};

/*
 * Returns the row of a command. It is static. `id` must be a value of the enumeration; the row of
 * NSQ_UNKNOWN has an empty name.
 * Source: protocol_v2.go, the functions that Exec calls.
 */
const struct nsq_command_row *nsq_command_row(enum nsq_command_id id);

/*
 * Returns the command that has exactly this name, or NSQ_UNKNOWN. Names are in upper case.
 * Source: protocol_v2.go, Exec.
 */
enum nsq_command_id nsq_command_find(struct span name);

/* A command line. All spans point into the parser's input. */
struct nsq_command {
    enum nsq_command_id id;
    struct span name;                  /* the bytes before the first space; any bytes */
    struct span param[NSQ_PARAMS_MAX]; /* the first parameters. Every single space separates two
                                        * of them, so a parameter may be empty. */
    size_t params;                     /* parameters of the line; may exceed NSQ_PARAMS_MAX */
    struct span line;                  /* the line without its "\n" or "\r\n" */
};

/*
 * How much a peer may send. The caller chooses the limits and may change them between two calls.
 * None is negative.
 */
struct nsq_limits {
    size_t max_line;       /* bytes of a line, '\n' included. nsqd's is NSQ_LINE_MAX. It stops a
                            * peer that sends a line without end. */
    int64_t max_msg_size;  /* bytes of one message. nsqd's default is 1048576. It stops a peer that
                            * publishes a message as large as the memory. */
    int64_t max_body_size; /* bytes of the body of an IDENTIFY, AUTH or MPUB. nsqd's default is
                            * 5242880. It stops a peer that sends such a body as large as
                            * the memory. */
};

/* What the parser reads next. If the connection ends, this is what did not arrive completely. */
enum nsq_stage {
    NSQ_STAGE_LINE = 0,
    NSQ_STAGE_SIZE,         /* the size of the whole body */
    NSQ_STAGE_BODY,         /* the bytes of the body, except MPUB's */
    NSQ_STAGE_COUNT,        /* MPUB: how many messages follow */
    NSQ_STAGE_MESSAGE_SIZE, /* MPUB: the size of message `index` */
    NSQ_STAGE_MESSAGE_BODY, /* MPUB: the bytes of message `index` */
};

/* The parser's state. All zeros is the state before the first command and between two commands. */
struct nsq_place {
    enum nsq_stage stage;
    enum nsq_command_id id; /* the current command; set when its line has been read */
    size_t scanned;         /* LINE: the first bytes of the input that are known to hold no '\n' */
    uint32_t left;          /* BODY, MESSAGE_BODY: how many bytes of the body are still to come */
    uint32_t count;         /* MPUB: how many messages its count field announced */
    uint32_t index;         /* MPUB: the current message, from 0 */
};

/* Why an item is bad. */
enum nsq_bad {
    NSQ_BAD_NOTHING = 0,
    NSQ_BAD_LINE_TOO_LONG,     /* nsqd then closes the connection without an error frame */
    NSQ_BAD_SIZE_NOT_POSITIVE, /* `value` is 0 or negative */
    NSQ_BAD_SIZE_TOO_BIG,      /* `value` is above `limit` */
    NSQ_BAD_COUNT,             /* MPUB: `value` is not in 1 .. (max_body_size - 4) / 5 */
};

/* The result of one stage. The comments name the stages in which a field is set. */
struct nsq_item {
    enum nsq_stage stage;       /* the stage that was read */
    bool last;                  /* the command is complete with this item */
    bool whole;                 /* BODY, MESSAGE_BODY: the body is complete with this part */
    size_t consumed;            /* bytes of the input that the item took */
    struct nsq_command command; /* LINE */
    int32_t value;              /* SIZE, COUNT, MESSAGE_SIZE: the number that was read */
    int64_t limit;              /* with NSQ_BAD: the largest `value` allowed; max_line of a line */
    uint32_t index;             /* MESSAGE_SIZE, MESSAGE_BODY: which message, from 0 */
    struct span part;           /* BODY, MESSAGE_BODY: the next bytes of the body, at least one */
    enum nsq_bad bad;           /* with NSQ_BAD: the reason */
};

/*
 * Parses the next item at the start of `in`. The input is borrowed: the spans in `*item` point into
 * it.
 *
 * NSQ_OK: `*item` is set and `*place` has advanced. The next call starts `item->consumed` bytes
 *     later. After a LINE the caller decides whether it accepts the command. To refuse it, the
 *     caller stops parsing.
 * NSQ_MORE: the bytes are not enough, and none was consumed. Pass the same bytes again
 *     together with those that follow them. A line or a number is returned only when it is
 *     complete. (The parser remembers how far it has searched a line.) The bytes of a body are
 *     returned in the parts in which they come.
 * NSQ_BAD: `item->bad`, `stage`, `value`, `limit` and `index` give the reason. Nothing may be
 *     parsed after it. Of `*place` only the stage has a meaning then.
 *
 * Rules of a line (protocol_v2.go, IOLoop): it ends with '\n'. The parser removes the '\n' and one
 * '\r' before it, if there is one, and splits the rest at every single space. A line is too long
 * as soon as its first max_line bytes have arrived without '\n'.
 * Rules of a size (readLen and its callers): an int32 above 0.
 * Rules of MPUB (MPUB and readMPUB): the count field alone says how many messages follow. The body
 * size is checked against its limit, but the messages are not checked against the body size.
 */
enum nsq_parse nsq_command_parse(struct nsq_place *place, const struct nsq_limits *limits,
                                 struct span in, struct nsq_item *item);

/*
 * Splits a line whose "\n" or "\r\n" was removed, as nsq_command_parse does with each line. It
 * sets all of `*command`, whose spans point into `line`.
 * Source: protocol_v2.go, IOLoop.
 */
void nsq_command_split(struct span line, struct nsq_command *command);

/*
 * The three functions below write what a client sends. They write into `out`, a buffer of the
 * caller with `room` bytes, and return the number of bytes that they need. When that is more than
 * `room`, they have written nothing; so a call with room 0 measures, and `out` may be NULL then.
 * They check nothing: a name with a space in it becomes two parameters. They use the spans only
 * during the call.
 * Source: tcp_protocol_spec, "Commands".
 */

/* Writes the line "words[0] words[1] ...\n". Returns 0 when its size does not fit a size_t. */
size_t nsq_line_encode(const struct span *words, size_t count, uint8_t *out, size_t room);

/* Writes the size of a body (int32) and the body. Returns 0 when the size does not fit an int32. */
size_t nsq_body_encode(struct span body, uint8_t *out, size_t room);

/*
 * Writes what follows the line of an MPUB: the body size, the count, and for each of the `count`
 * messages its size and its bytes. Returns 0 when the body size does not fit an int32.
 */
size_t nsq_messages_encode(const struct span *bodies, size_t count, uint8_t *out, size_t room);

#endif
