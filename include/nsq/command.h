/* SPDX-License-Identifier: MIT */
/*
 * Owns: the commands that a client sends. A command is a line; after some lines a body follows. A
 * server needs the parser, a client needs the encoders; this header has both.
 * Must not know: in which state a command is allowed, and what its parameters mean. The session
 * layer of the server knows both.
 *
 * A command arrives in stages. The parser returns one item for each stage, because a server may
 * have to reply after any stage. For example, if the line has an error, the server reports the
 * error at once, before the body has arrived. The stages are:
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

#ifdef __cplusplus
extern "C" {
#endif

#define NSQ_PARAMS_MAX 3    /* largest number of parameters that the parser returns */
#define NSQ_LINE_MAX 16384  /* bytes of the longest line that nsqd reads, including '\n' */
#define NSQ_SIZE_SIZE 4     /* bytes of a size field or a count field */
#define NSQ_MPUB_OVERHEAD 4 /* bytes of MPUB's count field; the body size includes them */
#define NSQ_MPUB_SMALLEST 5 /* bytes of the smallest message in an MPUB: a size and one byte */

enum nsq_command_id {
    NSQ_UNKNOWN = 0, /* a complete line that names no command, for example an empty line */
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
    unsigned least_params; /* the smallest number of parameters that a line may have. AUTH allows
                            * exactly this number. The other commands ignore further parameters. */
    enum nsq_body_kind body;
};

/*
 * Returns the row of the command `id`. The row is static. `id` must be a value of the enumeration.
 * The row of NSQ_UNKNOWN has an empty name.
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
    struct span name;                  /* the bytes before the first space; any byte is possible */
    struct span param[NSQ_PARAMS_MAX]; /* the first parameters. Two spaces in a row have an empty
                                        * parameter between them. */
    size_t params;                     /* number of parameters; may be above NSQ_PARAMS_MAX */
    struct span line;                  /* the line without its "\n" or "\r\n" */
};

/*
 * Limits for the input from a peer. The caller chooses the limits and may change them between two
 * calls. No limit may be negative.
 */
struct nsq_limits {
    size_t max_line;       /* bytes of a line, including '\n'. nsqd's limit is NSQ_LINE_MAX. Without
                            * this limit, a peer could send a line that never ends. */
    int64_t max_msg_size;  /* bytes of one message. nsqd's default is 1048576. Without this limit, a
                            * peer could publish a message as large as the memory. */
    int64_t max_body_size; /* bytes of the body of an IDENTIFY, AUTH or MPUB. nsqd's default is
                            * 5242880. Without this limit, a peer could send a body as large as the
                            * memory. */
};

/* The part of a command that the parser reads next. If the connection closes in the middle of a
 * command, this is the part that has not arrived completely. */
enum nsq_stage {
    NSQ_STAGE_LINE = 0,
    NSQ_STAGE_SIZE,         /* the size of the whole body */
    NSQ_STAGE_BODY,         /* the bytes of the body; MPUB does not have this stage */
    NSQ_STAGE_COUNT,        /* MPUB: how many messages follow */
    NSQ_STAGE_MESSAGE_SIZE, /* MPUB: the size of message `index` */
    NSQ_STAGE_MESSAGE_BODY, /* MPUB: the bytes of message `index` */
};

/* The parser's state. All zeros is the state before the first command and between two commands. */
struct nsq_place {
    enum nsq_stage stage;
    enum nsq_command_id id; /* the current command; set when its line has been read */
    size_t scanned;         /* LINE: the first `scanned` bytes of the input contain no '\n' */
    uint32_t left;          /* BODY, MESSAGE_BODY: how many bytes of the body are still missing */
    uint32_t count;         /* MPUB: the number of messages, from its count field */
    uint32_t index;         /* MPUB: the number of the current message; the first one is 0 */
};

/* Why an item is bad. */
enum nsq_bad {
    NSQ_BAD_NOTHING = 0,
    NSQ_BAD_LINE_TOO_LONG,     /* nsqd then closes the connection and sends no error frame */
    NSQ_BAD_SIZE_NOT_POSITIVE, /* `value` is 0 or negative */
    NSQ_BAD_SIZE_TOO_BIG,      /* `value` is above `limit` */
    NSQ_BAD_COUNT,             /* MPUB: `value` is not in 1 .. (max_body_size - 4) / 5 */
};

