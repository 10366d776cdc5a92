/* SPDX-License-Identifier: MIT */
/*
 * Invariant, for every IDENTIFY document that is accepted: a new document with the same fields
 * gives the same values. As the value of an unknown key it is accepted too and changes nothing,
 * until it is nested deeper than the limit. Without its last byte, or with more bytes behind it, it
 * is refused. In pieces, a document gives the same result as in one. A document that this target
 * builds from known members is accepted if and only if all its numbers fit, and gives the values
 * that were put in.
 *
 * Input: what to do (a byte). Below 128, the rest is a document; from 96 to 127 it is also nested
 * around the limit. From 128 on, members follow, each with a field, a form, the length of the value
 * (a byte each) and the value. Bits of the form: 0: true, or a minus sign; 1: the number is the
 * field's bound less one plus the value's first two bits, else the value's digits; 7: letters stand
 * before the value, up to the longest text that is kept or a few more.
 */
#include "session/identify.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "fuzz.h"
#include "json_depth.h"

const struct fuzz_shape fuzz_shape = {.header = 1, .body = FUZZ_BYTES};

#define MAKE_FROM 128
#define NEST_FROM 96
#define MEMBERS_MAX 16
#define SIGNED 1
#define AT_BOUND 2
#define LONG_TEXT 128
#define READER_MOST 24576 /* bytes that identify.h states */

enum kind { TEXT, NUMBER, BOOL };

static const struct field {
    const char *name;
    enum kind kind;
    size_t offset;
} fields[] = {
#define FIELD(name, kind)                                                                          \
    {                                                                                              \
#name, kind, offsetof(struct identify, name)                                               \
    }
    FIELD(client_id, TEXT),
    FIELD(hostname, TEXT),
    FIELD(user_agent, TEXT),
    FIELD(heartbeat_interval, NUMBER),
    FIELD(output_buffer_size, NUMBER),
    FIELD(output_buffer_timeout, NUMBER),
    FIELD(sample_rate, NUMBER),
    FIELD(msg_timeout, NUMBER),
    FIELD(deflate_level, NUMBER),
    FIELD(feature_negotiation, BOOL),
    FIELD(tls_v1, BOOL),
    FIELD(deflate, BOOL),
    FIELD(snappy, BOOL),
};

#define FIELDS (sizeof fields / sizeof fields[0])

static const void *value_of(const struct identify *identify, const struct field *field)
{
    return (const uint8_t *)identify + field->offset;
}

/* Compared field by field, because the padding between fields has no defined value. */
static bool equal(const struct identify *a, const struct identify *b)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const void *one = value_of(a, &fields[i]);
        const void *other = value_of(b, &fields[i]);
        if (fields[i].kind == TEXT) {
            const struct json_short *s = one;
            const struct json_short *t = other;
            if (!span_equal(span_make(s->bytes, s->n), span_make(t->bytes, t->n))) {
                return false;
            }
        } else if (fields[i].kind == NUMBER ? *(const int64_t *)one != *(const int64_t *)other
                                            : *(const bool *)one != *(const bool *)other) {
            return false;
        }
    }
    return true;
}

/* --- reading documents ------------------------------------------------------------------------ */

static bool read_pieces(struct span document, size_t size, struct identify *identify)
{
    struct identify_reader *r = identify_reader_new();
    while (document.n > 0) {
        struct span piece = span_first(document, size);
        identify_reader_add(r, piece);
        FUZZ_CHECK(identify_reader_memory(r) <= READER_MOST);
        document = span_skip(document, piece.n);
    }
    bool good = identify_reader_end(r, identify);
    identify_reader_free(r);
    return good;
}

/* Reads a document whole, and in pieces whose size depends on its length. */
static bool read_document(struct span document, struct identify *identify)
{
    struct identify cut;
    bool good = read_pieces(document, document.n, identify);
    FUZZ_CHECK(read_pieces(document, 1 + document.n % 7, &cut) == good);
    FUZZ_CHECK(!good || equal(&cut, identify));
    return good;
}

/* --- writing documents ------------------------------------------------------------------------ */

static void append_quoted(struct buf *out, struct span bytes)
{
    text_append(out, "\"");
    for (size_t i = 0; i < bytes.n; i++) {
        char text[8];
        uint8_t c = bytes.p[i];
        int n = snprintf(text, sizeof text, c < ' ' || c == '"' || c == '\\' ? "\\u%04x" : "%c", c);
        buf_append(out, span_make(text, (size_t)n));
    }
    text_append(out, "\"");
}

static void append_key(struct buf *out, const struct field *field)
{
    buf_append(out, out->n == 0 ? SPAN("{") : SPAN(","));
    append_quoted(out, span_make(field->name, strlen(field->name)));
    text_append(out, ":");
}

static void write_down(const struct identify *identify, struct buf *out)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const void *value = value_of(identify, &fields[i]);
        append_key(out, &fields[i]);
        if (fields[i].kind == TEXT) {
            const struct json_short *text = value;
            append_quoted(out, span_make(text->bytes, text->n));
        } else if (fields[i].kind == NUMBER) {
            text_append_decimal(out, *(const int64_t *)value);
        } else {
            buf_append(out, *(const bool *)value ? SPAN("true") : SPAN("false"));
        }
    }
    text_append(out, "}");
}

static void must_say(const struct buf *document, const struct identify *expected)
{
    struct identify identify;
    fuzz_say_bytes("must be accepted:", buf_span(document));
    FUZZ_CHECK(read_document(buf_span(document), &identify));
    FUZZ_CHECK(equal(&identify, expected));
}

/* --- a document of the input ------------------------------------------------------------------ */

