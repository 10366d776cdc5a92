/* SPDX-License-Identifier: MIT */
/*
 * Owns: the three outcomes of a parser and the error codes of the wire.
 * Must not know: which command raises which error; that is the server's session layer.
 */
#ifndef NSQ_ERROR_H
#define NSQ_ERROR_H

#include <nsq/span.h>

/* What every parser of this library answers. The three are never merged: "needs more" is no error.
 */
enum nsq_parse {
    NSQ_OK = 0, /* complete; `consumed` says how many bytes it took */
    NSQ_MORE,   /* a prefix of something valid: offer the same bytes again with more behind them */
    NSQ_BAD,    /* no continuation can make it valid; said when the field that proves it is complete
                 * (a magic, a size, a line at its bound), which is when nsqd says it */
};

/* The code in front of an error frame's text. Source: nsqd 1.3.0, protocol_v2.go and tcp.go. */
enum nsq_error {
    NSQ_E_NONE = 0, /* no error; has no name on the wire */
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
 * The code as it stands on the wire, such as "E_INVALID"; empty for NSQ_E_NONE and for a number
 * out of range. The bytes are static.
 */
struct span nsq_error_name(enum nsq_error code);

/*
 * Whether the server closes the connection after this error. Only E_FIN_FAILED, E_REQ_FAILED and
 * E_TOUCH_FAILED leave it open, and NSQ_E_NONE, which is no error.
 * Source: FatalClientErr and ClientErr in protocol_v2.go.
 */
bool nsq_error_is_fatal(enum nsq_error code);

/*
 * Splits the data of an error frame into its code and the text behind the first space, which may be
 * empty. `data` is borrowed and `text` points into it. Returns NSQ_E_NONE for a code that is not in
 * the table above; `text` is then the whole of `data`.
 * Source: internal/protocol/errors.go, Error: code, space, text.
 */
enum nsq_error nsq_error_split(struct span data, struct span *text);

#endif
