/* SPDX-License-Identifier: MIT */
/*
 * Owns: the three results of a parser, and the error codes on the wire.
 * Must not know: which command causes which error. The server's session layer knows this.
 */
#ifndef NSQ_ERROR_H
#define NSQ_ERROR_H

#include <nsq/span.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The result of most parsers of this library. If bytes are missing, the result is NSQ_MORE, which
 * is not an error. */
enum nsq_parse {
    NSQ_OK = 0, /* the input begins with something complete and valid */
    NSQ_MORE,   /* the input is the beginning of something valid: pass the same bytes again together
                 * with the bytes that follow */
    NSQ_BAD,    /* the input is not valid, and further bytes cannot make it valid. The command
                 * parser finds an error at the same byte as nsqd: at the last byte of a size or
                 * count, or at byte number max_line of a line without '\n'. */
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
 * Returns the name that a code has on the wire, for example "E_INVALID". The name is empty for
 * NSQ_E_NONE and for a number that is no code. The bytes are static.
 */
struct span nsq_error_name(enum nsq_error code);

/*
 * Returns whether the server closes the connection after this error. The server keeps the
 * connection open only after E_FIN_FAILED, E_REQ_FAILED and E_TOUCH_FAILED. Returns false for
 * NSQ_E_NONE.
 * Source: FatalClientErr and ClientErr in protocol_v2.go.
 */
bool nsq_error_is_fatal(enum nsq_error code);

/*
 * Splits the data of an error frame at its first space. Returns the code before the space, and sets
 * `*text` to the bytes after the space. `*text` may be empty. If the bytes before the space are not
 * the name of a code, the function returns NSQ_E_NONE and sets `*text` to all of `data`. `*text`
 * points into `data`.
 * Source: internal/protocol/errors.go, Error. The format is: code, space, text.
 */
enum nsq_error nsq_error_split(struct span data, struct span *text);

#ifdef __cplusplus
}
#endif

#endif
