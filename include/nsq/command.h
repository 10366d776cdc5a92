/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a client sends: command lines, and the bodies behind some of them. Both directions:
 * servers parse, clients encode.
 * Must not know: in which state a command is allowed and what its parameters mean; that is the
 * server's session layer.
 *
 * A command arrives in stages, and the parser hands out one item a stage, because a server answers
 * between them (an error in the line is answered before the body is there):
 *
 *     every command    NAME[ PARAM]...\n
 *     IDENTIFY AUTH    line | size, int32 | body
 *     PUB DPUB         line | size, int32 | body
 *     MPUB             line | body size, int32 | count, int32 | { size, int32 | body } x count
 *
 * The parser allocates nothing and keeps nothing but its place, a value that can be copied.
 */
#ifndef NSQ_COMMAND_H
#define NSQ_COMMAND_H

#include <nsq/error.h>
#include <nsq/span.h>

#define NSQ_PARAMS_MAX 3    /* parameters that are handed out, the command's name not counted */
#define NSQ_LINE_MAX 16384  /* nsqd's longest line in bytes, '\n' included */
#define NSQ_SIZE_SIZE 4     /* bytes of a size or count field */
#define NSQ_MPUB_OVERHEAD 4 /* the count field: what max_body_size loses to it */
#define NSQ_MPUB_SMALLEST 5 /* the least that a message takes in an MPUB: size and one byte */

enum nsq_command_id {
    NSQ_UNKNOWN = 0, /* a well-formed line that names no command, the empty line included */
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
    NSQ_BODY_DATA,     /* one sized body, at most max_body_size: IDENTIFY, AUTH */
    NSQ_BODY_MESSAGE,  /* one sized body, at most max_msg_size: PUB, DPUB */
    NSQ_BODY_MESSAGES, /* MPUB's */
};

/* One row of the command table. */
struct nsq_command_row {
    struct span name;
    unsigned least_params; /* without the command's name; for AUTH it is also the most */
    enum nsq_body_kind body;
};

/*
 * The row of a command; NSQ_UNKNOWN's has an empty name. `id` is in range. Static.
 * Source: protocol_v2.go, the functions that Exec calls.
 */
const struct nsq_command_row *nsq_command_row(enum nsq_command_id id);

/* The command with exactly this name (upper case), or NSQ_UNKNOWN. Source: protocol_v2.go, Exec. */
enum nsq_command_id nsq_command_find(struct span name);

/* A command line. All spans are borrowed from the parser's input. */
struct nsq_command {
    enum nsq_command_id id;
    struct span name;                  /* the bytes before the first space, whatever they are */
    struct span param[NSQ_PARAMS_MAX]; /* split at each single space, so some may be empty */
    size_t params;                     /* how many the line has; may exceed NSQ_PARAMS_MAX */
    struct span line;                  /* the line without its "\n" or "\r\n" */
};

/*
 * What a peer may send; every bound is the caller's, none is negative, and they may change between
 * two calls. Defaults of nsqd are in the comments.
 */
struct nsq_limits {
    size_t max_line;       /* bytes with '\n'; NSQ_LINE_MAX. Stops a line that never ends. */
    int64_t max_msg_size;  /* bytes of one message; 1048576. Stops one PUB taking all memory. */
    int64_t max_body_size; /* bytes of an IDENTIFY, AUTH or MPUB body; 5242880. The same. */
};

/* The stage that the parser waits in; also what an EOF there has cut off. */
enum nsq_stage {
    NSQ_STAGE_LINE = 0,
    NSQ_STAGE_SIZE,         /* the size of a body; for MPUB, of all of it */
    NSQ_STAGE_BODY,         /* the bytes of a DATA or MESSAGE body */
    NSQ_STAGE_COUNT,        /* MPUB: how many messages */
    NSQ_STAGE_MESSAGE_SIZE, /* MPUB: the size of message `index` */
    NSQ_STAGE_MESSAGE_BODY, /* MPUB: the bytes of message `index` */
};

