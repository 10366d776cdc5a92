/* SPDX-License-Identifier: MIT */
/* Prints the canonical form, the only one that the parser in session_file.c accepts. Must not know:
 * how a step is played. */
#include "conform/session_file.h"

#include "base/text.h"
#include "base/time.h"
#include "codec/tls.h"

void transcript_escape(struct span bytes, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t c = bytes.p[i];
        char escape[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
        if (c == '\n' || c == '\r') {
            buf_append(out, c == '\n' ? SPAN("\\n") : SPAN("\\r"));
        } else if (c == '\\' || c == '"') {
            buf_append(out, SPAN("\\"));
            buf_append(out, span_make(&c, 1));
        } else if (c >= ' ' && c < 0x7f) {
            buf_append(out, span_make(&c, 1));
        } else {
            buf_append(out, span_make(escape, 4));
        }
    }
}

static void print_string(struct span bytes, struct buf *out)
{
    text_append(out, "\"");
    transcript_escape(bytes, out);
    text_append(out, "\"");
}

static void print_number(const struct item *item, struct buf *out)
{
    buf_append(out, item->kind == ITEM_U8    ? SPAN("u8(")
                    : item->kind == ITEM_U16 ? SPAN("u16(")
                    : item->kind == ITEM_I32 ? SPAN("i32(")
                                             : SPAN("i64("));
    text_append_decimal(out, item->number);
    text_append(out, ")");
}

/* For example "300 $i ". */
static void print_counter(int64_t count, struct span counter, struct buf *out)
{
    text_append_decimal(out, count);
    text_append(out, " $");
    buf_append(out, counter);
    text_append(out, " ");
}

static void print_item(const struct item *item, struct buf *out)
{
    switch (item->kind) {
    case ITEM_BYTES:
        print_string(item->bytes, out);
        break;
    case ITEM_VAR:
    case ITEM_COUNTER:
        text_append(out, "$");
        buf_append(out, item->bytes);
        break;
    case ITEM_ANY:
        text_append(out, "*");
        break;
    case ITEM_SIZE:
        text_append(out, "size{");
        transcript_items_print(item->inside, out);
        text_append(out, "}");
        break;
    case ITEM_REPEAT:
        text_append(out, "repeat(");
        print_counter(item->number, item->bytes, out);
        transcript_items_print(item->inside, out);
        text_append(out, ")");
        break;
    case ITEM_FILL:
        text_append(out, "fill(");
        text_append_decimal(out, item->number);
        text_append(out, " ");
        print_string(item->bytes, out);
        text_append(out, ")");
        break;
    default:
        print_number(item, out);
    }
}

void transcript_items_print(const struct item *items, struct buf *out)
{
    for (const struct item *item = items; item != NULL; item = item->next) {
        if (item != items) {
            text_append(out, " ");
        }
        print_item(item, out);
    }
}

static void print_duration(struct span word, int64_t ns, struct buf *out)
{
    if (ns != 0) {
        buf_append(out, word);
        text_append_decimal(out, ns / TIME_MS);
        text_append(out, "ms");
    }
}

static void print_message(const struct step *step, struct buf *out)
{
    text_append(out, " < message $");
    buf_append(out, step->var);
    text_append(out, " attempts ");
    if (step->attempts_of.n > 0) {
        text_append(out, "$");
        buf_append(out, step->attempts_of);
    } else if (step->attempts < 0) {
        text_append(out, "*");
    } else {
        text_append_decimal(out, step->attempts);
    }
    if (step->at.n > 0) {
        text_append(out, " at $");
        buf_append(out, step->at);
    }
    buf_append(out, step->any_body ? SPAN(" body *") : SPAN(" body "));
    transcript_items_print(step->items, out);
}

