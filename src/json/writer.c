/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON documents, with strings as Go's encoding/json writes them. Must not know what a
 * document means.
 */
#include "json/writer.h"

#include <assert.h>

#include "base/text.h"
#include "json/utf8.h"

struct json_writer json_writer(struct buf *out, enum json_style style)
{
    return (struct json_writer){.out = out, .style = style, .empty = true};
}

/* --- commas, new lines and containers --------------------------------------------------------- */

/* Only assertions use this function, and some builds have no assertions. */
__attribute__((unused)) static bool in_object(const struct json_writer *w)
{
    return w->depth > 0 && (w->objects >> (w->depth - 1) & 1) != 0;
}

static void new_line(struct json_writer *w)
{
    text_append(w->out, "\n");
    for (unsigned i = 0; i < w->depth; i++) {
        text_append(w->out, "  ");
    }
}

/* Writes the comma and the new line that are needed before a key, or before a value in an array. */
static void start_member(struct json_writer *w)
{
    if (!w->empty) {
        text_append(w->out, ",");
    }
    w->empty = false;
    if (w->style == JSON_INDENTED && w->depth > 0) {
        new_line(w);
    }
}

static void start_value(struct json_writer *w)
{
    assert(w->after_key == in_object(w)); /* a value needs a key in an object, and only there */
    assert(w->depth > 0 || w->empty);     /* a document is one value */
    if (!w->after_key) {
        start_member(w);
    }
    w->after_key = false;
}

static void end_value(struct json_writer *w)
{
    if (w->style == JSON_INDENTED && w->depth == 0) {
        text_append(w->out, "\n");
    }
}

static void open(struct json_writer *w, bool object)
{
    start_value(w);
    assert(w->depth < JSON_WRITER_DEPTH_MAX);
    uint64_t bit = UINT64_C(1) << w->depth;
    w->objects = object ? w->objects | bit : w->objects & ~bit;
    w->depth++;
    w->empty = true;
}

static void close(struct json_writer *w)
{
    bool empty = w->empty;
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    w->empty = false;
    if (w->style == JSON_INDENTED) {
        if (empty) { /* the format of earlier reports, which yajl's generator wrote */
            text_append(w->out, "\n");
        }
        new_line(w);
    }
}

void json_open_object(struct json_writer *w)
{
    open(w, true);
    text_append(w->out, "{");
}

void json_close_object(struct json_writer *w)
{
    assert(in_object(w));
    close(w);
    text_append(w->out, "}");
    end_value(w);
}

void json_open_array(struct json_writer *w)
{
    open(w, false);
    text_append(w->out, "[");
}

void json_close_array(struct json_writer *w)
{
    assert(!in_object(w));
    close(w);
    text_append(w->out, "]");
    end_value(w);
}

/* --- strings ---------------------------------------------------------------------------------- */

#define KEY_EXTRA 4 /* bytes around a key: a comma, two quotation marks, a colon */
#define BIT(c) (UINT64_C(1) << ((c)&63))

/* One bit for each byte: 1 if the byte is not ASCII, or must be escaped because of JSON. In the
 * second row also because of HTML, as in Go. Strings are read byte by byte, and /stats has many of
 * them; one look into a table is faster than many comparisons. */
static const uint64_t special[2][4] = {
    {UINT32_MAX | BIT('"'), BIT('\\'), UINT64_MAX, UINT64_MAX},
    {UINT32_MAX | BIT('"') | BIT('&') | BIT('<') | BIT('>'), BIT('\\'), UINT64_MAX, UINT64_MAX},
};

static void append_escaped(struct buf *out, uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *l = letters; *l != '\0'; l += 2) {
        if (c == (uint8_t)*l) {
            const char text[] = {'\\', l[1]};
            buf_append(out, span_make(text, sizeof text));
            return;
        }
    }
    const char text[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    buf_append(out, span_make(text, sizeof text));
}

/* Returns the number of bytes at the start of the text that are ASCII and need no escape. */
static size_t plain_bytes(struct span text, bool html)
{
    const uint64_t *bits = special[html];
    size_t n = 0;
    while (n < text.n && (bits[text.p[n] >> 6] & BIT(text.p[n])) == 0) {
        n++;
    }
    return n;
}

/* Writes the first character of the text and returns the rest of the text. The character needs an
 * escape or is not ASCII. */