/* Writes the document as the value of an unknown key, inside this many arrays. */
static void nest(struct buf *out, struct span document, size_t arrays)
{
    text_append(out, "{\"x\":");
    for (size_t i = 0; i < arrays; i++) {
        text_append(out, "[");
    }
    buf_append(out, document);
    for (size_t i = 0; i < arrays; i++) {
        text_append(out, "]");
    }
    text_append(out, "}");
}

static void check_nested(struct span document, size_t near)
{
    const struct identify nothing = {0};
    struct identify identify;
    struct buf out = {0};
    size_t depth = json_depth(document);
    size_t arrays = near;
    if (near > 0 && depth + 8 < JSON_DEPTH_MAX) {
        arrays = JSON_DEPTH_MAX - 1 - depth - 4 + near;
    }
    nest(&out, document, arrays);
    bool good = read_document(buf_span(&out), &identify);
    FUZZ_CHECK(good == (1 + arrays + depth <= JSON_DEPTH_MAX));
    FUZZ_CHECK(!good || equal(&identify, &nothing));
    buf_free(&out);
}

static void check_document(struct span document, size_t near)
{
    struct identify identify;
    if (!read_document(document, &identify)) {
        fuzz_say_bytes("refused:", document);
        return;
    }
    fuzz_say_bytes("accepted:", document);
    struct buf out = {0};
    write_down(&identify, &out);
    must_say(&out, &identify);
    buf_free(&out);
    check_nested(document, near);

    while (strchr(" \t\r\n", document.p[document.n - 1]) != NULL) {
        document = span_first(document, document.n - 1);
    }
    FUZZ_CHECK(!read_document(span_first(document, document.n - 1), &identify));
    buf_append(&out, document);
    text_append(&out, " ");
    FUZZ_CHECK(read_document(buf_span(&out), &identify));
    text_append(&out, "1");
    FUZZ_CHECK(!read_document(buf_span(&out), &identify));
    buf_free(&out);
}

/* --- a document that is made ------------------------------------------------------------------ */

/* Writes digits and computes their value as far as it matters. False: the value does not fit. */
static bool make_number(struct buf *out, struct span value, uint8_t form, bool is_int32,
                        int64_t *number)
{
    bool negative = form & SIGNED;
    const uint64_t most = (is_int32 ? (uint64_t)INT32_MAX : (uint64_t)INT64_MAX) + negative;
    size_t digits_of_most = is_int32 ? 10 : 19;
    char text[UINT8_MAX + 1];
    size_t n = 0;
    if (form & AT_BOUND) {
        uint64_t near = most - 1 + fuzz_byte(&value) % 4;
        n = (size_t)snprintf(text, sizeof text, "%" PRIu64, near);
    }
    for (size_t i = 0; i < value.n && !(form & AT_BOUND); i++) {
        char digit = (char)('0' + value.p[i] % 10);
        if (n > 0 || digit != '0') {
            text[n++] = digit;
        }
    }
    if (n == 0) {
        text[n++] = '0';
    }
    if (negative) {
        text_append(out, "-");
    }
    buf_append(out, span_make(text, n));
    uint64_t sum = 0; /* 19 digits fit */
    for (size_t i = 0; i < n && n <= digits_of_most; i++) {
        sum = sum * 10 + (uint64_t)(text[i] - '0');
    }
    *number = (int64_t)(negative ? 0 - sum : sum);
    return n <= digits_of_most && sum <= most;
}

/* Writes a text to `out`, and to `text` the part of it that IDENTIFY keeps. */
static void make_text(struct buf *out, struct span value, uint8_t form, struct json_short *text)
{
    struct buf all = {0};
    for (size_t i = 0; form & LONG_TEXT && i < JSON_SHORT_MAX - 8u + form % 16u; i++) {
        text_append(&all, "x");
    }
    buf_append(&all, value);
    struct span kept = span_first(buf_span(&all), JSON_SHORT_MAX);
    append_quoted(out, buf_span(&all));
    text->n = (uint8_t)kept.n;
    if (kept.n > 0) {
        memcpy(text->bytes, kept.p, kept.n);
    }
    buf_free(&all);
}

/* Writes one member. False: the document must be refused because of it. */
static bool make_member(struct buf *out, struct span *in, struct identify *expected)
{
    const struct field *field = &fields[fuzz_below(in, FIELDS)];
    void *place = (uint8_t *)expected + field->offset;
    uint8_t form = fuzz_byte(in);
    struct span value = fuzz_take(in, fuzz_byte(in));
    append_key(out, field);
    if (field->kind == NUMBER) {
        bool is_int32 = field->offset == offsetof(struct identify, sample_rate);
        return make_number(out, value, form, is_int32, place);
    }
    if (field->kind == TEXT) {
        make_text(out, value, form, place);
    } else {
        *(bool *)place = form & SIGNED;
        buf_append(out, form & SIGNED ? SPAN("true") : SPAN("false"));
    }
    return true;
}

static void check_made(struct span in)
{
    struct identify expected = {0};
    struct identify identify;
    struct buf out = {0};
    bool fits = true;
    for (int i = 0; i < MEMBERS_MAX && in.n > 0; i++) {
        fits = make_member(&out, &in, &expected) && fits;
    }
    buf_append(&out, out.n == 0 ? SPAN("{}") : SPAN("}"));
    if (fits) {
        must_say(&out, &expected);
    } else {
        fuzz_say_bytes("must be refused:", buf_span(&out));
        FUZZ_CHECK(!read_document(buf_span(&out), &identify));
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make(data, size);
    uint8_t what = fuzz_byte(&in);
    if (what >= MAKE_FROM) {
        check_made(in);
    } else {
        check_document(in, what >= NEST_FROM ? 1 + what % 8u : 0);
    }
    return 0;
}