static void print_upgrade(const struct step *step, struct buf *out)
{
    static const struct span words[] = {
        [UPGRADE_TLS] = SPAN_LITERAL("tls"),
        [UPGRADE_SNAPPY] = SPAN_LITERAL("snappy"),
        [UPGRADE_DEFLATE] = SPAN_LITERAL("deflate "),
    };
    bool tls = step->upgrade == UPGRADE_TLS;
    text_append(out, " upgrade ");
    buf_append(out, words[step->upgrade]);
    if (step->upgrade_number != 0) {
        buf_append(out, tls ? SPAN(" 1.") : SPAN(""));
        text_append_decimal(out, tls ? step->upgrade_number - TLS_1_0 : step->upgrade_number);
    }
}

static void print_error(const struct step *step, struct buf *out)
{
    text_append(out, " < error ");
    buf_append(out, nsq_error_name(step->code));
    if (step->items != NULL) {
        text_append(out, " ");
        transcript_items_print(step->items, out);
    }
}

/* What follows the target of a request, or the status of a response. */
static void print_http(const struct step *step, struct buf *out)
{
    for (const struct header_line *line = step->headers; line != NULL; line = line->next) {
        buf_append(out, line->absent ? SPAN(" without ") : SPAN(" header "));
        transcript_items_print(line->items, out);
    }
    switch (step->body_kind) {
    case BODY_ITEMS:
        text_append(out, " body ");
        transcript_items_print(step->body, out);
        break;
    case BODY_JSON:
        text_append(out, " ");
        buf_append(out, step->text);
        break;
    case BODY_ABSENT:
        text_append(out, " no body");
        break;
    default:
        break;
    }
}

static void print_request(const struct step *step, struct buf *out)
{
    text_append(out, " > ");
    buf_append(out, step->method);
    text_append(out, " ");
    transcript_items_print(step->items, out);
    print_http(step, out);
}

static void print_connect(const struct step *step, struct buf *out)
{
    static const struct span words[] = {
        [CONNECT_NSQ] = SPAN_LITERAL(" connect"),
        [CONNECT_HTTP] = SPAN_LITERAL(" connect http"),
        [CONNECT_HTTPS] = SPAN_LITERAL(" connect https"),
    };
    buf_append(out, words[step->connect]);
}

/* The text between the actor and the items, for steps that need nothing more. */
static const struct span plain_steps[] = {
    [STEP_CLIENT_CLOSE] = SPAN_LITERAL(" > close"),
    [STEP_CLIENT_RESET] = SPAN_LITERAL(" > reset"),
    [STEP_STOP_READING] = SPAN_LITERAL(" stop reading"),
    [STEP_START_READING] = SPAN_LITERAL(" start reading"),
    [STEP_HEARTBEAT] = SPAN_LITERAL(" < heartbeat"),
    [STEP_NOTHING] = SPAN_LITERAL(" < nothing"),
    [STEP_SILENCE] = SPAN_LITERAL(" > nothing"),
    [STEP_IDENTIFY] = SPAN_LITERAL(" > identify "),
    [STEP_REPLY_RAW] = SPAN_LITERAL(" < raw "),
    [STEP_SERVER_CLOSE] = SPAN_LITERAL(" < close"),
    [STEP_SERVER_RESET] = SPAN_LITERAL(" < reset"),
    [STEP_NO_MESSAGE] = SPAN_LITERAL(" < no message"),
    [STEP_SERVER_END] = SPAN_LITERAL(" < end"),
    [STEP_RESPONSE] = SPAN_LITERAL(" < response "),
    [STEP_JSON] = SPAN_LITERAL(" < response "),
};

