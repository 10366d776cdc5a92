/* SPDX-License-Identifier: MIT */
/*
 * Owns: protocol V1, which nsqd speaks with nsqlookupd: the commands of the client, the replies of
 * the server, and the texts of its errors. A server parses commands and encodes replies, a client
 * encodes commands and parses replies; this header has all four.
 * Must not know: what is registered, and what the body of an IDENTIFY means.
 *
 * A client sends the magic NSQ_MAGIC_V1 of nsq/magic.h. Then it sends commands:
 *
 *     PING\n
 *     IDENTIFY\n | size, int32 | body
 *     REGISTER topic[ channel]\n
 *     UNREGISTER topic[ channel]\n
 *
 * The server answers each command with one reply. A reply has no type, unlike a frame of V2:
 *     | size, int32 | data, size bytes ...
 *
 * The functions allocate nothing. The whole state of the parser is a struct nsq_lookup_place, which
 * can be copied.
 */
#ifndef NSQ_LOOKUP_H
#define NSQ_LOOKUP_H

#include <nsq/error.h>
#include <nsq/span.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NSQ_LOOKUP_LINE_MAX 16384 /* the usual max_line; as NSQ_LINE_MAX of nsq/command.h */
/* The usual max_body. nsqd sends about 150 bytes. A page of nsqlookupd's HTTP API has up to six
 * bytes for each byte of such a body. Such a page consists of parts, and each part describes one
 * nsqd. For each HTTP client that does not read, the server may have to keep one of these parts.
 * With a much larger limit, these parts could fill the memory. */
#define NSQ_LOOKUP_BODY_MAX 4096

enum nsq_lookup_id {
    NSQ_LOOKUP_UNKNOWN = 0, /* a complete line that names no command, for example an empty line */
    NSQ_LOOKUP_PING,
    NSQ_LOOKUP_IDENTIFY,
    NSQ_LOOKUP_REGISTER,
    NSQ_LOOKUP_UNREGISTER,
    NSQ_LOOKUP_ID_COUNT,
};

/*
 * Returns the name of a command. It is empty for NSQ_LOOKUP_UNKNOWN. The bytes are static. `id`
 * must be a value of the enumeration.
 */
struct span nsq_lookup_name(enum nsq_lookup_id id);

/* --- errors ----------------------------------------------------------------------------------- */

/*
 * The errors with which a server replies. After each of them the server closes the connection. The
 * comments name the fields of struct nsq_lookup_error whose values are in the reply. nsqlookupd
 * 1.3.0 does not have the last four errors, because it has no limits: a body with a negative size
 * crashes nsqlookupd 1.3.0.
 */
enum nsq_lookup_why {
    NSQ_LOOKUP_NO_ERROR = 0,
    NSQ_LOOKUP_BAD_PROTOCOL,     /* the magic is not NSQ_MAGIC_V1 */
    NSQ_LOOKUP_BAD_COMMAND,      /* text: the name of an unknown command */
    NSQ_LOOKUP_NOT_IDENTIFIED,   /* REGISTER or UNREGISTER before IDENTIFY */
    NSQ_LOOKUP_IDENTIFIED_TWICE, /* a second IDENTIFY; found before its body is read */
    NSQ_LOOKUP_NO_TOPIC,         /* id */
    NSQ_LOOKUP_BAD_TOPIC,        /* id, text: the topic's name */
    NSQ_LOOKUP_BAD_CHANNEL,      /* id, text: the channel's name */
    NSQ_LOOKUP_SIZE_CUT_OFF,     /* the client's input ended in the size of a body */
    NSQ_LOOKUP_BODY_CUT_OFF,     /* the client's input ended in a body */
    NSQ_LOOKUP_BAD_JSON,         /* the body of an IDENTIFY is not JSON, or has wrong types */
    NSQ_LOOKUP_MISSING_FIELDS,   /* the body of an IDENTIFY leaves out a required field */
    NSQ_LOOKUP_LINE_TOO_LONG,    /* limit: max_line */
    NSQ_LOOKUP_BAD_SIZE,         /* value: the negative size of a body */
    NSQ_LOOKUP_BODY_TOO_BIG,     /* value: the size of a body; limit: max_body */
    NSQ_LOOKUP_TOO_MANY,         /* limit: how many registrations one connection may have */
    NSQ_LOOKUP_WHY_COUNT,
};

