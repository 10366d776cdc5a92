/* SPDX-License-Identifier: MIT */
/*
 * Implements the errors of nsq/lookup.h: the table of their texts. Must not know what causes an
 * error. Allocates nothing.
 */
#include <nsq/lookup.h>

#include "proto/text.h"

/* A '%' and a letter stand for a field of the error: c the name of the command, t the text, v the
 * value, l the limit. The texts are nsqlookupd's up to NSQ_LOOKUP_MISSING_FIELDS. The texts about
 * sizes are those of nsqd. */
static const struct span texts[] = {
    [NSQ_LOOKUP_NO_ERROR] = {NULL, 0},
    [NSQ_LOOKUP_BAD_PROTOCOL] = SPAN_LITERAL("E_BAD_PROTOCOL"),
    [NSQ_LOOKUP_BAD_COMMAND] = SPAN_LITERAL("E_INVALID invalid command %t"),
    [NSQ_LOOKUP_NOT_IDENTIFIED] = SPAN_LITERAL("E_INVALID client must IDENTIFY"),
    [NSQ_LOOKUP_IDENTIFIED_TWICE] = SPAN_LITERAL("E_INVALID cannot IDENTIFY again"),
    [NSQ_LOOKUP_NO_TOPIC] = SPAN_LITERAL("E_INVALID %c insufficient number of params"),
    [NSQ_LOOKUP_BAD_TOPIC] = SPAN_LITERAL("E_BAD_TOPIC %c topic name '%t' is not valid"),
    [NSQ_LOOKUP_BAD_CHANNEL] = SPAN_LITERAL("E_BAD_CHANNEL %c channel name '%t' is not valid"),
    [NSQ_LOOKUP_SIZE_CUT_OFF] = SPAN_LITERAL("E_BAD_BODY IDENTIFY failed to read body size"),
    [NSQ_LOOKUP_BODY_CUT_OFF] = SPAN_LITERAL("E_BAD_BODY IDENTIFY failed to read body"),
    [NSQ_LOOKUP_BAD_JSON] = SPAN_LITERAL("E_BAD_BODY IDENTIFY failed to decode JSON body"),
    [NSQ_LOOKUP_MISSING_FIELDS] = SPAN_LITERAL("E_BAD_BODY IDENTIFY missing fields"),
    [NSQ_LOOKUP_LINE_TOO_LONG] = SPAN_LITERAL("E_INVALID line has more than %l bytes"),
    [NSQ_LOOKUP_BAD_SIZE] = SPAN_LITERAL("E_BAD_BODY IDENTIFY invalid body size %v"),
    [NSQ_LOOKUP_BODY_TOO_BIG] = SPAN_LITERAL("E_BAD_BODY IDENTIFY body too big %v > %l"),
    [NSQ_LOOKUP_TOO_MANY] =
        SPAN_LITERAL("E_INVALID REGISTER more than %l registrations on one connection"),
};

_Static_assert(sizeof texts / sizeof texts[0] == NSQ_LOOKUP_WHY_COUNT, "one text for each error");

#define TEXT_MOST 128 /* no text is longer, without error->text */

/* Returns what a letter after a '%' stands for. A number is written into `digits`. */
static struct span field(const struct nsq_lookup_error *error, uint8_t letter,
                         uint8_t digits[NSQ_DECIMAL_MAX])
{
    switch (letter) {
    case 'c':
        return nsq_lookup_name(error->id);
    case 't':
        return error->text;
    case 'v':
        return nsq_decimal_write(error->value, digits);
    default:
        return nsq_decimal_write(error->limit, digits);
    }
}

/* Writes the text to `out`, unless this is NULL, and returns the size of the text. */
static size_t expand(const struct nsq_lookup_error *error, uint8_t *out)
{
    size_t size = 0;
    for (struct span rest = texts[error->why]; rest.n > 0;) {
        uint8_t digits[NSQ_DECIMAL_MAX];
        bool is_field = rest.p[0] == '%';
        struct span piece = is_field ? field(error, rest.p[1], digits) : span_first(rest, 1);
        if (out != NULL && piece.n > 0) {
            memcpy(out + size, piece.p, piece.n);
        }
        size += piece.n;
        rest = span_skip(rest, is_field ? 2 : 1);
    }
    return size;
}

size_t nsq_lookup_error_encode(const struct nsq_lookup_error *error, uint8_t *out, size_t room)
{
    if (error->text.n > INT32_MAX - TEXT_MOST) {
        return 0;
    }
    size_t size = expand(error, NULL);
    if (size <= room) {
        expand(error, out);
    }
    return size;
}
