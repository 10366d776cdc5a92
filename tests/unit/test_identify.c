/* SPDX-License-Identifier: MIT */
/*
 * Tests of session/identify.h. Which documents are accepted, and what their numbers and booleans
 * say, was seen on nsqd 1.3.0, row by row.
 */
#include "session/identify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/stride.h"
#include "support/world.h"

/* The beginning of most documents. */
#define FN "{\"feature_negotiation\":true"

#define REFUSED NULL

static const struct row {
    const char *rule;
    struct span document;
    const char *says; /* the fields that are not zero, in struct identify's order; or REFUSED */
} rows[] = {
#define ROW(rule, document, says)                                                                  \
    {                                                                                              \
        rule, SPAN_LITERAL(document), says                                                         \
    }
    ROW("nothing", "", REFUSED),
    ROW("empty object", "{}", ""),
    ROW("null", "null", ""),
    ROW("true", "true", REFUSED),
    ROW("number", "1", REFUSED),
    ROW("string", "\"{}\"", REFUSED),
    ROW("empty array", "[]", REFUSED),
    ROW("array of object", "[{}]", REFUSED),
    ROW("blank", " ", REFUSED),
    ROW("newline only", "\n", REFUSED),
    ROW("word", "nil", REFUSED),
    ROW("capital null", "Null", REFUSED),
    ROW("part of null", "nul", REFUSED),
    ROW("spaces", "\t\r\n{ \t\r\n\"feature_negotiation\" \t\r\n: \t\r\ntrue \t\r\n} \t\r\n",
        "feature_negotiation"),
    ROW("form feed", "\x0c{}", REFUSED),
    ROW("vertical tab", "{\x0b}", REFUSED),
    ROW("no break space", "{}\xc2\xa0", REFUSED),
    ROW("nul before", "\x00{}", REFUSED),
    ROW("nul after", "{}\x00", REFUSED),
    ROW("bom", "\xef\xbb\xbf{}", REFUSED),
    ROW("bom after", "{}\xef\xbb\xbf", REFUSED),
    ROW("utf16", "{\x00}\x00", REFUSED),
    ROW("trailing brace", "{}}", REFUSED),
    ROW("trailing comma after", "{},", REFUSED),
    ROW("trailing object", "{}{}", REFUSED),
    ROW("trailing word", "{} x", REFUSED),
    ROW("trailing comment", "{}//x", REFUSED),
    ROW("comment", "{/**/}", REFUSED),
    ROW("unclosed", "{", REFUSED),
    ROW("unclosed member", "{\"sample_rate\":1", REFUSED),
    ROW("unclosed key", "{\"sample_rate", REFUSED),
    ROW("no value", "{\"sample_rate\"}", REFUSED),
    ROW("no value colon", "{\"sample_rate\":}", REFUSED),
    ROW("no colon", "{\"sample_rate\" 1}", REFUSED),
    ROW("two colons", "{\"sample_rate\"::1}", REFUSED),
    ROW("equals", "{\"sample_rate\"=1}", REFUSED),
    ROW("last comma", "{\"sample_rate\":1,}", REFUSED),
    ROW("first comma", "{,\"sample_rate\":1}", REFUSED),
    ROW("two commas", "{\"sample_rate\":1,,\"msg_timeout\":2000}", REFUSED),
    ROW("no comma", "{\"sample_rate\":1 \"msg_timeout\":2000}", REFUSED),
    ROW("semicolon", "{\"sample_rate\":1;\"msg_timeout\":2000}", REFUSED),
    ROW("only comma", "{,}", REFUSED),
    ROW("bare key", "{sample_rate:1}", REFUSED),
    ROW("single quotes", "{'sample_rate':1}", REFUSED),
    ROW("number key", "{1:1}", REFUSED),
    ROW("null key", "{null:1}", REFUSED),
    ROW("mismatched", "{\"x\":[1}", REFUSED),
    ROW("mismatched other", "{\"x\":{1]}", REFUSED),
    ROW("array last comma", "{\"x\":[1,]}", REFUSED),
    ROW("array only comma", "{\"x\":[,]}", REFUSED),
    ROW("array no comma", "{\"x\":[1 2]}", REFUSED),
    ROW("array colon", "{\"x\":[1:2]}", REFUSED),
    ROW("unknown key", FN ",\"no_such_field\":{\"a\":[1,\"2\",null,{}]}}", "feature_negotiation"),
    ROW("empty key", FN ",\"\":1}", "feature_negotiation"),
    ROW("legacy ids", FN ",\"short_id\":1,\"long_id\":{\"x\":[]}}", "feature_negotiation"),
    ROW("key upper", FN ",\"SAMPLE_RATE\":5}", "sample_rate=5 feature_negotiation"),
    ROW("key mixed", FN ",\"Sample_Rate\":5}", "sample_rate=5 feature_negotiation"),
    ROW("key upper negotiation", "{\"FEATURE_NEGOTIATION\":true}", "feature_negotiation"),
    ROW("key long s",
        FN ",\"\xc5\xbf"
           "ample_rate\":5}",
        "sample_rate=5 feature_negotiation"),
    ROW("key long s inside", FN ",\"m\xc5\xbfg_timeout\":5000}",
        "msg_timeout=5000 feature_negotiation"),
    ROW("key long s escaped", FN ",\"\\u017fample_rate\":5}", "sample_rate=5 feature_negotiation"),
    ROW("key kelvin", FN ",\"\xe2\x84\xaa\":5,\"sample_rate\":6}",
        "sample_rate=6 feature_negotiation"),
    ROW("key dotless i", FN ",\"msg_t\xc4\xb1meout\":5000}", "feature_negotiation"),
    ROW("key dotted capital i", FN ",\"msg_t\xc4\xb0meout\":5000}", "feature_negotiation"),
    ROW("key fullwidth",
        FN ",\"\xef\xbd\x93"
           "ample_rate\":5}",
        "feature_negotiation"),
    ROW("key sharp s",
        FN ",\"me\xc3\x9f"
           "age\":5}",
        "feature_negotiation"),
    ROW("key escaped", FN ",\"sample\\u005frate\":5}", "sample_rate=5 feature_negotiation"),
    ROW("key escaped upper", FN ",\"\\u0053ample_rate\":5}", "sample_rate=5 feature_negotiation"),
    ROW("key hyphen", FN ",\"sample-rate\":5}", "feature_negotiation"),
    ROW("key go name", FN ",\"SampleRate\":5}", "feature_negotiation"),
    ROW("key leading space", FN ",\" sample_rate\":5}", "feature_negotiation"),
    ROW("key trailing nul", FN ",\"sample_rate\\u0000\":5}", "feature_negotiation"),
    ROW("key prefix", FN ",\"sample_rat\":5}", "feature_negotiation"),
    ROW("key longer", FN ",\"sample_rates\":5}", "feature_negotiation"),
    ROW("key invalid utf8", FN ",\"sample_rate\xff\":5}", "feature_negotiation"),
    ROW("key raw newline", "{\"sample\n_rate\":5}", REFUSED),
    ROW("duplicate last wins", FN ",\"sample_rate\":5,\"sample_rate\":6}",
        "sample_rate=6 feature_negotiation"),
    ROW("duplicate case", FN ",\"sample_rate\":5,\"SAMPLE_RATE\":6}",
        "sample_rate=6 feature_negotiation"),
    ROW("duplicate case first", FN ",\"SAMPLE_RATE\":6,\"sample_rate\":5}",
        "sample_rate=5 feature_negotiation"),
    ROW("duplicate null keeps", FN ",\"sample_rate\":5,\"sample_rate\":null}",
        "sample_rate=5 feature_negotiation"),
    ROW("duplicate negotiation", FN ",\"feature_negotiation\":false}", ""),
    ROW("duplicate bad then good", FN ",\"sample_rate\":200,\"sample_rate\":5}",
        "sample_rate=5 feature_negotiation"),
    ROW("duplicate wrong type then good", FN ",\"sample_rate\":\"x\",\"sample_rate\":5}", REFUSED),
    ROW("duplicate good then wrong type", FN ",\"sample_rate\":5,\"sample_rate\":\"x\"}", REFUSED),
    ROW("null number", FN ",\"sample_rate\":null}", "feature_negotiation"),
    ROW("null string", FN ",\"client_id\":null}", "feature_negotiation"),
    ROW("null bool", "{\"feature_negotiation\":null}", ""),
    ROW("null all",
        FN ",\"heartbeat_interval\":null,\"output_buffer_size\":null,\"output_buffer_timeout\":"
           "null,\"msg_timeout\":null}",
        "feature_negotiation"),
    ROW("string for number", FN ",\"sample_rate\":\"5\"}", REFUSED),
    ROW("empty string for number", FN ",\"sample_rate\":\"\"}", REFUSED),
    ROW("bool for number", FN ",\"sample_rate\":true}", REFUSED),
    ROW("object for number", FN ",\"sample_rate\":{}}", REFUSED),
    ROW("array for number", FN ",\"sample_rate\":[5]}", REFUSED),
    ROW("number for string", FN ",\"client_id\":5}", REFUSED),
    ROW("bool for string", FN ",\"hostname\":false}", REFUSED),
    ROW("object for string", FN ",\"user_agent\":{\"a\":1}}", REFUSED),
    ROW("array for string", FN ",\"client_id\":[\"a\"]}", REFUSED),
    ROW("string for bool", "{\"feature_negotiation\":\"true\"}", REFUSED),
    ROW("number for bool", "{\"feature_negotiation\":1}", REFUSED),
    ROW("zero for bool", FN ",\"tls_v1\":0}", REFUSED),
    ROW("array for bool", FN ",\"snappy\":[]}", REFUSED),
    ROW("object for bool", FN ",\"deflate\":{}}", REFUSED),
    ROW("string for deflate level", FN ",\"deflate_level\":\"6\"}", REFUSED),
    ROW("string for heartbeat", FN ",\"heartbeat_interval\":\"1000\"}", REFUSED),
    ROW("string for buffer size", FN ",\"output_buffer_size\":\"64\"}", REFUSED),
    ROW("string for buffer timeout", FN ",\"output_buffer_timeout\":\"250\"}", REFUSED),
    ROW("string for msg timeout", FN ",\"msg_timeout\":\"1000\"}", REFUSED),
    ROW("wrong type before bad value", FN ",\"client_id\":5,\"heartbeat_interval\":1}", REFUSED),
    ROW("capital true", "{\"feature_negotiation\":True}", REFUSED),
    ROW("part of true", "{\"feature_negotiation\":tru}", REFUSED),
    ROW("longer than true", "{\"feature_negotiation\":truee}", REFUSED),
    ROW("nan", FN ",\"sample_rate\":NaN}", REFUSED),
    ROW("infinity", FN ",\"sample_rate\":Infinity}", REFUSED),
    ROW("undefined", FN ",\"sample_rate\":undefined}", REFUSED),
    ROW("minus zero", FN ",\"sample_rate\":-0}", "feature_negotiation"),
    ROW("leading zero", FN ",\"sample_rate\":05}", REFUSED),
    ROW("leading zeros", FN ",\"sample_rate\":00}", REFUSED),
    ROW("plus", FN ",\"sample_rate\":+5}", REFUSED),
    ROW("minus only", FN ",\"sample_rate\":-}", REFUSED),
    ROW("minus leading zero", FN ",\"sample_rate\":-05}", REFUSED),
    ROW("two minus", FN ",\"sample_rate\":--5}", REFUSED),
    ROW("float", FN ",\"sample_rate\":5.0}", REFUSED),
    ROW("float fraction", FN ",\"sample_rate\":5.5}", REFUSED),
    ROW("float no digits", FN ",\"sample_rate\":5.}", REFUSED),
    ROW("float no integer", FN ",\"sample_rate\":.5}", REFUSED),
    ROW("float zero", FN ",\"sample_rate\":0.0}", REFUSED),
    ROW("exponent", FN ",\"sample_rate\":5e0}", REFUSED),
    ROW("exponent big", FN ",\"msg_timeout\":1E3}", REFUSED),
    ROW("exponent plus", FN ",\"msg_timeout\":1e+3}", REFUSED),
    ROW("exponent minus", FN ",\"msg_timeout\":10000e-1}", REFUSED),
    ROW("exponent no digits", FN ",\"msg_timeout\":1e}", REFUSED),
    ROW("hex", FN ",\"sample_rate\":0x5}", REFUSED),
    ROW("underscore", FN ",\"msg_timeout\":1_000}", REFUSED),
    ROW("space inside", FN ",\"msg_timeout\":1 000}", REFUSED),
    ROW("unknown float", FN ",\"x\":1.5e300}", "feature_negotiation"),
    ROW("unknown huge exponent", FN ",\"x\":1e99999}", "feature_negotiation"),
    ROW("unknown bad number", FN ",\"x\":01}", REFUSED),
    ROW("int64 max", FN ",\"msg_timeout\":9223372036854775807}",
        "msg_timeout=9223372036854775807 feature_negotiation"),
    ROW("int64 over", FN ",\"msg_timeout\":9223372036854775808}", REFUSED),
    ROW("int64 min", FN ",\"msg_timeout\":-9223372036854775808}",
        "msg_timeout=-9223372036854775808 feature_negotiation"),
    ROW("int64 under", FN ",\"msg_timeout\":-9223372036854775809}", REFUSED),
    ROW("uint64 wrap", FN ",\"msg_timeout\":18446744073709552616}", REFUSED),
    ROW("int32 max", FN ",\"sample_rate\":2147483647}",
        "sample_rate=2147483647 feature_negotiation"),
    ROW("int32 over", FN ",\"sample_rate\":2147483648}", REFUSED),
    ROW("int32 min", FN ",\"sample_rate\":-2147483648}",
        "sample_rate=-2147483648 feature_negotiation"),
    ROW("int32 under", FN ",\"sample_rate\":-2147483649}", REFUSED),
    ROW("int32 wrap", FN ",\"sample_rate\":4294967301}", REFUSED),
    ROW("heartbeat int64 over", FN ",\"heartbeat_interval\":9223372036854775808}", REFUSED),
    ROW("buffer size int64 over", FN ",\"output_buffer_size\":9223372036854775808}", REFUSED),
    ROW("buffer timeout int64 over", FN ",\"output_buffer_timeout\":9223372036854775808}", REFUSED),
    ROW("deflate level int64 over", FN ",\"deflate_level\":9223372036854775808}", REFUSED),
    ROW("deflate level int64 max", FN ",\"deflate_level\":9223372036854775807}",
        "deflate_level=9223372036854775807 feature_negotiation"),
    ROW("string escapes", FN ",\"client_id\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}",
        "feature_negotiation"),
    ROW("string bad escape", FN ",\"client_id\":\"\\x41\"}", REFUSED),
    ROW("string escaped quote mark", FN ",\"client_id\":\"\\'\"}", REFUSED),
    ROW("string escaped zero", FN ",\"client_id\":\"\\0\"}", REFUSED),
    ROW("string short u", FN ",\"client_id\":\"\\u12\"}", REFUSED),
    ROW("string bad u", FN ",\"client_id\":\"\\u12g4\"}", REFUSED),
    ROW("string capital u", FN ",\"client_id\":\"\\U0041\"}", REFUSED),
    ROW("string nul escape", FN ",\"client_id\":\"\\u0000\"}", "feature_negotiation"),
    ROW("string surrogate pair", FN ",\"client_id\":\"\\ud83d\\ude00\"}", "feature_negotiation"),
    ROW("string lone high surrogate", FN ",\"client_id\":\"\\ud83d\"}", "feature_negotiation"),
    ROW("string lone low surrogate", FN ",\"client_id\":\"\\ude00\"}", "feature_negotiation"),
    ROW("string swapped surrogates", FN ",\"client_id\":\"\\ude00\\ud83d\"}",
        "feature_negotiation"),
    ROW("string high then text", FN ",\"client_id\":\"\\ud83dx\"}", "feature_negotiation"),
    ROW("string high then other escape", FN ",\"client_id\":\"\\ud83d\\n\"}",
        "feature_negotiation"),
    ROW("string high twice", FN ",\"client_id\":\"\\ud83d\\ud83d\\ude00\"}", "feature_negotiation"),
    ROW("string raw nul",
        FN ",\"client_id\":\"a\x00"
           "b\"}",
        REFUSED),
    ROW("string raw newline", FN ",\"client_id\":\"a\nb\"}", REFUSED),
    ROW("string raw tab", FN ",\"client_id\":\"a\tb\"}", REFUSED),
    ROW("string raw 1f",
        FN ",\"client_id\":\"a\x1f"
           "b\"}",
        REFUSED),
    ROW("string raw del",
        FN ",\"client_id\":\"a\x7f"
           "b\"}",
        "feature_negotiation"),
    ROW("string raw line separator",
        FN ",\"client_id\":\"a\xe2\x80\xa8"
           "b\"}",
        "feature_negotiation"),
    ROW("string invalid utf8", FN ",\"client_id\":\"\xff\xfe\"}", "feature_negotiation"),
    ROW("string truncated utf8", FN ",\"client_id\":\"\xe2\x82\"}", "feature_negotiation"),
    ROW("string overlong utf8", FN ",\"client_id\":\"\xc0\x80\"}", "feature_negotiation"),
    ROW("string utf8 surrogate", FN ",\"client_id\":\"\xed\xa0\x80\"}", "feature_negotiation"),
    ROW("string utf8 too big", FN ",\"client_id\":\"\xf4\x90\x80\x80\"}", "feature_negotiation"),
    ROW("string unclosed", "{\"client_id\":\"a}", REFUSED),
    ROW("string ends in backslash", "{\"client_id\":\"a\\\"}", REFUSED),
    ROW("unknown invalid utf8", FN ",\"x\":\"\xff\"}", "feature_negotiation"),
    ROW("unknown bad escape", FN ",\"x\":\"\\q\"}", REFUSED),
    ROW("unknown raw control", FN ",\"x\":\"\x01\"}", REFUSED),
    ROW("invalid utf8 outside", "{\xff}", REFUSED),
    ROW("all fields without negotiation",
        "{\"client_id\":\"c\",\"hostname\":\"h\",\"user_agent\":\"u\",\"msg_timeout\":1000,"
        "\"sample_rate\":1}",
        "sample_rate=1 msg_timeout=1000"),
    ROW("features without negotiation", "{\"snappy\":true,\"deflate\":true,\"tls_v1\":true}",
        "tls_v1 deflate snappy"),
    ROW("bad value without negotiation", "{\"sample_rate\":100}", "sample_rate=100"),
    ROW("negotiation false", "{\"feature_negotiation\":false,\"sample_rate\":1}", "sample_rate=1"),
    ROW("negotiation only", "{\"feature_negotiation\":true}", "feature_negotiation"),
    ROW("tls without certificate", FN ",\"tls_v1\":true}", "feature_negotiation tls_v1"),
    ROW("like go-nsq",
        "{\"client_id\":\"h\",\"deflate\":false,\"deflate_level\":6,\"feature_negotiation\":true,"
        "\"heartbeat_interval\":30000,\"hostname\":\"h.local\",\"long_id\":\"h.local\","
        "\"msg_timeout\":0,\"output_buffer_size\":16384,\"output_buffer_timeout\":250,"
        "\"sample_rate\":0,\"short_id\":\"h\",\"snappy\":false,\"tls_v1\":false,"
        "\"user_agent\":\"go-nsq/1.1.0\"}",
        "heartbeat_interval=30000 output_buffer_size=16384 output_buffer_timeout=250 "
        "deflate_level=6 feature_negotiation"),
    /* Not seen on nsqd: the bounds of each field. */
    ROW("every field",
        "{\"heartbeat_interval\":1,\"output_buffer_size\":2,\"output_buffer_timeout\":3,"
        "\"sample_rate\":4,\"msg_timeout\":5,\"deflate_level\":6,\"feature_negotiation\":true,"
        "\"tls_v1\":true,\"deflate\":true,\"snappy\":true}",
        "heartbeat_interval=1 output_buffer_size=2 output_buffer_timeout=3 sample_rate=4 "
        "msg_timeout=5 deflate_level=6 feature_negotiation tls_v1 deflate snappy"),
    ROW("half a token behind the document: t", "{}t", REFUSED),
    ROW("half a token behind the document: nu", "{} nu", REFUSED),
    ROW("half a token behind the document: a string", "{} \"", REFUSED),
    ROW("half a token behind the document: -", "null-", REFUSED),
    ROW("a number behind the document", "{}1", REFUSED),
    ROW("a slash behind the document", "{}/", REFUSED),
    ROW("the beginning of a character", "{}\xe2", REFUSED),
    ROW("blanks behind the document", "{} \t\r\n", ""),
    ROW("blanks behind null", "null \t\r\n", ""),
    ROW("a form feed in a string", FN ",\"x\":\"\f\"}", REFUSED),
    ROW("a vertical tab behind", "{}\v", REFUSED),
    ROW("a long s that is cut off", FN ",\"msg_timeout\xc5\":5,\"\xe2\x84\":5}",
        "feature_negotiation"),
    ROW("fields of an inner object are none", FN ",\"x\":{\"sample_rate\":5},\"y\":[7]}",
        "feature_negotiation"),
    ROW("a field behind an inner object", FN ",\"x\":{\"y\":[]},\"sample_rate\":5}",
        "sample_rate=5 feature_negotiation"),
#undef ROW
};

