/* SPDX-License-Identifier: MIT */
/*
 * Owns: the three results of a parser, and the error codes on the wire.
 * Must not know: which command causes which error. The server's session layer knows that.
 */
#ifndef NSQ_ERROR_H
#define NSQ_ERROR_H

#include <nsq/span.h>

/* The result of every parser of this library. That bytes are missing is a result of its own: it
 * is not an error. */
enum nsq_parse {
    NSQ_OK = 0, /* the input begins with something complete and valid */
    NSQ_MORE,   /* the input is the beginning of something valid: pass the same bytes again together
                 * with those that follow them */
    NSQ_BAD,    /* the input is not valid, and further bytes cannot make it valid. A parser returns
                 * this after the same byte as nsqd: when a magic or a size is complete, or when a
                 * line has reached its greatest length. */
};

/* The code at the start of an error frame. Source: nsqd 1.3.0, protocol_v2.go and tcp.go. */
enum nsq_error {
    NSQ_E_NONE = 0, /* no error; it has no name on the wire */
    NSQ_E_INVALID,
    NSQ_E_BAD_PROTOCOL,
    NSQ_E_BAD_TOPIC,
    NSQ_E_BAD_CHANNEL,
    NSQ_E_BAD_BODY,
    NSQ_E_BAD_MESSAGE,
    NSQ_E_IDENTIFY_FAILED,
    NSQ_E_AUTH_DISABLED,
    NSQ_E_AUTH_FAILED,
    NSQ_E_AUTH_FIRST,
    NSQ_E_AUTH_ERROR,
    NSQ_E_UNAUTHORIZED,
    NSQ_E_SUB_FAILED,
    NSQ_E_PUB_FAILED,
    NSQ_E_MPUB_FAILED,
    NSQ_E_DPUB_FAILED,
    NSQ_E_FIN_FAILED,
    NSQ_E_REQ_FAILED,
    NSQ_E_TOUCH_FAILED,
    NSQ_ERROR_COUNT,
};

/*
 * Returns the name of a code on the wire, such as "E_INVALID". The name is empty for NSQ_E_NONE and
 * for a number out of range. The bytes are static.
 */
struct span nsq_error_name(enum nsq_error code);

/*
 * Whether the server closes the connection after this error. It does so except after E_FIN_FAILED,
 * E_REQ_FAILED and E_TOUCH_FAILED. The result for NSQ_E_NONE is false.
 * Source: FatalClientErr and ClientErr in protocol_v2.go.
 */
bool nsq_error_is_fatal(enum nsq_error code);

/*
 * Splits the data of an error frame at its first space. It returns the code before the space and
 * sets `*text` to what follows the space, which may be empty. When the code is not one of the
 * above, it returns NSQ_E_NONE and sets `*text` to all of `data`. `*text` points into `data`.
 * Source: internal/protocol/errors.go, Error: code, space, text.
 */
enum nsq_error nsq_error_split(struct span data, struct span *text);

#endif