struct nsq_lookup_error {
    enum nsq_lookup_why why;
    enum nsq_lookup_id id;
    struct span text; /* borrowed */
    int64_t value;
    int64_t limit;
};

/*
 * Writes the text of an error into `out`, a buffer of the caller with `room` bytes. The text is the
 * data of the reply. Returns the number of bytes that the text needs. If this number is above
 * `room`, the function has written nothing. So a call with room 0 returns this number and writes
 * nothing. In such a call `out` may be NULL. The text begins with an error code, as in nsq/error.h.
 * error->text is written as it is, with any bytes. Returns 0 for NSQ_LOOKUP_NO_ERROR, and if
 * error->text is so long that the text does not fit into a reply.
 * Source: nsqlookupd/lookup_protocol_v1.go.
 */
size_t nsq_lookup_error_encode(const struct nsq_lookup_error *error, uint8_t *out, size_t room);

/* --- commands --------------------------------------------------------------------------------- */

/* A command line. All spans point into the parser's input. */
struct nsq_lookup_command {
    enum nsq_lookup_id id;
    struct span name;    /* the bytes before the first space; any byte is possible */
    struct span topic;   /* the first parameter; empty if there is none */
    struct span channel; /* the second parameter; empty if there is none */
    size_t params;       /* number of parameters. Two spaces in a row have an empty parameter
                          * between them. The server ignores all parameters after the second
                          * parameter. */
    struct span line;    /* the line without white space at both ends */
};

/* Limits for the input from a client. The caller chooses them and may change them between two
 * calls. No limit may be negative. */
struct nsq_lookup_limits {
    size_t max_line;  /* bytes of a line, including '\n'. Without this limit, a client could send a
                       * line that never ends. */
    int64_t max_body; /* bytes of the body of an IDENTIFY. Without this limit, a client could send a
                       * body as large as the memory. */
};

/* The part of a command that the parser reads next. */
enum nsq_lookup_stage {
    NSQ_LOOKUP_STAGE_LINE = 0,
    NSQ_LOOKUP_STAGE_BODY, /* the size and the body of an IDENTIFY */
};

/* The parser's state. All zeros is the state before the first command and between two commands. */
struct nsq_lookup_place {
    enum nsq_lookup_stage stage;
    size_t scanned; /* LINE: the first `scanned` bytes of the input contain no '\n' */
};

/* The result of one stage. */
struct nsq_lookup_item {
    enum nsq_lookup_stage stage;       /* the stage that was read */
    size_t consumed;                   /* how many bytes of the input belong to the item */
    struct nsq_lookup_command command; /* LINE */
    struct span body;                  /* BODY: the whole body; it may be empty */
    struct nsq_lookup_error error;     /* with NSQ_BAD: the reason */
};

/*
 * Parses the next item at the start of `in`, the input after the magic. The input is borrowed. The
 * spans in `*item` point into the input.
 *
 * NSQ_OK: the parser has set `*item` and updated `*place`. In the next call, pass the input without
 *     its first `item->consumed` bytes. An IDENTIFY has two items, the other commands have one.
 *     After the line of an IDENTIFY the caller decides whether it accepts the command. If it
 *     replies with an error, it makes no further call.
 * NSQ_MORE: the input is too short, and no byte was consumed. Pass the same bytes again, together
 *     with the bytes that follow. The parser never needs more than max_line bytes for a line, or
 *     4 + max_body bytes for a body.
 * NSQ_BAD: item->error gives the reason. Make no further call for this input.
 *
 * Rules of a line (IOLoop): a line ends with '\n'. The parser removes white space at both ends, as
 * Go's strings.TrimSpace does. This is the white space of ASCII, and all other white space of
 * Unicode in its UTF-8 form. The parser splits the rest at every space. A line is too long when its
 * first max_line bytes have arrived and contain no '\n'.
 * Rules of a body (IDENTIFY): a size is an int32 from 0 to max_body. A bad size is found when its
 * four bytes have arrived.
 * Source: nsqlookupd/lookup_protocol_v1.go.
 */