#define READER_MOST 24576 /* bytes that identify.h states */

static void append_number(struct buf *b, const char *name, int64_t value)
{
    if (value != 0) {
        buf_append(b, span_make(" ", b->n > 0 ? 1 : 0));
        buf_append(b, span_make(name, strlen(name)));
        text_append(b, "=");
        text_append_decimal(b, value);
    }
}

static void append_flag(struct buf *b, const char *name, bool value)
{
    if (value) {
        buf_append(b, span_make(" ", b->n > 0 ? 1 : 0));
        buf_append(b, span_make(name, strlen(name)));
    }
}

static void append_says(struct buf *b, const struct identify *i)
{
    append_number(b, "heartbeat_interval", i->heartbeat_interval);
    append_number(b, "output_buffer_size", i->output_buffer_size);
    append_number(b, "output_buffer_timeout", i->output_buffer_timeout);
    append_number(b, "sample_rate", i->sample_rate);
    append_number(b, "msg_timeout", i->msg_timeout);
    append_number(b, "deflate_level", i->deflate_level);
    append_flag(b, "feature_negotiation", i->feature_negotiation);
    append_flag(b, "tls_v1", i->tls_v1);
    append_flag(b, "deflate", i->deflate);
    append_flag(b, "snappy", i->snappy);
    buf_append(b, span_make("", 1));
}

