/* SPDX-License-Identifier: MIT */
/*
 * Implements nsq/error.h: the table of error codes. Must not know what causes an error.
 */
#include <nsq/error.h>

static const struct span names[] = {
    [NSQ_E_NONE] = {.p = NULL, .n = 0},
    [NSQ_E_INVALID] = SPAN_LITERAL("E_INVALID"),
    [NSQ_E_BAD_PROTOCOL] = SPAN_LITERAL("E_BAD_PROTOCOL"),
    [NSQ_E_BAD_TOPIC] = SPAN_LITERAL("E_BAD_TOPIC"),
    [NSQ_E_BAD_CHANNEL] = SPAN_LITERAL("E_BAD_CHANNEL"),
    [NSQ_E_BAD_BODY] = SPAN_LITERAL("E_BAD_BODY"),
    [NSQ_E_BAD_MESSAGE] = SPAN_LITERAL("E_BAD_MESSAGE"),
    [NSQ_E_IDENTIFY_FAILED] = SPAN_LITERAL("E_IDENTIFY_FAILED"),
    [NSQ_E_AUTH_DISABLED] = SPAN_LITERAL("E_AUTH_DISABLED"),
    [NSQ_E_AUTH_FAILED] = SPAN_LITERAL("E_AUTH_FAILED"),
    [NSQ_E_AUTH_FIRST] = SPAN_LITERAL("E_AUTH_FIRST"),
    [NSQ_E_AUTH_ERROR] = SPAN_LITERAL("E_AUTH_ERROR"),
    [NSQ_E_UNAUTHORIZED] = SPAN_LITERAL("E_UNAUTHORIZED"),
    [NSQ_E_SUB_FAILED] = SPAN_LITERAL("E_SUB_FAILED"),
    [NSQ_E_PUB_FAILED] = SPAN_LITERAL("E_PUB_FAILED"),
    [NSQ_E_MPUB_FAILED] = SPAN_LITERAL("E_MPUB_FAILED"),
    [NSQ_E_DPUB_FAILED] = SPAN_LITERAL("E_DPUB_FAILED"),
    [NSQ_E_FIN_FAILED] = SPAN_LITERAL("E_FIN_FAILED"),
    [NSQ_E_REQ_FAILED] = SPAN_LITERAL("E_REQ_FAILED"),
    [NSQ_E_TOUCH_FAILED] = SPAN_LITERAL("E_TOUCH_FAILED"),
};

_Static_assert(sizeof names / sizeof names[0] == NSQ_ERROR_COUNT, "one name for each error");

struct span nsq_error_name(enum nsq_error code)
{
    return (unsigned)code < NSQ_ERROR_COUNT ? names[code] : names[NSQ_E_NONE];
}

bool nsq_error_is_fatal(enum nsq_error code)
{
    return code != NSQ_E_NONE && code != NSQ_E_FIN_FAILED && code != NSQ_E_REQ_FAILED &&
           code != NSQ_E_TOUCH_FAILED;
}

enum nsq_error nsq_error_split(struct span data, struct span *text)
{
    const uint8_t *space = data.n == 0 ? NULL : memchr(data.p, ' ', data.n);
    struct span word = span_first(data, space == NULL ? data.n : (size_t)(space - data.p));
    for (int code = NSQ_E_NONE + 1; code < NSQ_ERROR_COUNT; code++) {
        if (span_equal(word, names[code])) {
            *text = span_skip(data, space == NULL ? word.n : word.n + 1);
            return (enum nsq_error)code;
        }
    }
    *text = data;
    return NSQ_E_NONE;
}