static void print_actor_step(const struct step *step, struct buf *out)
{
    buf_append(out, step->actor);
    if (step->kind == STEP_MESSAGE) {
        print_message(step, out);
    } else if (step->kind == STEP_ERROR) {
        print_error(step, out);
    } else if (step->kind == STEP_UPGRADE) {
        print_upgrade(step, out);
    } else if (step->kind == STEP_CONNECT) {
        print_connect(step, out);
    } else if (step->kind == STEP_ACCEPT) {
        text_append(out, " accept lookupd");
        buf_append(out, step->listener == TRANSCRIPT_LISTENER_HTTP ? SPAN(" http")
                        : step->listener == 1                      ? SPAN("2")
                                                                   : SPAN(""));
    } else if (step->kind == STEP_REQUEST) {
        print_request(step, out);
    } else if (step->kind == STEP_HTTP_RESPONSE) {
        text_append(out, " < ");
        text_append_decimal(out, step->status);
        print_http(step, out);
    } else if (step->kind == STEP_SEND || step->kind == STEP_CLIENT_END) {
        buf_append(out, step->raw ? SPAN(" > raw ") : SPAN(" > "));
        buf_append(out, step->kind == STEP_SEND ? SPAN("") : SPAN("end"));
        transcript_items_print(step->items, out);
    } else {
        buf_append(out, plain_steps[step->kind]);
        transcript_items_print(step->items, out);
        buf_append(out, step->text);
    }
    if (step->end != END_NONE) {
        buf_append(out, step->end == END_FIN ? SPAN(" fin") : SPAN(" rst"));
    }
    print_duration(SPAN(" after "), step->after, out);
    print_duration(SPAN(" within "), step->within, out);
}

static void print_indent(unsigned indent, struct buf *out)
{
    for (unsigned i = 0; i < indent; i++) {
        text_append(out, "    ");
    }
}

static void print_block(const struct step *step, unsigned indent, struct buf *out)
{
    buf_append(out, step->kind == STEP_ANY ? SPAN("any ") : SPAN("repeat "));
    if (step->count > 0) {
        print_counter(step->count, step->counter, out);
    }
    text_append(out, "{\n");
    for (const struct step *s = step->inside; s != NULL; s = s->next) {
        transcript_step_print(s, indent + 1, out);
    }
    print_indent(indent, out);
    text_append(out, "}");
}

void transcript_step_print(const struct step *step, unsigned indent, struct buf *out)
{
    bool empty = step->kind == STEP_COMMENT && step->text.n == 0;
    print_indent(empty ? 0 : indent, out);
    switch (step->kind) {
    case STEP_COMMENT:
        buf_append(out, step->text);
        break;
    case STEP_WAIT:
        print_duration(SPAN("wait "), step->after, out);
        break;
    case STEP_RESTART:
        buf_append(out, step->killed ? SPAN("restart kill") : SPAN("restart"));
        buf_append(out, step->text.n > 0 ? SPAN(" with ") : SPAN(""));
        buf_append(out, step->text);
        break;
    case STEP_ANY:
    case STEP_REPEAT:
        print_block(step, indent, out);
        break;
    default:
        print_actor_step(step, out);
    }
    text_append(out, "\n");
}

static void print_text(struct span key, struct span text, struct buf *out)
{
    if (text.n > 0) {
        buf_append(out, key);
        buf_append(out, text);
        text_append(out, "\n");
    }
}

static void print_words(struct span key, const struct word *words, struct buf *out)
{
    for (const struct word *w = words; w != NULL; w = w->next) {
        buf_append(out, w == words ? key : SPAN(" "));
        buf_append(out, w->text);
    }
    if (words != NULL) {
        text_append(out, "\n");
    }
}

void transcript_print(const struct transcript *file, struct buf *out)
{
    print_text(SPAN("id: "), file->id, out);
    print_text(SPAN("title: "), file->title, out);
    print_words(SPAN("req: "), file->reqs, out);
    print_text(SPAN("level: "), transcript_level_name(file->level), out);
    print_text(SPAN("server: "), file->server == SERVER_NSQLOOKUPD ? SPAN("nsqlookupd") : SPAN(""),
               out);
    print_words(SPAN("needs: "), file->needs, out);
    print_text(SPAN("flags: "), file->flags, out);
    print_text(SPAN("order: "), file->partial_order ? SPAN("partial") : SPAN(""), out);
    print_text(SPAN("effect: "), file->effect, out);
    print_text(SPAN("source: "), file->source, out);
    text_append(out, "\n");
    for (const struct step *step = file->steps; step != NULL; step = step->next) {
        transcript_step_print(step, 0, out);
    }
}