/* Reads a document that arrives in pieces of `first`, `others`, `others`, .. bytes. */
static bool read_pieces(struct span document, size_t first, size_t others,
                        struct identify *identify)
{
    struct identify_reader *r = identify_reader_new();
    for (size_t n = first; document.n > 0; n = others) {
        struct span piece = span_first(document, n);
        identify_reader_add(r, piece);
        assert_true(identify_reader_memory(r) <= READER_MOST);
        document = span_skip(document, piece.n);
    }
    bool accepted = identify_reader_end(r, identify);
    identify_reader_free(r);
    return accepted;
}

static bool read_whole(struct span document, struct identify *identify)
{
    return read_pieces(document, document.n, 1, identify);
}

static bool same_text(const struct json_short *a, const struct json_short *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* Checks that a document cut in this way gives the same result. */
static void check_cut(struct span document, size_t first, size_t others, bool accepted,
                      const struct identify *expected)
{
    struct identify identify;
    bool again = read_pieces(document, first, others, &identify);
    bool same = again == accepted;
    if (same && accepted) {
        struct buf one = {0};
        struct buf other = {0};
        append_says(&one, expected);
        append_says(&other, &identify);
        same = span_equal(buf_span(&one), buf_span(&other)) &&
               same_text(&expected->client_id, &identify.client_id) &&
               same_text(&expected->hostname, &identify.hostname) &&
               same_text(&expected->user_agent, &identify.user_agent);
        buf_free(&one);
        buf_free(&other);
    }
    if (!same) {
        world_fail(__FILE__, __LINE__, "%.*s\n  is read differently in pieces of %zu, %zu, ..",
                   (int)span_first(document, 100).n, (const char *)document.p, first, others);
    }
}

static void check_cuts(struct span document, bool accepted, const struct identify *expected)
{
    size_t step = document.n < 1000 ? 1 : document.n / 50;
    for (size_t first = 1; first < document.n; first += step) {
        check_cut(document, first, document.n, accepted, expected);
    }
    for (size_t n = 1; n < 10; n++) {
        check_cut(document, n, n, accepted, expected);
    }
}

static void check_row(const struct row *row)
{
    struct identify identify;
    struct buf says = {0};
    bool accepted = read_whole(row->document, &identify);
    check_cuts(row->document, accepted, &identify);
    if (accepted) {
        append_says(&says, &identify);
    }
    const char *got = accepted ? (const char *)says.p : "(refused)";
    const char *expected = row->says == REFUSED ? "(refused)" : row->says;
    if (strcmp(got, expected) != 0) {
        world_fail(__FILE__, __LINE__, "\"%s\"\n  expected: %s\n  says:     %s", row->rule,
                   expected, got);
    }
    buf_free(&says);
}

static void documents_are_read_as_nsqd_reads_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i]);
    }
}