/* The parser's place. All zeros is the start of a connection or of any command. */
struct nsq_place {
    enum nsq_stage stage;
    enum nsq_command_id id; /* the command in hand, once its line was read */
    size_t scanned;         /* LINE: bytes of the input that hold no '\n', already looked at */
    uint32_t left;          /* BODY, MESSAGE_BODY: bytes still to come */
    uint32_t count;         /* MPUB: messages announced */
    uint32_t index;         /* MPUB: the message in hand, from 0 */
};

/* Why an item is bad. */
enum nsq_bad {
    NSQ_BAD_NOTHING = 0,
    NSQ_BAD_LINE_TOO_LONG,     /* nsqd closes the connection without a word */
    NSQ_BAD_SIZE_NOT_POSITIVE, /* `value` is 0 or negative */
    NSQ_BAD_SIZE_TOO_BIG,      /* `value` is above `limit` */
    NSQ_BAD_COUNT,             /* MPUB: not in 1 .. (max_body_size - 4) / 5 */
};

/* What one stage yielded. */
struct nsq_item {
    enum nsq_stage stage;       /* which stage this came from */
    bool last;                  /* the command is complete with this item */
    bool whole;                 /* BODY, MESSAGE_BODY: `part` ends the body */
    size_t consumed;            /* bytes of the input that the item took */
    struct nsq_command command; /* LINE only */
    int32_t value;              /* SIZE, COUNT, MESSAGE_SIZE: the number */
    int64_t limit;              /* with NSQ_BAD: what `value` passed */
    uint32_t index;             /* MESSAGE_SIZE, MESSAGE_BODY: which message, from 0 */
    struct span part;           /* BODY, MESSAGE_BODY: the next bytes of it, at least one */
    enum nsq_bad bad;           /* with NSQ_BAD: why */
};

/*
 * Takes the next item from `in` (borrowed; spans in `*item` point into it).
 *
 * NSQ_OK: `*item` is set, `*place` has moved on, and the next call starts `item->consumed` bytes
 * later. After a LINE the caller decides whether the command may go on; to refuse it, stop parsing.
 * NSQ_MORE: the bytes are not enough and none was consumed. Lines and sizes must come in one piece,
 * so offer the same bytes again with more behind them (those of a line are not searched again); a
 * body is handed out in the pieces it comes in. NSQ_BAD: `item->bad`, `stage`, `value`, `limit` and
 * `index` say why; nothing may be parsed after it, and `*place` tells no more than its stage.
 *
 * Line rules (protocol_v2.go, IOLoop): '\n' ends a line and is stripped, then at most one '\r'; the
 * rest is split at every single space. A line longer than max_line is bad as soon as max_line bytes
 * without '\n' are there. Sizes are int32 and must be positive (readLen and its callers). MPUB's
 * count is what drives the reading of its messages; the size in front of it is checked, and then
 * not held against them (MPUB and readMPUB).
 */
enum nsq_parse nsq_command_parse(struct nsq_place *place, const struct nsq_limits *limits,
                                 struct span in, struct nsq_item *item);

/*
 * Splits a line that has no "\n" or "\r\n" any more: nsq_command_parse does this with each line.
 * `*command` is set, all of it, and borrows from `line`. Source: protocol_v2.go, IOLoop.
 */
void nsq_command_split(struct span line, struct nsq_command *command);

/*
 * The three below write what a client sends into the caller's `out`, which has room for `room`
 * bytes, and return the bytes that it takes; when that is more than `room`, nothing was written, so
 * a call with room 0 measures (`out` may then be NULL). They check nothing: a name with a space in
 * it becomes two parameters. The spans are borrowed for the call.
 * Source: tcp_protocol_spec, "Commands".
 */

/* The line "words[0] words[1] ...\n". Returns 0 when no size_t can count its bytes. */
size_t nsq_line_encode(const struct span *words, size_t count, uint8_t *out, size_t room);

/* A sized body: int32, bytes. Returns 0 when the body is too long for an int32. */
size_t nsq_body_encode(struct span body, uint8_t *out, size_t room);

/* MPUB's body of `count` messages. Returns 0 when it is too long for an int32. */
size_t nsq_messages_encode(const struct span *bodies, size_t count, uint8_t *out, size_t room);

#endif
