/* SPDX-License-Identifier: MIT */
/* The exchange contains no clock time, so two equal plays give equal lines. Must not know: what
 * makes a step fail. */
#include "conform/player_exchange.h"

#include "base/text.h"
#include "base/time.h"

#define SHOWN_MAX 200 /* bytes of a frame or of sent data that a line shows */
#define VALUE_MAX 100 /* bytes of a value that is shown behind its name */

void player_show_bytes(struct span bytes, struct buf *out)
{
    text_append(out, "\"");
    transcript_escape(span_first(bytes, SHOWN_MAX), out);
    text_append(out, "\"");
    if (bytes.n > SHOWN_MAX) {
        text_append(out, " .. ");
        text_append_decimal(out, (int64_t)bytes.n);
        text_append(out, " bytes");
    }
}

/* Drops whole lines from the front until half of the exchange has room for the rest. */
static void shorten_tail(struct player *p)
{
    while (p->tail.n > PLAYER_EXCHANGE_MAX / 2) {
        struct span tail = buf_span(&p->tail);
        const uint8_t *end = memchr(tail.p, '\n', tail.n);
        buf_drop(&p->tail, end == NULL ? tail.n : (size_t)(end - tail.p) + 1);
        p->left_out++;
    }
}

struct buf *player_line(struct player *p)
{
    if (p->exchange.n < PLAYER_EXCHANGE_MAX / 2) {
        return &p->exchange;
    }
    shorten_tail(p);
    return &p->tail;
}

void player_end_exchange(struct player *p)
{
    shorten_tail(p);
    if (p->left_out > 0) {
        text_append(&p->exchange, "(");
        text_append_decimal(&p->exchange, (int64_t)p->left_out);
        text_append(&p->exchange, " lines are left out here)\n");
    }
    buf_append(&p->exchange, buf_span(&p->tail));
    buf_free(&p->tail);
}

void player_note(struct player *p, struct span actor, struct span what)
{
    if (p->config.no_exchange) {
        return;
    }
    struct buf *line = player_line(p);
    buf_append(line, actor);
    buf_append(line, what);
    text_append(line, "\n");
}

void player_note_bytes(struct player *p, struct span actor, struct span what, struct span bytes)
{
    if (p->config.no_exchange) {
        return;
    }
    struct buf *line = player_line(p);
    buf_append(line, actor);
    buf_append(line, what);
    player_show_bytes(bytes, line);
    text_append(line, "\n");
}

void player_show_frame(struct buf *out, const struct nsq_frame *frame)
{
    struct nsq_message m;
    if (frame->type == NSQ_FRAME_MESSAGE && nsq_message_parse(frame->data, &m) == NSQ_OK) {
        text_append(out, "message ");
        transcript_escape(span_make(m.id, NSQ_MESSAGE_ID_SIZE), out);
        text_append(out, " attempts ");
        text_append_decimal(out, m.attempts);
        text_append(out, " body ");
        player_show_bytes(m.body, out);
        return;
    }
    buf_append(out, frame->type == NSQ_FRAME_RESPONSE ? SPAN("response ")
                    : frame->type == NSQ_FRAME_ERROR  ? SPAN("error ")
                                                      : SPAN("message too short "));
    player_show_bytes(frame->data, out);
}

void player_note_frame(struct player *p, const struct player_conn *c, const struct nsq_frame *frame)
{
    if (p->config.no_exchange) {
        return;
    }
    struct buf *line = player_line(p);
    buf_append(line, c->name);
    buf_append(line, c->accepted ? SPAN(" > ") : SPAN(" < "));
    if (c->accepted) {
        player_show_bytes(frame->data, line);
    } else {
        player_show_frame(line, frame);
    }
    text_append(line, "\n");
}

/* Keeps a copy of the bytes that no step has matched: those of this connection, or those of all
 * connections when the step has no actor. */
static void keep_unmatched(struct player *p, struct span actor)
{
    for (size_t i = 0; i < p->conn_count; i++) {
        if (actor.n == 0 || span_equal(p->conns[i].name, actor)) {
            buf_append(&p->unmatched, span_first(buf_span(&p->conns[i].in), PLAYER_UNMATCHED_MAX));
        }
    }
}

bool player_fail(struct player *p, const struct step *step, enum verdict verdict)
{
    if (p->failed_line == 0) {
        p->verdict = verdict;
        p->failed_line = step->line;
        keep_unmatched(p, step->actor);
    }
    return false;
}

/* --- a step with what is known about it ------------------------------------------------------- */

static bool is_text(struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] <= ' ' || bytes.p[i] > '~') {
            return false;
        }
    }
    return bytes.n > 0 && bytes.n <= VALUE_MAX;
}

/* Returns how many bytes of the text are a word. */
static size_t word_length(struct span text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] != ' ' && text.p[n] != '\n' && text.p[n] != '}' &&
           text.p[n] != '$') {
        n++;
    }
    return n;
}

/* The text begins with "$name". Returns the length of this, which was appended. */
static size_t show_name(struct player *p, struct span text, struct buf *out)
{
    size_t n = 1 + word_length(span_skip(text, 1));
    struct span name = span_first(span_skip(text, 1), n - 1);
    const struct value *value = values_find(&p->values, name);
    buf_append(out, span_first(text, n));
    if (value != NULL && is_text(buf_span(&value->bytes))) {
        text_append(out, " (");
        buf_append(out, buf_span(&value->bytes));
        text_append(out, ")");
    }
    return n;
}

/* The text begins with " after 950ms". Returns the length of this, which was appended. */
static size_t show_after(struct span text, struct buf *out)
{
    size_t n = sizeof " after " - 1;
    n += word_length(span_skip(text, n));
    buf_append(out, span_first(text, n));
    text_append(out, " (not earlier)");
    return n;
}

void player_show_step(struct player *p, const struct step *step, unsigned indent, struct buf *out)
{
    struct buf text = {0};
    struct span after = SPAN(" after ");
    bool quoted = false;
    transcript_step_print(step, indent, &text);
    for (struct span rest = buf_span(&text); rest.n > 0;) {
        size_t n = quoted && rest.p[0] == '\\' && rest.n > 1 ? 2 : 1;
        quoted = quoted != (rest.p[0] == '"');
        if (!quoted && rest.p[0] == '$') {
            n = show_name(p, rest, out);
        } else if (!quoted && span_equal(span_first(rest, after.n), after)) {
            n = show_after(rest, out);
        } else {
            buf_append(out, span_first(rest, n));
        }
        rest = span_skip(rest, n);
    }
    buf_free(&text);
}

void player_show_wait(const struct player *p, struct buf *out)
{
    int64_t ms = (p->step_wait + TIME_MS / 2) / TIME_MS;
    int64_t tenths = (ms + 50) / 100;
    text_append(out, " within ");
    if (ms < 1000) {
        text_append_decimal(out, ms);
        text_append(out, "ms");
        return;
    }
    text_append_decimal(out, tenths / 10);
    if (tenths % 10 > 0) {
        text_append(out, ".");
        text_append_decimal(out, tenths % 10);
    }
    text_append(out, " s");
}

struct buf *player_expected(struct player *p, const struct step *step)
{
    buf_drop(&p->why, p->why.n);
    text_append(&p->why, "expected: ");
    player_show_step(p, step, 0, &p->why);
    text_append(&p->why, "received: ");
    return &p->why;
}
