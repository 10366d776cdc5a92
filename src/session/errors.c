/* SPDX-License-Identifier: MIT */
/*
 * The texts of errors that several commands send, and of errors about bodies. Must not know when an
 * error is sent.
 */
#include "session/errors.h"

#include "base/text.h"
#include "session/handlers.h"
#include "json/quote.h"

/* Returns an error whose text is its code, a space, the name of the current command and a space. */
static struct reply begin(const struct session *s, enum nsq_error code)
{
    return reply_command_error(s->place.id, code);
}

struct reply error_with(const struct session *s, enum nsq_error code, struct span text)
{
    struct reply reply = begin(s, code);
    buf_append(reply.text, text);
    return reply;
}

struct reply error_failed(const struct session *s, struct span reason)
{
    struct reply reply = begin(s, command_failed_code(s->place.id));
    text_append(reply.text, "failed ");
    buf_append(reply.text, reason);
    return reply;
}

struct reply error_no_room(const struct session *s)
{
    struct reply reply = error_failed(s, SPAN("queued bytes would exceed the limit of "));
    const struct budget *budget = &s->v2->broker->core.budget;
    text_append_decimal(reply.text, (int64_t)budget_bound(budget, memory_use(s)));
    return reply;
}

struct reply error_bad_name(const struct session *s, enum nsq_error code, struct span what,
                            struct span name)
{
    struct reply reply = error_with(s, code, what);
    quote_append(reply.text, name);
    text_append(reply.text, " is not valid");
    return reply;
}

struct reply error_bad_decimal(const struct session *s, struct span what, struct span digits)
{
    struct reply reply = error_with(s, NSQ_E_INVALID, SPAN("could not parse "));
    buf_append(reply.text, what);
    buf_append(reply.text, digits);
    return reply;
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* The words that nsqd uses in errors about one kind of body. */
struct words {
    enum nsq_error code;
    struct span item; /* "failed to read <item> size", "invalid <item> size n" */
    struct span big;  /* "<big> too big n > limit" */
};

#define BODY_WORDS                                                                                 \
    {                                                                                              \
        NSQ_E_BAD_BODY, SPAN_LITERAL("body"), SPAN_LITERAL("body")                                 \
    }

static const struct words words[] = {
    [NSQ_BODY_NONE] = {NSQ_E_INVALID, {NULL, 0}, {NULL, 0}},
    [NSQ_BODY_DATA] = BODY_WORDS,
    [NSQ_BODY_MESSAGE] = {NSQ_E_BAD_MESSAGE, SPAN_LITERAL("message body"), SPAN_LITERAL("message")},
    [NSQ_BODY_MESSAGES] = BODY_WORDS,
};

static const struct words *words_of(const struct session *s)
{
    return &words[nsq_command_row(s->place.id)->body];
}

/* Appends "message(<index>) body", which names one of the messages of an MPUB. */
static void append_message(struct buf *text, uint32_t index)
{
    text_append(text, "message(");
    text_append_decimal(text, index);
    text_append(text, ") body");
}

/* Returns the code of an error in the current stage of the parser. */
static enum nsq_error stage_code(const struct session *s)
{
    switch (s->place.stage) {
    case NSQ_STAGE_COUNT:
        return NSQ_E_BAD_BODY;
    case NSQ_STAGE_MESSAGE_SIZE:
    case NSQ_STAGE_MESSAGE_BODY:
        return NSQ_E_BAD_MESSAGE;
    default:
        return words_of(s)->code;
    }
}

struct reply command_cut_off(const struct session *s)
{
    const struct words *w = words_of(s);
    struct reply reply = error_with(s, stage_code(s), SPAN("failed to read "));
    switch (s->place.stage) {
    case NSQ_STAGE_SIZE:
        buf_append(reply.text, w->item);
        text_append(reply.text, " size");
        break;
    case NSQ_STAGE_COUNT:
        text_append(reply.text, "message count");
        break;
    case NSQ_STAGE_MESSAGE_SIZE:
        append_message(reply.text, s->place.index);
        text_append(reply.text, " size");
        break;
    case NSQ_STAGE_MESSAGE_BODY:
        text_append(reply.text, "message body");
        break;
    default:
        buf_append(reply.text, w->item);
        break;
    }
    return reply;
}

static struct reply too_big(const struct session *s, const struct nsq_item *item,
                            enum nsq_error code, struct span what)
{
    struct reply reply = error_with(s, code, what);
    text_append(reply.text, " too big ");
    text_append_decimal(reply.text, item->value);
    text_append(reply.text, " > ");
    text_append_decimal(reply.text, item->limit);
    return reply;
}

struct reply command_bad(const struct session *s, const struct nsq_item *item)
{
    const struct words *w = words_of(s);
    bool in_mpub = item->stage == NSQ_STAGE_MESSAGE_SIZE;
    enum nsq_error code = in_mpub ? NSQ_E_BAD_MESSAGE : w->code;
    if (item->bad == NSQ_BAD_SIZE_TOO_BIG) {
        return too_big(s, item, code, in_mpub ? SPAN("message") : w->big);
    }
    struct reply reply = error_with(s, code, SPAN("invalid "));
    if (item->bad == NSQ_BAD_COUNT) {
        text_append(reply.text, "message count ");
    } else if (in_mpub) {
        append_message(reply.text, item->index);
        text_append(reply.text, " size ");
    } else {
        buf_append(reply.text, w->item);
        text_append(reply.text, " size ");
    }
    text_append_decimal(reply.text, item->value);
    return reply;
}