/* --- long documents --------------------------------------------------------------------------- */

/* `front`, then `count` times `repeated`, the middle, `count` times `closing`, then `back`. */
static void check_nested(const char *front, const char *repeated, const char *middle,
                         const char *closing, const char *back, size_t count, const char *says)
{
    struct buf b = {0};
    const char *const parts[] = {front, repeated, middle, closing, back};
    for (int i = 0; i < 5; i++) {
        for (size_t times = i == 1 || i == 3 ? count : 1; times > 0; times--) {
            buf_append(&b, span_make(parts[i], strlen(parts[i])));
        }
    }
    const struct row row = {"nested", buf_span(&b), says};
    check_row(&row);
    buf_free(&b);
}

/* The document itself is one level. */
static void ten_thousand_levels_are_accepted(void **state)
{
    (void)state;
    check_nested(FN ",\"x\":", "[", "", "]", "}", 9999, "feature_negotiation");
    check_nested(FN ",\"x\":", "[", "", "]", "}", 10000, REFUSED);
    check_nested(FN ",\"x\":", "{\"x\":", "1", "}", "}", 9999, "feature_negotiation");
    check_nested(FN ",\"x\":", "{\"x\":", "1", "}", "}", 10000, REFUSED);
    check_nested(FN ",\"x\":", "[", "", "", "}", 10000, REFUSED);
    check_nested("", "[", "", "]", "", 10000, REFUSED);
    check_nested(FN ",\"sample_rate\":", "[", "", "]", "}", 100, REFUSED);
}

