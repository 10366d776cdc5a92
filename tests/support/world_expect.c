/* SPDX-License-Identifier: MIT */
#include "support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

#define SHOWN_MAX 4000 /* bytes of either side that a failure shows */

/* --- text ------------------------------------------------------------------------------------- */

void world_append_text(struct buf *b, struct span bytes, size_t most)
{
    struct span shown = span_first(bytes, most);
    for (size_t i = 0; i < shown.n; i++) {
        uint8_t c = shown.p[i];
        char text[8];
        const char *form = c >= ' ' && c < 0x7f ? "%c" : "\\x%02x";
        int n = snprintf(text, sizeof text, form, c);
        buf_append(b, span_make(text, (size_t)n));
    }
    if (shown.n < bytes.n) {
        text_append(b, "... (");
        text_append_unsigned(b, bytes.n);
        text_append(b, " bytes)");
    }
}

void world_fail(const char *file, int line, const char *format, ...)
{
    char text[2 * SHOWN_MAX + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error("%s:%d: %s\n", file, line, text);
    _fail(file, line);
    abort(); /* _fail does not come back */
}

/* Both sides, one above the other. */
static void differ(const char *file, int line, const struct client *c, const char *expected,
                   const char *heard)
{
    static const char *const cuts[] = {"", " (input byte by byte)", " (input at random cuts)"};
    world_fail(file, line, "%s\n  expected: %.*s\n  received: %.*s", cuts[c->world->cut], SHOWN_MAX,
               expected, SHOWN_MAX, heard);
}

/* --- events ----------------------------------------------------------------------------------- */

static void append_frame(struct buf *b, const struct nsq_frame *frame)
{
    static const char *const types[] = {"R ", "E ", "M "};
    struct nsq_message message;
    struct span data = frame->data;
    buf_append(b, span_make(types[frame->type], 2));
    if (frame->type == NSQ_FRAME_MESSAGE && nsq_message_parse(data, &message) == NSQ_OK) {
        text_append_decimal(b, message.attempts);
        text_append(b, " ");
        data = message.body;
    }
    world_append_text(b, data, SHOWN_MAX);
}

static void begin_event(struct buf *b)
{
    if (b->n > 0) {
        text_append(b, "; ");
    }
}

/* Appends the frames at the start of `in`, at most `most`; returns how many there were. */
static size_t append_frames(struct buf *b, struct span *in, size_t most)
{
    struct nsq_frame frame;
    size_t consumed;
    size_t count = 0;
    while (count < most && nsq_frame_parse(*in, NSQ_FRAME_DATA_MAX, &frame, &consumed) == NSQ_OK) {
        begin_event(b);
        append_frame(b, &frame);
        *in = span_skip(*in, consumed);
        count++;
    }
    return count;
}

/* The end of the text, as C knows it. */
static const char *finish(struct buf *b)
{
    buf_append(b, span_make("", 1));
    return (const char *)buf_span(b).p;
}

const char *client_heard(struct client *c)
{
    struct span in = buf_span(&c->in);
    buf_free(&c->heard);
    append_frames(&c->heard, &in, SIZE_MAX);
    if (in.n > 0) {
        begin_event(&c->heard);
        text_append(&c->heard, "part of a frame: ");
        world_append_text(&c->heard, in, SHOWN_MAX);
    }
    buf_free(&c->in);
    if (c->shut && !c->shut_heard) {
        begin_event(&c->heard);
        text_append(&c->heard, "SHUT");
    }
    if (c->closed && !c->closed_heard) {
        begin_event(&c->heard);
        text_append(&c->heard, "CLOSED");
    }
    c->shut_heard = c->shut;
    c->closed_heard = c->closed;
    return finish(&c->heard);
}

size_t client_events(const struct client *c)
{
    struct buf text = {0};
    struct span in = buf_span(&c->in);
    size_t count = append_frames(&text, &in, SIZE_MAX);
    buf_free(&text);
    return count + (c->shut && !c->shut_heard ? 1 : 0) + (c->closed && !c->closed_heard ? 1 : 0);
}

bool client_next(struct client *c, struct nsq_frame *frame, struct nsq_message *message)
{
    size_t consumed;
    if (nsq_frame_parse(buf_span(&c->in), NSQ_FRAME_DATA_MAX, frame, &consumed) != NSQ_OK) {
        return false;
    }
    buf_free(&c->heard);
    buf_append(&c->heard, frame->data);
    buf_drop(&c->in, consumed);
    frame->data = buf_span(&c->heard);
    if (frame->type == NSQ_FRAME_MESSAGE && nsq_message_parse(frame->data, message) != NSQ_OK) {
        world_fail(__FILE__, __LINE__, "a broken message");
    }
    return true;
}

/* --- expectations ----------------------------------------------------------------------------- */

void world_check_heard(const char *file, int line, struct client *c, const char *text)
{
    const char *heard = client_heard(c);
    if (strcmp(heard, text) != 0) {
        differ(file, line, c, text, heard);
    }
}

/* Takes the next frame; what was expected instead is for the failure's message. */
static struct nsq_frame next_frame(const char *file, int line, struct client *c,
                                   const char *expected)
{
    struct nsq_frame frame;
    size_t consumed;
    if (nsq_frame_parse(buf_span(&c->in), NSQ_FRAME_DATA_MAX, &frame, &consumed) != NSQ_OK) {
        differ(file, line, c, expected, client_heard(c));
    }
    return frame;
}

static void drop_frame(struct client *c, const struct nsq_frame *frame)
{
    buf_drop(&c->in, NSQ_FRAME_HEADER_SIZE + frame->data.n);
}

void world_check_frame(const char *file, int line, struct client *c, enum nsq_frame_type type,
                       struct span data)
{
    struct nsq_frame wanted = {.type = type, .data = data};
    struct buf expected = {0};
    append_frame(&expected, &wanted);
    struct nsq_frame frame = next_frame(file, line, c, finish(&expected));
    if (frame.type != type || !span_equal(frame.data, data)) {
        differ(file, line, c, finish(&expected), client_heard(c));
    }
    drop_frame(c, &frame);
    buf_free(&expected);
}

void world_check_message(const char *file, int line, struct client *c, unsigned attempts,
                         struct span body, struct message_id *id)
{
    struct buf expected = {0};
    text_append(&expected, "M ");
    text_append_decimal(&expected, attempts);
    text_append(&expected, " ");
    world_append_text(&expected, body, SHOWN_MAX);
    struct nsq_frame frame = next_frame(file, line, c, finish(&expected));
    struct nsq_message m;
    if (frame.type != NSQ_FRAME_MESSAGE || nsq_message_parse(frame.data, &m) != NSQ_OK ||
        m.attempts != attempts || !span_equal(m.body, body)) {
        differ(file, line, c, finish(&expected), client_heard(c));
    }
    c->timestamp = m.timestamp;
    if (id != NULL) {
        memcpy(id->text, m.id, NSQ_MESSAGE_ID_SIZE);
        id->text[NSQ_MESSAGE_ID_SIZE] = '\0';
    }
    drop_frame(c, &frame);
    buf_free(&expected);
}

void world_check_log(const char *file, int line, const struct world *w, const char *text,
                     bool there)
{
    if ((world_logged(w, text) > 0) != there) {
        world_fail(
            file, line, "log line %s: %s\n  the log:\n%.*s", there ? "missing" : "not wanted", text,
            (int)span_first(buf_span(&w->log), SHOWN_MAX).n, (const char *)buf_span(&w->log).p);
    }
}