enum nsq_parse nsq_lookup_parse(struct nsq_lookup_place *place,
                                const struct nsq_lookup_limits *limits, struct span in,
                                struct nsq_lookup_item *item);

/*
 * Splits a line, with or without its '\n', as nsq_lookup_parse does. The function sets every field
 * of `*command`. Its spans point into `line`.
 */
void nsq_lookup_split(struct span line, struct nsq_lookup_command *command);

/*
 * Returns the error of a command line: an unknown command, no topic, or a name that is not valid.
 * The `why` of the result is NSQ_LOOKUP_NO_ERROR if there is no error. Its `text` points into the
 * line. The function does not know whether the client has identified itself; a server checks this
 * before it checks the parameters of a REGISTER or UNREGISTER.
 * Source: nsqlookupd/lookup_protocol_v1.go, Exec and getTopicChan.
 */
struct nsq_lookup_error nsq_lookup_check(const struct nsq_lookup_command *command);

/*
 * Returns the error that a server replies when the client's input ends. `in` is the input that the
 * parser has not consumed. If the input ends between two commands or in a line, the result is
 * NSQ_LOOKUP_NO_ERROR: the server closes the connection without a reply.
 * Source: nsqlookupd/lookup_protocol_v1.go, IOLoop and IDENTIFY.
 */
struct nsq_lookup_error nsq_lookup_cut_off(const struct nsq_lookup_place *place, struct span in);

/* --- encoding commands, encoding and parsing replies ------------------------------------------ */

/*
 * The three functions below encode a command or a reply. As nsq_lookup_error_encode does, each of
 * them writes into `out` only if the result fits into `room` bytes, and always returns the size of
 * the result. They do not check their arguments: for example, a name that contains a space becomes
 * two parameters.
 */

/*
 * Writes the line of a command: PING, REGISTER or UNREGISTER. An empty topic or channel is left
 * out. A channel without a topic is left out too. Returns 0 if the size does not fit into a size_t.
 */
size_t nsq_lookup_line_encode(enum nsq_lookup_id id, struct span topic, struct span channel,
                              uint8_t *out, size_t room);

/* Writes an IDENTIFY: its line, the size of its body, and the body. Returns 0 if the size of the
 * body does not fit into an int32. */
size_t nsq_lookup_identify_encode(struct span body, uint8_t *out, size_t room);

/*
 * Writes a reply: its size and its data. Returns 0 if the size of the data does not fit into an
 * int32.
 * Source: internal/protocol/protocol.go, SendResponse.
 */
size_t nsq_lookup_reply_encode(struct span data, uint8_t *out, size_t room);

/*
 * Parses the reply at the start of `in`. A reply may have at most `max_data` bytes of data.
 *
 * NSQ_OK: `*data` is set and points into `in`. The whole reply has `*consumed` bytes.
 * NSQ_MORE: the reply is not complete. Nothing is set.
 * NSQ_BAD: the size is negative or above `max_data`. The parser finds this after 4 bytes. Nothing
 *     is set.
 *
 * Source: nsqd/lookup_peer.go, readResponseBounded. In nsqd 1.3.0 a negative size ends the process.
 */
enum nsq_parse nsq_lookup_reply_parse(struct span in, size_t max_data, struct span *data,
                                      size_t *consumed);

#ifdef __cplusplus
}
#endif

#endif