static void numbers_may_have_any_length(void **state)
{
    (void)state;
    check_nested(FN ",\"msg_timeout\":1", "0", "}", "", "", 400, REFUSED);
    check_nested(FN ",\"x\":1", "0", "}", "", "", 400, "feature_negotiation");
    check_nested(FN ",\"x\":\"", "a", "\"}", "", "", 70000, "feature_negotiation");
}

/* --- strings ---------------------------------------------------------------------------------- */

static void check_client_id(struct span document, struct span expected)
{
    struct identify identify;
    assert_true(read_whole(document, &identify));
    check_cuts(document, true, &identify);
    assert_int_equal(identify.client_id.n, expected.n);
    assert_true(span_equal(span_make(identify.client_id.bytes, identify.client_id.n), expected));
}

static void strings_are_kept_as_they_are_meant(void **state)
{
    (void)state;
    check_client_id(SPAN("{}"), SPAN(""));
    check_client_id(SPAN("{\"client_id\":\"\"}"), SPAN(""));
    check_client_id(SPAN("{\"client_id\":\"abc\"}"), SPAN("abc"));
    check_client_id(SPAN("{\"client_id\":\"abc\",\"client_id\":\"d\"}"), SPAN("d"));
    check_client_id(SPAN("{\"client_id\":\"abc\",\"client_id\":null}"), SPAN("abc"));
    check_client_id(SPAN("{\"client_id\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u0000x\"}"),
                    SPAN("\"\\/\b\f\n\r\t\xc3\xa9\0x"));
    check_client_id(SPAN("{\"client_id\":\"\\ud83d\\ude00\"}"), SPAN("\xf0\x9f\x98\x80"));
    struct identify identify;
    assert_true(read_whole(SPAN("{\"client_id\":\"a\",\"hostname\":\"b\",\"user_agent\":\"c\"}"),
                           &identify));
    assert_int_equal(identify.client_id.bytes[0], 'a');
    assert_int_equal(identify.hostname.bytes[0], 'b');
    assert_int_equal(identify.user_agent.bytes[0], 'c');
}