static struct span append_character(struct buf *out, struct span text)
{
    struct span bytes;
    if (text.p[0] < 0x80) {
        append_escaped(out, text.p[0]);
        return span_skip(text, 1);
    }
    if (!utf8_next(&text, &bytes)) {
        text_append(out, "\\ufffd");
    } else if (span_equal(bytes, SPAN("\xe2\x80\xa8"))) { /* a line end in JavaScript */
        text_append(out, "\\u2028");
    } else if (span_equal(bytes, SPAN("\xe2\x80\xa9"))) {
        text_append(out, "\\u2029");
    } else {
        buf_append(out, bytes);
    }
    return text;
}

/* Appends a quotation mark and the text, and makes room only once. */
static void append_quoted(struct buf *out, struct span text)
{
    uint8_t *room = buf_room(out, text.n + 1);
    room[0] = '"';
    if (text.n > 0) {
        memcpy(room + 1, text.p, text.n);
    }
    buf_grew(out, text.n + 1);
}

/* `end` is the closing quotation mark and what follows it. */
static void append_string(struct json_writer *w, struct span text, struct span end)
{
    bool html = w->style == JSON_GO;
    size_t plain = plain_bytes(text, html);
    append_quoted(w->out, span_first(text, plain));
    text = span_skip(text, plain);
    while (text.n > 0) {
        text = append_character(w->out, text);
        plain = plain_bytes(text, html);
        buf_append(w->out, span_first(text, plain));
        text = span_skip(text, plain);
    }
    buf_append(w->out, end);
}

/* --- keys and values -------------------------------------------------------------------------- */

void json_write_key(struct json_writer *w, struct span key)
{
    assert(in_object(w) && !w->after_key);
    start_member(w);
    append_string(w, key, w->style == JSON_INDENTED ? SPAN("\": ") : SPAN("\":"));
    w->after_key = true;
}

void json_write_string(struct json_writer *w, struct span text)
{
    start_value(w);
    append_string(w, text, SPAN("\""));
    end_value(w);
}

void json_write_integer(struct json_writer *w, int64_t number)
{
    char digits[TEXT_DECIMAL_MAX];
    json_write_raw(w, text_decimal(digits, number));
}

void json_write_unsigned(struct json_writer *w, uint64_t number)
{
    start_value(w);
    text_append_unsigned(w->out, number);
    end_value(w);
}

void json_write_bool(struct json_writer *w, bool value)
{
    json_write_raw(w, value ? SPAN("true") : SPAN("false"));
}

void json_write_null(struct json_writer *w)
{
    json_write_raw(w, SPAN("null"));
}

void json_write_raw(struct json_writer *w, struct span json)
{
    start_value(w);
    buf_append(w->out, json);
    end_value(w);
}

/* --- members ---------------------------------------------------------------------------------- */

/* Writes a key that needs no escape, with the comma before it and the colon after it, and makes
 * room only once: most of a page of statistics consists of such keys. */
static void write_key(struct json_writer *w, const char *text)
{
    struct span key = span_make(text, strlen(text));
    if (w->style == JSON_INDENTED) {
        json_write_key(w, key);
        return;
    }
    assert(in_object(w) && !w->after_key);
    uint8_t *room = buf_room(w->out, key.n + KEY_EXTRA);
    uint8_t *p = room;
    if (!w->empty) {
        *p++ = ',';
    }
    *p++ = '"';
    memcpy(p, key.p, key.n);
    p += key.n;
    *p++ = '"';
    *p++ = ':';
    buf_grew(w->out, (size_t)(p - room));
    w->empty = false;
    w->after_key = true;
}

void json_member_string(struct json_writer *w, const char *key, struct span text)
{
    write_key(w, key);
    json_write_string(w, text);
}

void json_member_integer(struct json_writer *w, const char *key, int64_t number)
{
    write_key(w, key);
    json_write_integer(w, number);
}

void json_member_unsigned(struct json_writer *w, const char *key, uint64_t number)
{
    write_key(w, key);
    json_write_unsigned(w, number);
}

void json_member_null(struct json_writer *w, const char *key)
{
    write_key(w, key);
    json_write_null(w);
}

void json_member_bool(struct json_writer *w, const char *key, bool value)
{
    write_key(w, key);
    json_write_bool(w, value);
}

void json_member_object(struct json_writer *w, const char *key)
{
    write_key(w, key);
    json_open_object(w);
}

void json_member_array(struct json_writer *w, const char *key)
{
    write_key(w, key);
    json_open_array(w);
}
