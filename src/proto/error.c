/* SPDX-License-Identifier: MIT */
#include <nsq/error.h>

static const struct span names[] = {
    [NSQ_E_NONE] = {.p = NULL, .n = 0},
#define NAME(code, literal) [code] = {.p = (const uint8_t *)(literal), .n = sizeof(literal) - 1}
    NAME(NSQ_E_INVALID, "E_INVALID"),
    NAME(NSQ_E_BAD_PROTOCOL, "E_BAD_PROTOCOL"),
    NAME(NSQ_E_BAD_TOPIC, "E_BAD_TOPIC"),
    NAME(NSQ_E_BAD_CHANNEL, "E_BAD_CHANNEL"),
    NAME(NSQ_E_BAD_BODY, "E_BAD_BODY"),
    NAME(NSQ_E_BAD_MESSAGE, "E_BAD_MESSAGE"),
    NAME(NSQ_E_IDENTIFY_FAILED, "E_IDENTIFY_FAILED"),
    NAME(NSQ_E_AUTH_DISABLED, "E_AUTH_DISABLED"),
    NAME(NSQ_E_AUTH_FAILED, "E_AUTH_FAILED"),
    NAME(NSQ_E_AUTH_FIRST, "E_AUTH_FIRST"),
    NAME(NSQ_E_AUTH_ERROR, "E_AUTH_ERROR"),
    NAME(NSQ_E_UNAUTHORIZED, "E_UNAUTHORIZED"),
    NAME(NSQ_E_SUB_FAILED, "E_SUB_FAILED"),
    NAME(NSQ_E_PUB_FAILED, "E_PUB_FAILED"),
    NAME(NSQ_E_MPUB_FAILED, "E_MPUB_FAILED"),
    NAME(NSQ_E_DPUB_FAILED, "E_DPUB_FAILED"),
    NAME(NSQ_E_FIN_FAILED, "E_FIN_FAILED"),
    NAME(NSQ_E_REQ_FAILED, "E_REQ_FAILED"),
    NAME(NSQ_E_TOUCH_FAILED, "E_TOUCH_FAILED"),
#undef NAME
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