static void the_first_255_bytes_of_a_string_are_kept(void **state)
{
    (void)state;
    uint8_t document[sizeof "{\"client_id\":\"\"}" + JSON_SHORT_MAX + 1];
    uint8_t text[JSON_SHORT_MAX + 1];
    memset(text, 'x', sizeof text);
    for (size_t n = JSON_SHORT_MAX - 1; n <= JSON_SHORT_MAX + 1; n++) {
        int size = snprintf((char *)document, sizeof document, "{\"client_id\":\"%.*s\"}", (int)n,
                            (const char *)text);
        check_client_id(span_make(document, (size_t)size),
                        span_first(span_make(text, n), JSON_SHORT_MAX));
    }
}

/* --- what is left out ------------------------------------------------------------------------- */

/* Writes `count` times `repeated` between two texts. */
static void fill(struct buf *b, const char *front, const char *repeated, size_t count,
                 const char *back)
{
    b->n = 0;
    buf_append(b, span_make(front, strlen(front)));
    for (size_t i = 0; i < count; i++) {
        buf_append(b, span_make(repeated, strlen(repeated)));
    }
    buf_append(b, span_make(back, strlen(back)));
}

/* yajl does not see the end of a long string, so it is checked without yajl. */
static void the_end_of_a_long_string_is_checked(void **state)
{
    static const struct {
        const char *end;
        bool good;
    } ends[] = {
        {"\"}", true},     {"\\n\"}", true},        {"\\u00e9\"}", true}, {"\\\"\"}", true},
        {"\\\\\"}", true}, {"\\/\"}", true},        {"\xff\"}", true},    {"\\uABcd\"}", true},
        {"\\a\"}", false}, {"\\u00g0\"}", false},   {"\\u00\"}", false},  {"\\\"}", false},
        {"\n\"}", false},  {"\v\"}", false},        {"\"", false},        {"", false},
        {"\"}\"", false},  {"\"}{\"x\":1}", false}, {"\x01\"}", false},   {"\\\n\"}", false},
    };
    struct buf b = {0};
    struct identify identify;
    size_t most = (under_valgrind() ? 4 : 40) * JSON_SHORT_MAX;
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (size_t count = JSON_SHORT_MAX - 1; count <= most; count *= 3) {
            fill(&b, "{\"client_id\":\"", "a", count, ends[i].end);
            assert_int_equal(read_whole(buf_span(&b), &identify), ends[i].good);
            check_cuts(buf_span(&b), ends[i].good, &identify);
            fill(&b, "{\"x\":\"", "\\u0061", count, ends[i].end);
            assert_int_equal(read_whole(buf_span(&b), &identify), ends[i].good);
            check_cuts(buf_span(&b), ends[i].good, &identify);
        }
    }
    buf_free(&b);
}