/* The result of one stage. The comments name the stages in which a field is set. */
struct nsq_item {
    enum nsq_stage stage;       /* the stage that was read */
    bool last;                  /* this is the last item of the command */
    bool whole;                 /* BODY, MESSAGE_BODY: the body is complete with this `part` */
    size_t consumed;            /* how many bytes of the input belong to the item */
    struct nsq_command command; /* LINE */
    int32_t value;              /* SIZE, COUNT, MESSAGE_SIZE: the number that was read */
    int64_t limit;    /* with NSQ_BAD: the largest allowed `value`; for a line: max_line */
    uint32_t index;   /* MESSAGE_SIZE, MESSAGE_BODY: the message's number, from 0 */
    struct span part; /* BODY, MESSAGE_BODY: the next bytes of the body, at least one */
    enum nsq_bad bad; /* with NSQ_BAD: the reason */
};

/*
 * Parses the next item at the start of `in`. The input is borrowed. The spans in `*item` point into
 * the input.
 *
 * NSQ_OK: the parser has set `*item` and updated `*place`. In the next call, pass the input without
 *     its first `item->consumed` bytes. After NSQ_STAGE_LINE the caller decides whether it accepts
 *     the command. If it answers with a fatal error, it makes no further call.
 * NSQ_MORE: the input is too short, and no byte was consumed. Pass the same bytes again, together
 *     with the bytes that follow. The parser returns a line or a number only when all its bytes
 *     have arrived. It returns a body in parts, as they arrive.
 * NSQ_BAD: `item->bad`, `stage`, `value`, `limit` and `index` give the reason. Make no further call
 *     for this input. In `*place`, only `stage` has a meaning afterwards.
 *
 * Rules of a line (protocol_v2.go, IOLoop): a line ends with '\n'. The parser removes the '\n', and
 * also a '\r' directly before the '\n'. It splits the rest at every space. A line is too long when
 * its first max_line bytes have arrived and contain no '\n'.
 * Rules of a size (readLen and its callers): a size is an int32 above 0.
 * Rules of MPUB (MPUB and readMPUB): only the count field decides how many messages follow. The
 * parser checks that the body size is within its limit. It does not compare the sizes of the
 * messages with the body size.
 */
enum nsq_parse nsq_command_parse(struct nsq_place *place, const struct nsq_limits *limits,
                                 struct span in, struct nsq_item *item);

/*
 * Splits a line into the name and the parameters, as nsq_command_parse does. The caller has removed
 * "\n" or "\r\n". The function sets every field of `*command`. Its spans point into `line`.
 * Source: protocol_v2.go, IOLoop.
 */
void nsq_command_split(struct span line, struct nsq_command *command);

/*
 * The three functions below encode commands. Each of them writes into `out`, a buffer of the caller
 * with `room` bytes, and returns the number of bytes that the result needs. If this number is above
 * `room`, the function has written nothing. So a call with room 0 returns this number and writes
 * nothing. In such a call `out` may be NULL. The functions do not check their arguments: for
 * example, a name that contains a space becomes two parameters. The functions do not keep the spans
 * after the call.
 * Source: tcp_protocol_spec, "Commands".
 */

/* Writes the line "words[0] words[1] ...\n". Returns 0 if the size does not fit into a size_t. */
size_t nsq_line_encode(const struct span *words, size_t count, uint8_t *out, size_t room);

/* Writes the size of a body (int32), then the body. Returns 0 if the size does not fit into an
 * int32. */
size_t nsq_body_encode(struct span body, uint8_t *out, size_t room);

/*
 * Writes the bytes that follow the line of an MPUB: the body size, the count, and for each of the
 * `count` messages its size and its bytes. Returns 0 if the body size does not fit into an int32.
 */
size_t nsq_messages_encode(const struct span *bodies, size_t count, uint8_t *out, size_t room);

#ifdef __cplusplus
}
#endif

#endif