/* A character of two escapes stands at the end of what is kept. */
static void the_kept_part_may_end_within_a_character(void **state)
{
    (void)state;
    struct buf b = {0};
    uint8_t expected[JSON_SHORT_MAX + 8];
    for (size_t n = JSON_SHORT_MAX - 5; n <= JSON_SHORT_MAX; n++) {
        fill(&b, "{\"client_id\":\"", "a", n, "\\ud83d\\ude00bc\"}");
        memset(expected, 'a', n);
        memcpy(expected + n,
               "\xf0\x9f\x98\x80"
               "bc",
               6);
        check_client_id(buf_span(&b), span_first(span_make(expected, n + 6), JSON_SHORT_MAX));
    }
    buf_free(&b);
}

/* A long key is not the field that it begins with. */
static void long_keys_are_no_fields(void **state)
{
    (void)state;
    struct buf b = {0};
    struct identify identify;
    fill(&b, "{\"sample_rate", "e", 5000, "\":\"x\"}");
    assert_true(read_whole(buf_span(&b), &identify));
    check_cuts(buf_span(&b), true, &identify);
    buf_free(&b);
}

static void long_numbers_are_checked(void **state)
{
    static const struct {
        const char *front, *end;
        bool good;
    } rows_of_digits[] = {
        {"{\"x\":1", "}", true},
        {"{\"x\":-1", "}", true},
        {"{\"x\":1.", "e5}", true},
        {"{\"x\":1e+", "}", true},
        {"{\"x\":1e+", "e1}", false},
        {"{\"x\":1.", ".0}", false},
        {"{\"x\":0", "}", false},
        {"{\"x\":1", "x}", false},
        {"{\"msg_timeout\":1", "}", false},
        {"{\"msg_timeout\":-", "}", false},
        {"{\"x\":[1", ",1]}", true},
        {"{\"x\":\"", "\"}", true},
    };
    struct buf b = {0};
    struct identify identify;
    (void)state;
    for (size_t i = 0; i < sizeof rows_of_digits / sizeof rows_of_digits[0]; i++) {
        for (size_t count = 60; count < 5000; count = count < 70 ? count + 1 : count * 4) {
            bool good = rows_of_digits[i].good;
            fill(&b, rows_of_digits[i].front, "7", count, rows_of_digits[i].end);
            assert_int_equal(read_whole(buf_span(&b), &identify), good);
            check_cuts(buf_span(&b), good, &identify);
        }
    }
    buf_free(&b);
}

/* Nothing of an earlier document is left. */
static void every_document_begins_afresh(void **state)
{
    (void)state;
    struct identify identify;
    memset(&identify, 0xa5, sizeof identify);
    assert_true(read_whole(SPAN("{\"sample_rate\":5}"), &identify));
    assert_int_equal(identify.sample_rate, 5);
    assert_int_equal(identify.msg_timeout, 0);
    assert_int_equal(identify.hostname.n, 0);
    assert_false(identify.snappy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read_as_nsqd_reads_them),
        cmocka_unit_test(ten_thousand_levels_are_accepted),
        cmocka_unit_test(numbers_may_have_any_length),
        cmocka_unit_test(strings_are_kept_as_they_are_meant),
        cmocka_unit_test(the_first_255_bytes_of_a_string_are_kept),
        cmocka_unit_test(the_end_of_a_long_string_is_checked),
        cmocka_unit_test(the_kept_part_may_end_within_a_character),
        cmocka_unit_test(long_keys_are_no_fields),
        cmocka_unit_test(long_numbers_are_checked),
        cmocka_unit_test(every_document_begins_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
